# Unit tests: one program a source file, in cmocka, in the same folders. `make check` runs them.
EXTRA_DIST += tests/unit/daemon/config/config_fixture.h tests/unit/unit.h

AM_CPPFLAGS += -I$(srcdir)/tests/unit
# Everything there is to link, for unit tests and fuzz targets alike: each takes what it uses.
LDADD = libdaemon.a
if ENABLE_CHECK
LDADD += libcheck.a
endif
LDADD += libmatrix.a libbase.a $(CMOCKA_LIBS) $(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS) \
	$(SECCOMP_LIBS) $(CURL_LIBS) $(CARES_LIBS) $(IDN2_LIBS)

if HAVE_CMOCKA
AM_CFLAGS += $(CMOCKA_CFLAGS)
check_PROGRAMS += \
	tests/unit/base/test_array \
	tests/unit/base/test_base64 \
	tests/unit/base/test_buffer \
	tests/unit/base/test_cpus \
	tests/unit/base/test_file \
	tests/unit/base/test_hash \
	tests/unit/base/test_line \
	tests/unit/base/test_map \
	tests/unit/base/test_problem \
	tests/unit/base/test_sink \
	tests/unit/base/test_utf8 \
	tests/unit/daemon/acme/test_challenge \
	tests/unit/daemon/acme/test_names \
	tests/unit/daemon/config/test_address \
	tests/unit/daemon/config/test_config_file \
	tests/unit/daemon/config/test_configuration \
	tests/unit/daemon/config/test_grammar \
	tests/unit/daemon/config/test_options \
	tests/unit/daemon/http/test_request \
	tests/unit/daemon/site/test_etag \
	tests/unit/daemon/site/test_site_table \
	tests/unit/daemon/net/test_holders \
	tests/unit/matrix/test_canonical_json \
	tests/unit/matrix/test_documents \
	tests/unit/matrix/test_server_name \
	tests/unit/matrix/test_url
if ENABLE_CHECK
check_PROGRAMS += \
	tests/unit/check/discovery/test_discovery \
	tests/unit/check/discovery/test_srv \
	tests/unit/check/discovery/test_targets \
	tests/unit/check/findings/test_answers \
	tests/unit/check/findings/test_diagnosis \
	tests/unit/check/findings/test_duration \
	tests/unit/check/findings/test_findings \
	tests/unit/check/findings/test_keys \
	tests/unit/check/net/test_access \
	tests/unit/check/net/test_address \
	tests/unit/check/net/test_dns_answer \
	tests/unit/check/net/test_fetch \
	tests/unit/check/net/test_follow \
	tests/unit/check/net/test_own_address \
	tests/unit/check/net/test_resolver \
	tests/unit/check/net/test_text \
	tests/unit/check/test_options
# Both programs have an options_parse().
tests_unit_check_test_options_LDADD = libcheck.a $(LDADD)
endif
endif
