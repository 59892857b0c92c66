# The tester. Everything but main() is in a library, so that unit tests and fuzz targets link it.
if ENABLE_CHECK
noinst_LIBRARIES += libcheck.a
libcheck_a_SOURCES = \
	src/check/check.c src/check/check.h \
	src/check/discovery/client.c src/check/discovery/client.h \
	src/check/discovery/discovery.c src/check/discovery/discovery.h \
	src/check/discovery/fallback.c src/check/discovery/fallback.h \
	src/check/discovery/route.c src/check/discovery/route.h \
	src/check/discovery/srv.c src/check/discovery/srv.h \
	src/check/discovery/support.c src/check/discovery/support.h \
	src/check/discovery/target.c src/check/discovery/target.h \
	src/check/discovery/targets.c src/check/discovery/targets.h \
	src/check/discovery/well_known.c src/check/discovery/well_known.h \
	src/check/findings/answers.c src/check/findings/answers.h \
	src/check/findings/diagnosis.c src/check/findings/diagnosis.h \
	src/check/findings/duration.c src/check/findings/duration.h \
	src/check/findings/findings.c src/check/findings/findings.h \
	src/check/findings/keys.c src/check/findings/keys.h \
	src/check/net/access.c src/check/net/access.h \
	src/check/net/address.c src/check/net/address.h \
	src/check/net/dns_answer.c src/check/net/dns_answer.h \
	src/check/net/fetch.c src/check/net/fetch.h \
	src/check/net/follow.c src/check/net/follow.h \
	src/check/net/limits.h \
	src/check/net/net.c src/check/net/net.h \
	src/check/net/own_address.c src/check/net/own_address.h \
	src/check/net/peer_certificate.c src/check/net/peer_certificate.h \
	src/check/net/resolver.c src/check/net/resolver.h \
	src/check/net/text.c src/check/net/text.h \
	src/check/options.c src/check/options.h \
	src/check/report_json.c src/check/report_json.h \
	src/check/report_text.c src/check/report_text.h

check_libs = libcheck.a libmatrix.a libbase.a \
	$(CURL_LIBS) $(CARES_LIBS) $(IDN2_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS)

bin_PROGRAMS += matrix-delegation-check
matrix_delegation_check_SOURCES = src/check/main.c
matrix_delegation_check_LDADD = $(check_libs)
dist_man_MANS += man/matrix-delegation-check.1
endif
