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
