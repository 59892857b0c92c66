# Unit tests of the tester's pure parts, one program a source file.
if ENABLE_CHECK
if HAVE_CMOCKA
check_unit_tests = \
	tests/unit/check/test_address \
	tests/unit/check/test_answers \
	tests/unit/check/test_dns_answer \
	tests/unit/check/test_follow \
	tests/unit/check/test_keys \
	tests/unit/check/test_options \
	tests/unit/check/test_resolver \
	tests/unit/check/test_text \
	tests/unit/check/test_walk
check_PROGRAMS += $(check_unit_tests)

check_test_cflags = $(libcheck_a_CFLAGS) -I$(srcdir)/tests/unit
check_test_libs = $(check_libs) $(CMOCKA_LIBS)
tests_unit_check_test_address_CFLAGS = $(check_test_cflags)
tests_unit_check_test_address_LDADD = $(check_test_libs)
tests_unit_check_test_answers_CFLAGS = $(check_test_cflags)
tests_unit_check_test_answers_LDADD = $(check_test_libs)
tests_unit_check_test_dns_answer_CFLAGS = $(check_test_cflags)
tests_unit_check_test_dns_answer_LDADD = $(check_test_libs)
tests_unit_check_test_follow_CFLAGS = $(check_test_cflags)
tests_unit_check_test_follow_LDADD = $(check_test_libs)
tests_unit_check_test_keys_CFLAGS = $(check_test_cflags)
tests_unit_check_test_keys_LDADD = $(check_test_libs)
tests_unit_check_test_options_CFLAGS = $(check_test_cflags)
tests_unit_check_test_options_LDADD = $(check_test_libs)
tests_unit_check_test_resolver_CFLAGS = $(check_test_cflags)
tests_unit_check_test_resolver_LDADD = $(check_test_libs)
tests_unit_check_test_text_CFLAGS = $(check_test_cflags)
tests_unit_check_test_text_LDADD = $(check_test_libs)
tests_unit_check_test_walk_CFLAGS = $(check_test_cflags)
tests_unit_check_test_walk_LDADD = $(check_test_libs)
endif
endif
