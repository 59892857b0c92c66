# The daemon. Everything but main() is in a library, so that unit tests and fuzz targets link it.
noinst_LIBRARIES += libdaemon.a
libdaemon_a_SOURCES = \
	src/daemon/access_log.c src/daemon/access_log.h \
	src/daemon/acme_certificate.c src/daemon/acme_certificate.h \
	src/daemon/acme_challenge.c src/daemon/acme_challenge.h \
	src/daemon/acme_grammar.c src/daemon/acme_grammar.h \
	src/daemon/acme_webroot.c src/daemon/acme_webroot.h \
	src/daemon/address.c src/daemon/address.h \
	src/daemon/address_limit.c src/daemon/address_limit.h \
	src/daemon/arrivals.c src/daemon/arrivals.h \
	src/daemon/certificates.c src/daemon/certificates.h \
	src/daemon/clock.h \
	src/daemon/config.c src/daemon/config.h \
	src/daemon/config_check.c src/daemon/config_check.h \
	src/daemon/config_data.c src/daemon/config_data.h \
	src/daemon/config_file.c src/daemon/config_file.h \
	src/daemon/config_key.c src/daemon/config_key.h \
	src/daemon/config_parser.c src/daemon/config_parser.h \
	src/daemon/config_text.c src/daemon/config_text.h \
	src/daemon/confinement.c src/daemon/confinement.h \
	src/daemon/connection.c src/daemon/connection.h \
	src/daemon/credentials.c src/daemon/credentials.h \
	src/daemon/describe.c src/daemon/describe.h \
	src/daemon/escape.c src/daemon/escape.h \
	src/daemon/file.c src/daemon/file.h \
	src/daemon/health.c src/daemon/health.h \
	src/daemon/help.c \
	src/daemon/http.c src/daemon/http.h \
	src/daemon/http_daemon.c src/daemon/http_daemon.h \
	src/daemon/landlock.c src/daemon/landlock.h \
	src/daemon/listeners.c src/daemon/listeners.h \
	src/daemon/log.c src/daemon/log.h \
	src/daemon/metrics.c src/daemon/metrics.h \
	src/daemon/options.c src/daemon/options.h \
	src/daemon/path.c src/daemon/path.h \
	src/daemon/privileges.c src/daemon/privileges.h \
	src/daemon/request.c src/daemon/request.h \
	src/daemon/reserve.c src/daemon/reserve.h \
	src/daemon/responses.c src/daemon/responses.h \
	src/daemon/run.c src/daemon/run.h \
	src/daemon/seccomp.c src/daemon/seccomp.h \
	src/daemon/service.h \
	src/daemon/service_manager.c src/daemon/service_manager.h \
	src/daemon/setting.c src/daemon/setting.h \
	src/daemon/site_table.c src/daemon/site_table.h \
	src/daemon/spelling.c src/daemon/spelling.h \
	src/daemon/string_map.c src/daemon/string_map.h \
	src/daemon/tls.c src/daemon/tls.h \
	src/daemon/transport.c src/daemon/transport.h \
	src/daemon/watch.c src/daemon/watch.h \
	src/daemon/worker.c src/daemon/worker.h \
	src/daemon/workers.c src/daemon/workers.h

sbin_PROGRAMS += matrix-wellknownd
matrix_wellknownd_SOURCES = src/daemon/main.c
matrix_wellknownd_LDADD = libdaemon.a libmatrix.a \
	$(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS) $(CONFUSE_LIBS) $(SECCOMP_LIBS)
