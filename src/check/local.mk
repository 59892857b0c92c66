# The tester. Everything but main() is in a library, so that unit tests and fuzz targets link it.
if ENABLE_CHECK
noinst_LIBRARIES += libcheck.a
libcheck_a_SOURCES = \
	src/check/address.c src/check/address.h \
	src/check/answers.c src/check/answers.h \
	src/check/certificate.c src/check/certificate.h \
	src/check/check.c src/check/check.h \
	src/check/client.c src/check/client.h \
	src/check/dns_answer.c src/check/dns_answer.h \
	src/check/environment.h \
	src/check/fetch.c src/check/fetch.h \
	src/check/finding.c src/check/finding.h \
	src/check/follow.c src/check/follow.h \
	src/check/judge.c src/check/judge.h \
	src/check/keys.c src/check/keys.h \
	src/check/options.c src/check/options.h \
	src/check/report_json.c src/check/report_json.h \
	src/check/report_text.c src/check/report_text.h \
	src/check/resolver.c src/check/resolver.h \
	src/check/route.c src/check/route.h \
	src/check/service.c src/check/service.h \
	src/check/target.c src/check/target.h \
	src/check/text.c src/check/text.h \
	src/check/walk.c src/check/walk.h \
	src/check/well_known.c src/check/well_known.h
libcheck_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CARES_CFLAGS) $(IDN2_CFLAGS)
check_libs = libcheck.a libmatrix.a \
	$(CURL_LIBS) $(CARES_LIBS) $(IDN2_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS)

bin_PROGRAMS += matrix-delegation-check
matrix_delegation_check_SOURCES = src/check/main.c
matrix_delegation_check_CFLAGS = $(libcheck_a_CFLAGS)
matrix_delegation_check_LDADD = $(check_libs)
dist_man_MANS += man/matrix-delegation-check.1
endif
