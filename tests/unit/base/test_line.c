#include "unit.h"

#include "base/line.h"

static void assert_added(void (*add)(struct line *, const char *), const char *text,
                         const char *expected)
{
    char buffer[256];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    add(&line, text);
    assert_string_equal(buffer, expected);
    assert_int_equal(line.length, strlen(expected));
}

static void test_a_line_of_text_keeps_letters_and_escapes_control_characters(void **state)
{
    (void)state;
    assert_added(line_add_text, "gr\xc3\xbc\xc3\x9f dich", "gr\xc3\xbc\xc3\x9f dich");
    assert_added(line_add_text, "a\nb\r\x1b[31m\x7f", "a\\x0ab\\x0d\\x1b[31m\\x7f");
}

static void test_quoted_text_cannot_end_its_quotes(void **state)
{
    (void)state;
    assert_added(line_add_quoted, "\" 200 \\", "\\x22 200 \\x5c");
    assert_added(line_add_quoted, "\xff\n", "\\xff\\x0a");
}

static void test_json_stays_json_whatever_was_sent(void **state)
{
    (void)state;
    assert_added(line_add_json, "a\"b\\c\n\x01", "a\\\"b\\\\c\\u000a\\u0001");
    assert_added(line_add_json, "\xc3\xbc", "\xc3\xbc");
    assert_added(line_add_json, "\xff", "\\ufffd");
    /* overlong, surrogate, beyond U+10FFFF, cut off */
    assert_added(line_add_json, "\xc0\xaf", "\\ufffd\\ufffd");
    assert_added(line_add_json, "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");
    assert_added(line_add_json, "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
    assert_added(line_add_json, "\xe2\x82", "\\ufffd\\ufffd");
}

static void test_what_does_not_fit_is_left_out_whole(void **state)
{
    char buffer[6];
    struct line line;

    (void)state;
    line_start(&line, buffer, sizeof(buffer));
    line_add(&line, "abc");
    line_add_quoted(&line, "\n");
    assert_string_equal(buffer, "abc");
    line_add(&line, "de");
    assert_string_equal(buffer, "abcde");
    line_add(&line, "f");
    assert_string_equal(buffer, "abcde");
    line_add_format(&line, "%d", 12345);
    assert_string_equal(buffer, "abcde");
    assert_int_equal(line.length, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_of_text_keeps_letters_and_escapes_control_characters),
        cmocka_unit_test(test_quoted_text_cannot_end_its_quotes),
        cmocka_unit_test(test_json_stays_json_whatever_was_sent),
        cmocka_unit_test(test_what_does_not_fit_is_left_out_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
