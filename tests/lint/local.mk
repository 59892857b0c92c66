# make lint: what compilers do not say. Each tool has a target of its own; all need the build
# directory configured, none builds anything.
EXTRA_DIST += .clang-format .clang-tidy tests/lint/cppcheck-suppressions tests/lint/includes tests/lint/mirror tests/unit/README \
	tests/unit/.clang-tidy

CLANG_FORMAT = clang-format
CLANG_TIDY = clang-tidy
CPPCHECK = cppcheck
GCC = gcc
SHELLCHECK = shellcheck

lint_folders = src tests fuzz bench
lint_c_files = (cd $(srcdir) && find $(lint_folders) -name '*.c' 2>/dev/null | sort)
lint_all_files = (cd $(srcdir) && find $(lint_folders) -name '*.[ch]' 2>/dev/null | sort)
lint_in_parallel = xargs -P "$$(nproc)" -I '{}'
lint_CPPFLAGS = $(DEFS) -I$(abs_builddir) -I$(abs_srcdir)/src -I$(abs_srcdir)/tests/unit \
	-D_GNU_SOURCE -DFUZZ_FOLDER='"fuzz"' \
	-DSYSCONFDIR='"$(sysconfdir)"'
lint_CFLAGS = -std=gnu11 -O2 $(lint_CPPFLAGS) $(MICROHTTPD_CFLAGS) $(GNUTLS_CFLAGS) \
	$(JANSSON_CFLAGS) $(CURL_CFLAGS) $(CARES_CFLAGS) $(IDN2_CFLAGS) \
	$(CMOCKA_CFLAGS)

.PHONY: lint lint-includes lint-format lint-shell lint-tidy lint-cppcheck lint-analyzer
lint: lint-includes lint-format lint-shell lint-tidy lint-cppcheck lint-analyzer

# That the folders of src include each other in one direction, and that tests/unit mirrors them.
lint-includes:
	$(PYTHON) $(srcdir)/tests/lint/includes
	$(PYTHON) $(srcdir)/tests/lint/mirror

lint-format:
	$(lint_all_files) | (cd $(srcdir) && xargs $(CLANG_FORMAT) --dry-run -Werror)

# Shell scripts are known by their first line, for not all have a suffix.
lint-shell:
	cd $(srcdir) && find quickstart .ci etc $(lint_folders) container debian -type f \
		-exec grep -lE '^#! ?/(usr/)?bin/(env )?(ba)?sh' '{}' + 2>/dev/null | \
		xargs $(SHELLCHECK)

lint-tidy:
	$(lint_c_files) | (cd $(srcdir) && $(lint_in_parallel) \
		$(CLANG_TIDY) --quiet '{}' -- $(lint_CFLAGS))

lint-cppcheck:
	cd $(srcdir) && $(CPPCHECK) --quiet --std=c11 --error-exitcode=1 --template=gcc \
		-j "$$(nproc)" --enable=warning,style,performance,portability --inline-suppr \
		--suppressions-list=tests/lint/cppcheck-suppressions \
		$(lint_CPPFLAGS) src tests

# gcc 12 loses sight of memory once it is in an array or behind `count += items[count] != NULL`:
# its leaks are false alarms, and LeakSanitizer and valgrind find the true ones.
# Nor does it know that a failed assertion of cmocka's ends the test, so tests are left out.
lint-analyzer:
	$(lint_c_files) | grep -v '^tests/' | (cd $(srcdir) && $(lint_in_parallel) \
		$(GCC) $(lint_CFLAGS) -Wall -Werror -fanalyzer -Wno-analyzer-malloc-leak \
		-S -o /dev/null '{}')
