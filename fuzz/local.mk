# Fuzz targets. `make check` feeds each its corpus and what once failed, with any compiler; `make
# fuzz` builds them anew with clang, libFuzzer and sanitizers, in fuzz-build/, and searches for
# FUZZ_SECONDS each. Each fuzz_NAME.c is a target, its seeds are in corpus/fuzz_NAME, what once failed
# in regressions/fuzz_NAME, and fuzz_NAME.dict, where there is one, holds words that are worth trying.
# With "/.", or "make dist" would make the target of that name, which fuzzes.
EXTRA_DIST += fuzz/.

fuzz_targets = \
	fuzz/fuzz_acme \
	fuzz/fuzz_address \
	fuzz/fuzz_canonical_json \
	fuzz/fuzz_client_extra \
	fuzz/fuzz_config_file \
	fuzz/fuzz_credentials \
	fuzz/fuzz_options \
	fuzz/fuzz_request \
	fuzz/fuzz_server_name \
	fuzz/fuzz_transport \
	fuzz/fuzz_url
if ENABLE_CHECK
fuzz_targets += \
	fuzz/fuzz_check_dns_answer \
	fuzz/fuzz_check_document \
	fuzz/fuzz_check_headers \
	fuzz/fuzz_check_keys \
	fuzz/fuzz_check_version
endif
check_PROGRAMS += $(fuzz_targets)

# Where a target's main() comes from.
if ENABLE_FUZZING
LDADD += $(FUZZ_ENGINE)
else
check_LIBRARIES += libreplay.a
libreplay_a_SOURCES = fuzz/replay.c
libreplay_a_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_FOLDER='"$(abs_srcdir)/fuzz"'
LDADD += libreplay.a
endif

FUZZ_SECONDS = 20
FUZZ_CC = clang

.PHONY: fuzz run-fuzz clean-fuzz
fuzz: fuzz-build/Makefile
	+$(MAKE) -C fuzz-build --no-print-directory run-fuzz FUZZ_SECONDS='$(FUZZ_SECONDS)'

fuzz-build/Makefile:
	$(MKDIR_P) fuzz-build
	cd fuzz-build && $(abs_srcdir)/configure --quiet --enable-fuzzing \
		--with-sanitizers=address,undefined CC='$(FUZZ_CC)' CFLAGS='-O1 -g'

fuzz_runs = $(fuzz_targets:fuzz/%=run-%)
.PHONY: $(fuzz_runs)
run-fuzz: $(fuzz_runs)
$(fuzz_runs): run-%: fuzz/%
	@$(srcdir)/fuzz/run-target fuzz $* $(FUZZ_SECONDS)

clean-local: clean-fuzz
clean-fuzz:
	rm -rf fuzz-build
