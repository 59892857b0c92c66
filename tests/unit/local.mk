# Unit tests: one program a source file, in cmocka, in the same folders. `make check` runs them.
EXTRA_DIST += tests/unit/daemon/config/config_fixture.h tests/unit/unit.h

AM_CPPFLAGS += -I$(srcdir)/tests/unit
# Everything there is to link: a test takes what it uses.
LDADD = libdaemon.a libmatrix.a libbase.a $(CMOCKA_LIBS) $(MICROHTTPD_LIBS) $(GNUTLS_LIBS) \
	$(JANSSON_LIBS) $(CONFUSE_LIBS) $(SECCOMP_LIBS)

if HAVE_CMOCKA
AM_CFLAGS += $(CMOCKA_CFLAGS)
check_PROGRAMS += \
	tests/unit/base/test_file \
	tests/unit/base/test_line \
	tests/unit/base/test_map \
	tests/unit/base/test_problem \
	tests/unit/daemon/acme/test_challenge \
	tests/unit/daemon/acme/test_names \
	tests/unit/daemon/config/test_address \
	tests/unit/daemon/config/test_config_file \
	tests/unit/daemon/config/test_configuration \
	tests/unit/daemon/config/test_options \
	tests/unit/daemon/http/test_request \
	tests/unit/daemon/site/test_site_table \
	tests/unit/daemon/net/test_address_limit \
	tests/unit/matrix/test_canonical_json \
	tests/unit/matrix/test_documents \
	tests/unit/matrix/test_server_name \
	tests/unit/matrix/test_url
if ENABLE_CHECK
check_PROGRAMS += \
	tests/unit/check/discovery/test_discovery \
	tests/unit/check/net/test_access \
	tests/unit/check/net/test_address \
	tests/unit/check/net/test_dns_answer \
	tests/unit/check/net/test_follow \
	tests/unit/check/net/test_own_address \
	tests/unit/check/net/test_resolver \
	tests/unit/check/test_answers \
	tests/unit/check/test_keys \
	tests/unit/check/test_options \
	tests/unit/check/test_text
tests_unit_check_discovery_test_discovery_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_discovery_test_discovery_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_net_test_access_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_net_test_access_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_net_test_address_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_net_test_address_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_net_test_dns_answer_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_net_test_dns_answer_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_net_test_follow_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_net_test_follow_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_net_test_own_address_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_net_test_own_address_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_net_test_resolver_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_net_test_resolver_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_test_answers_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_test_answers_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_test_keys_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_test_keys_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_test_options_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_test_options_LDADD = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_test_text_CFLAGS = $(libcheck_a_CFLAGS)
tests_unit_check_test_text_LDADD = $(check_libs) $(CMOCKA_LIBS)
endif
endif

# `make check` feeds the fuzz targets of the tester's parsers their seeds, with any compiler;
# `make fuzz` lets libFuzzer search.

if ENABLE_CHECK
check_PROGRAMS += \
	tests/unit/check/corpus_dns_answer \
	tests/unit/check/corpus_document \
	tests/unit/check/corpus_headers \
	tests/unit/check/corpus_keys \
	tests/unit/check/corpus_version
fuzz_check_corpus = -DCORPUS='"$(abs_srcdir)/fuzz/corpus/fuzz_check_
tests_unit_check_corpus_dns_answer_SOURCES = fuzz/fuzz_check_dns_answer.c fuzz/replay.c
tests_unit_check_corpus_dns_answer_CFLAGS = $(libcheck_a_CFLAGS) $(fuzz_check_corpus)dns_answer"'
tests_unit_check_corpus_dns_answer_LDADD = $(check_libs)
tests_unit_check_corpus_document_SOURCES = fuzz/fuzz_check_document.c fuzz/replay.c
tests_unit_check_corpus_document_CFLAGS = $(libcheck_a_CFLAGS) $(fuzz_check_corpus)document"'
tests_unit_check_corpus_document_LDADD = $(check_libs)
tests_unit_check_corpus_headers_SOURCES = fuzz/fuzz_check_headers.c fuzz/replay.c
tests_unit_check_corpus_headers_CFLAGS = $(libcheck_a_CFLAGS) $(fuzz_check_corpus)headers"'
tests_unit_check_corpus_headers_LDADD = $(check_libs)
tests_unit_check_corpus_keys_SOURCES = fuzz/fuzz_check_keys.c fuzz/replay.c
tests_unit_check_corpus_keys_CFLAGS = $(libcheck_a_CFLAGS) $(fuzz_check_corpus)keys"'
tests_unit_check_corpus_keys_LDADD = $(check_libs)
tests_unit_check_corpus_version_SOURCES = fuzz/fuzz_check_version.c fuzz/replay.c
tests_unit_check_corpus_version_CFLAGS = $(libcheck_a_CFLAGS) $(fuzz_check_corpus)version"'
tests_unit_check_corpus_version_LDADD = $(check_libs)
endif
