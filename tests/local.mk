# Unit tests: one program a source file, in cmocka. `make check` runs them.
EXTRA_DIST += tests/unit/config_fixture.h tests/unit/unit.h

if HAVE_CMOCKA
AM_CFLAGS += $(CMOCKA_CFLAGS)
check_PROGRAMS += \
	tests/unit/test_acme_challenge \
	tests/unit/test_acme_grammar \
	tests/unit/test_address \
	tests/unit/test_address_limit \
	tests/unit/test_canonical_json \
	tests/unit/test_config \
	tests/unit/test_config_file \
	tests/unit/test_documents \
	tests/unit/test_escape \
	tests/unit/test_file \
	tests/unit/test_options \
	tests/unit/test_problem \
	tests/unit/test_request \
	tests/unit/test_server_name \
	tests/unit/test_site_table \
	tests/unit/test_string_map \
	tests/unit/test_url

matrix_test_libs = libmatrix.a $(CMOCKA_LIBS) $(JANSSON_LIBS)
daemon_test_libs = libdaemon.a libmatrix.a $(CMOCKA_LIBS) \
	$(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS) $(CONFUSE_LIBS) $(SECCOMP_LIBS)
tests_unit_test_acme_challenge_LDADD = $(daemon_test_libs)
tests_unit_test_acme_grammar_LDADD = $(daemon_test_libs)
tests_unit_test_address_LDADD = $(daemon_test_libs)
tests_unit_test_address_limit_LDADD = $(daemon_test_libs)
tests_unit_test_canonical_json_LDADD = $(matrix_test_libs)
tests_unit_test_config_LDADD = $(daemon_test_libs)
tests_unit_test_config_file_LDADD = $(daemon_test_libs)
tests_unit_test_documents_LDADD = $(matrix_test_libs)
tests_unit_test_escape_LDADD = $(daemon_test_libs)
tests_unit_test_file_LDADD = $(daemon_test_libs)
tests_unit_test_options_LDADD = $(daemon_test_libs)
tests_unit_test_problem_LDADD = $(matrix_test_libs)
tests_unit_test_request_LDADD = $(daemon_test_libs)
tests_unit_test_server_name_LDADD = $(matrix_test_libs)
tests_unit_test_site_table_LDADD = $(daemon_test_libs)
tests_unit_test_string_map_LDADD = $(daemon_test_libs)
tests_unit_test_url_LDADD = $(matrix_test_libs)
endif

# What takes a minute or more of the system tests.
PYTHON = /usr/bin/python3
.PHONY: soak
soak: all
	cd $(srcdir)/tests/system && WELLKNOWND_SOAK=1 WELLKNOWND=$(abs_builddir)/matrix-wellknownd \
		PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -rfEs -m soak .
