#include "base/problem.h"

#include "unit.h"

static void test_a_failure_has_its_status_and_its_text(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_false(problem_set(&problem, "%s is %d", "x", 7));
    assert_int_equal(problem.status, PROBLEM_FAILURE);
    assert_string_equal(problem.text, "x is 7");
}

static void test_wrong_usage_has_its_own_status(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_false(problem_set_usage(&problem, "--frob: unknown option"));
    assert_int_equal(problem.status, PROBLEM_USAGE);
    assert_string_equal(problem.text, "--frob: unknown option");
}

static void test_a_prefix_stands_in_front_and_keeps_the_status(void **state)
{
    struct problem problem = {0};

    (void)state;
    problem_set_usage(&problem, "is unknown");
    assert_false(problem_prefix(&problem, "%s:%d: ", "a.conf", 3));
    assert_int_equal(problem.status, PROBLEM_USAGE);
    assert_string_equal(problem.text, "a.conf:3: is unknown");
}

static void test_a_problem_is_one_line_whatever_it_names(void **state)
{
    struct problem problem = {0};

    (void)state;
    problem_set(&problem, "%s: is gone", "a\nb\x1b\x7f");
    assert_string_equal(problem.text, "a?b??: is gone");
    problem_prefix(&problem, "%s: ", "c\rd");
    assert_string_equal(problem.text, "c?d: a?b??: is gone");
}

static void test_a_text_too_long_is_cut_and_terminated(void **state)
{
    struct problem problem = {0};
    char text[3000];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    problem_set(&problem, "%s", text);
    assert_int_equal(strlen(problem.text), sizeof(problem.text) - 1);
    problem_prefix(&problem, "%s", "b: ");
    assert_int_equal(strlen(problem.text), sizeof(problem.text) - 1);
    assert_memory_equal(problem.text, "b: aaa", 6);
    problem_prefix(&problem, "%s", text);
    assert_int_equal(strlen(problem.text), sizeof(problem.text) - 1);
}

static void assert_excerpt(const char *text, const char *expected)
{
    assert_string_equal(problem_excerpt(text).text, expected);
}

static void test_an_excerpt_of_plain_text_is_the_text(void **state)
{
    (void)state;
    assert_excerpt("", "");
    assert_excerpt("matrix.example.com:8448", "matrix.example.com:8448");
    assert_excerpt("m\xc3\xa4trix \xe6\x97\xa5 \xf0\x9f\x9a\x80",
                   "m\xc3\xa4trix \xe6\x97\xa5 \xf0\x9f\x9a\x80");
}

static void test_an_excerpt_shows_what_is_invisible_as_escapes(void **state)
{
    (void)state;
    assert_excerpt("a\nb\tc\x1b[31m\x7f", "a\\x0ab\\x09c\\x1b[31m\\x7f");
    assert_excerpt("\xe2\x80\xae.txt", "\\xe2\\x80\\xae.txt"); /* right-to-left override */
    assert_excerpt("\xc2\x9b", "\\xc2\\x9b");                  /* C1: a terminal's CSI */
    assert_excerpt("\xef\xbb\xbfx", "\\xef\\xbb\\xbfx");       /* byte order mark */
}

static void test_an_excerpt_shows_bytes_that_are_not_utf8_as_escapes(void **state)
{
    (void)state;
    assert_excerpt("\xff", "\\xff");
    assert_excerpt("m\xe4trix", "m\\xe4trix");         /* Latin-1 */
    assert_excerpt("\xc0\xaf", "\\xc0\\xaf");          /* overlong */
    assert_excerpt("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
    assert_excerpt("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    assert_excerpt("\xf0\x9f", "\\xf0\\x9f"); /* cut off */
}

static void test_an_excerpt_of_a_long_text_shows_its_ends(void **state)
{
    char text[5000];
    struct excerpt excerpt;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "begin", 5);
    memcpy(text + sizeof(text) - 4, "end", 4);
    excerpt = problem_excerpt(text);
    assert_int_equal(strlen(excerpt.text), 60 + 3 + 24);
    assert_memory_equal(excerpt.text, "begin", 5);
    assert_string_equal(excerpt.text + 84, "end");
    assert_non_null(strstr(excerpt.text, "a...a"));
}

static void test_an_excerpt_cuts_no_character_in_two(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 9; shift++) {
        char text[400] = "aa";
        struct excerpt excerpt;

        for (size_t i = 0; i < 60; i++) {
            memcpy(text + shift % 3 + 3 * i, "\xe6\x97\xa5", 4);
        }
        memcpy(text + shift % 3 + 180, "zz", shift / 3);
        excerpt = problem_excerpt(text);
        assert_null(strstr(excerpt.text, "\\x"));
        assert_non_null(strstr(excerpt.text, "..."));
    }
}

static void test_the_worst_text_fits_an_excerpt(void **state)
{
    char text[5000];

    (void)state;
    memset(text, '\x80', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(strlen(problem_excerpt(text).text), 4 * (60 + 24) + 3);
    text[100] = '\0';
    assert_int_equal(strlen(problem_excerpt(text).text), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_has_its_status_and_its_text),
        cmocka_unit_test(test_wrong_usage_has_its_own_status),
        cmocka_unit_test(test_a_prefix_stands_in_front_and_keeps_the_status),
        cmocka_unit_test(test_a_problem_is_one_line_whatever_it_names),
        cmocka_unit_test(test_a_text_too_long_is_cut_and_terminated),
        cmocka_unit_test(test_an_excerpt_of_plain_text_is_the_text),
        cmocka_unit_test(test_an_excerpt_shows_what_is_invisible_as_escapes),
        cmocka_unit_test(test_an_excerpt_shows_bytes_that_are_not_utf8_as_escapes),
        cmocka_unit_test(test_an_excerpt_of_a_long_text_shows_its_ends),
        cmocka_unit_test(test_an_excerpt_cuts_no_character_in_two),
        cmocka_unit_test(test_the_worst_text_fits_an_excerpt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
