# Fuzz targets of the tester's parsers. `make check` feeds them their seeds with any compiler;
# `make fuzz-check` lets libFuzzer (clang) search, each for FUZZ_SECONDS.
EXTRA_DIST += fuzz/corpus

FUZZ_SECONDS = 20
FUZZ_CC = clang
fuzz_check_targets = dns_answer document headers keys version

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

# What is found is kept in fuzz-found/ of the build directory; a crash leaves its input there too.
.PHONY: fuzz-check
fuzz-check: config.h
	@set -e; for target in $(fuzz_check_targets); do \
		found=fuzz-found/check_$$target; mkdir -p $$found; \
		$(FUZZ_CC) -g -O1 -std=gnu11 -fsanitize=fuzzer,address,undefined \
			-fno-sanitize-recover=all $(DEFS) $(AM_CPPFLAGS) -I. $(CURL_CFLAGS) \
			$(CARES_CFLAGS) $(IDN2_CFLAGS) $(GNUTLS_CFLAGS) $(JANSSON_CFLAGS) \
			$(srcdir)/fuzz/fuzz_check_$$target.c $(srcdir)/src/check/address.c \
			$(srcdir)/src/check/answers.c $(srcdir)/src/check/certificate.c \
			$(srcdir)/src/check/dns_answer.c $(srcdir)/src/check/fetch.c \
			$(srcdir)/src/check/follow.c $(srcdir)/src/check/keys.c \
			$(srcdir)/src/check/resolver.c $(srcdir)/src/check/text.c \
			$(srcdir)/src/matrix/*.c $(CURL_LIBS) $(CARES_LIBS) $(IDN2_LIBS) \
			$(GNUTLS_LIBS) $(JANSSON_LIBS) -o fuzz-check-$$target; \
		./fuzz-check-$$target -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 \
			-artifact_prefix=$$found/ $$found $(srcdir)/fuzz/corpus/fuzz_check_$$target; \
	done
clean-local:
	rm -rf fuzz-found fuzz-check-*
