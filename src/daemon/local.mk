# The daemon. Everything but main() is in a library, so that unit tests and fuzz targets link it.
noinst_LIBRARIES += libdaemon.a
libdaemon_a_SOURCES = \
	src/daemon/acme/challenge.c src/daemon/acme/challenge.h \
	src/daemon/acme/issue.c src/daemon/acme/issue.h \
	src/daemon/acme/names.c src/daemon/acme/names.h \
	src/daemon/acme/webroot.c src/daemon/acme/webroot.h \
	src/daemon/config/address.c src/daemon/config/address.h \
	src/daemon/config/config_check.c src/daemon/config/config_check.h \
	src/daemon/config/config_data.c src/daemon/config/config_data.h \
	src/daemon/config/config_file.c src/daemon/config/config_file.h \
	src/daemon/config/configuration.c src/daemon/config/configuration.h \
	src/daemon/config/grammar.c src/daemon/config/grammar.h \
	src/daemon/config/options.c src/daemon/config/options.h \
	src/daemon/config/origin.c src/daemon/config/origin.h \
	src/daemon/config/settings.c src/daemon/config/settings.h \
	src/daemon/config/value.c src/daemon/config/value.h \
	src/daemon/describe.c src/daemon/describe.h \
	src/daemon/describe_json.c src/daemon/describe_json.h \
	src/daemon/health.c src/daemon/health.h \
	src/daemon/http/access_log.c src/daemon/http/access_log.h \
	src/daemon/http/handler.c src/daemon/http/handler.h \
	src/daemon/http/http_daemon.c src/daemon/http/http_daemon.h \
	src/daemon/http/metrics.c src/daemon/http/metrics.h \
	src/daemon/http/quirks.c src/daemon/http/quirks.h \
	src/daemon/http/request.c src/daemon/http/request.h \
	src/daemon/site/etag.c src/daemon/site/etag.h \
	src/daemon/site/responses.c src/daemon/site/responses.h \
	src/daemon/site/site_table.c src/daemon/site/site_table.h \
	src/daemon/net/accept.c src/daemon/net/accept.h \
	src/daemon/net/connection.c src/daemon/net/connection.h \
	src/daemon/net/counters.c src/daemon/net/counters.h \
	src/daemon/net/events.h \
	src/daemon/net/eviction.c src/daemon/net/eviction.h \
	src/daemon/net/holders.c src/daemon/net/holders.h \
	src/daemon/net/listeners.c src/daemon/net/listeners.h \
	src/daemon/net/service.c src/daemon/net/service.h \
	src/daemon/net/session.c src/daemon/net/session.h \
	src/daemon/net/socket_holder.c src/daemon/net/socket_holder.h \
	src/daemon/net/transport.c src/daemon/net/transport.h \
	src/daemon/net/worker.c src/daemon/net/worker.h \
	src/daemon/net/workers.c src/daemon/net/workers.h \
	src/daemon/reload.c src/daemon/reload.h \
	src/daemon/run.c src/daemon/run.h \
	src/daemon/running.c src/daemon/running.h \
	src/daemon/system/landlock.c src/daemon/system/landlock.h \
	src/daemon/system/privileges.c src/daemon/system/privileges.h \
	src/daemon/system/sandbox.c src/daemon/system/sandbox.h \
	src/daemon/system/seccomp.c src/daemon/system/seccomp.h \
	src/daemon/system/service_manager.c src/daemon/system/service_manager.h \
	src/daemon/tls/advice.c src/daemon/tls/advice.h \
	src/daemon/tls/certificate.c src/daemon/tls/certificate.h \
	src/daemon/tls/certificate_set.c src/daemon/tls/certificate_set.h \
	src/daemon/tls/chain.c src/daemon/tls/chain.h \
	src/daemon/tls/credentials.c src/daemon/tls/credentials.h \
	src/daemon/tls/key.c src/daemon/tls/key.h \
	src/daemon/tls/random.c src/daemon/tls/random.h \
	src/daemon/tls/renewal.c src/daemon/tls/renewal.h \
	src/daemon/tls/self_signed.c src/daemon/tls/self_signed.h \
	src/daemon/tls/trust.c src/daemon/tls/trust.h \
	src/daemon/tls/watch.c src/daemon/tls/watch.h

sbin_PROGRAMS += matrix-wellknownd
matrix_wellknownd_SOURCES = src/daemon/main.c
matrix_wellknownd_LDADD = libdaemon.a libmatrix.a libbase.a \
	$(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS)
