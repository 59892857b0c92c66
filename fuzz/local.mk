# make fuzz: builds the libFuzzer targets with clang and sanitizers, apart from everything else,
# and runs each for FUZZ_SECONDS. What is found is left in fuzz-build/.
# With "/.", or "make dist" would make the target of that name, which fuzzes.
EXTRA_DIST += fuzz/.

FUZZ_SECONDS = 20
FUZZ_CC = clang

fuzz_make = $(MAKE) -f $(srcdir)/fuzz/fuzz.mk --no-print-directory \
	SOURCES='$(abs_srcdir)' SECONDS_EACH='$(FUZZ_SECONDS)' CC='$(FUZZ_CC)' \
	CONFIGURED='$(abs_builddir)' \
	PACKAGE_CFLAGS='$(MICROHTTPD_CFLAGS) $(GNUTLS_CFLAGS) $(JANSSON_CFLAGS) $(CONFUSE_CFLAGS) \
		$(CURL_CFLAGS) $(CARES_CFLAGS) $(IDN2_CFLAGS) $(SECCOMP_CFLAGS)' \
	DAEMON_LIBS='$(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS) $(CONFUSE_LIBS) \
		$(SECCOMP_LIBS)' \
	CHECK_LIBS='$(CURL_LIBS) $(CARES_LIBS) $(IDN2_LIBS)'

.PHONY: fuzz clean-fuzz
fuzz:
	+$(fuzz_make) run

clean-local: clean-fuzz
clean-fuzz:
	rm -rf fuzz-build
