#include "unit.h"

#include "base/line.h"

static void assert_added(void (*add)(struct line *, const char *, size_t), const char *text,
                         const char *expected)
{
    char buffer[256];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    add(&line, text, SIZE_MAX);
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
    line_add_quoted(&line, "\n", SIZE_MAX);
    assert_string_equal(buffer, "abc");
    line_add(&line, "de");
    assert_string_equal(buffer, "abcde");
    line_add(&line, "f");
    assert_string_equal(buffer, "abcde");
    line_add_format(&line, "%d", 12345);
    assert_string_equal(buffer, "abcde");
    assert_int_equal(line.length, 5);
}

static void assert_cut(void (*add)(struct line *, const char *, size_t), const char *text,
                       size_t most, const char *expected)
{
    char buffer[256];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    line_add(&line, "<");
    add(&line, text, most);
    line_add(&line, ">");
    assert_string_equal(buffer, expected);
}

static void test_a_long_text_is_cut_between_characters_and_marked(void **state)
{
    (void)state;
    assert_cut(line_add_quoted, "abcdefgh", 8, "<abcdefgh>");
    assert_cut(line_add_quoted, "abcdefgh", 7, "<abcd...>");
    assert_cut(line_add_quoted, "ab\"cdef", 9, "<ab\\x22...>");
    assert_cut(line_add_quoted, "ab\"cdef", 8, "<ab...>");
    assert_cut(line_add_text, "gr\xc3\xbc\xc3\x9f dich", 7, "<gr\xc3\xbc...>");
    assert_cut(line_add_text, "gr\xc3\xbc\xc3\x9f dich", 6, "<gr...>");
    assert_cut(line_add_json, "\n\n\n", 18, "<\\u000a\\u000a\\u000a>");
    assert_cut(line_add_json, "\n\n\n", 14, "<\\u000a\xe2\x80\xa6>");
    assert_cut(line_add_json, "\n\n\n", 2, "<>");
}

static void test_text_that_turns_the_direction_of_writing_is_escaped(void **state)
{
    (void)state;
    assert_added(line_add_text, "\xe2\x80\xae\xc2\x9b", "\\xe2\\x80\\xae\\xc2\\x9b");
    assert_added(line_add_text, "\xff", "\\xff");
    assert_added(line_add_json, "\xe2\x80\xae", "\\u202e");
    assert_added(line_add_json, "\xf3\xa0\x80\x81", "\\udb40\\udc01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_of_text_keeps_letters_and_escapes_control_characters),
        cmocka_unit_test(test_quoted_text_cannot_end_its_quotes),
        cmocka_unit_test(test_json_stays_json_whatever_was_sent),
        cmocka_unit_test(test_a_long_text_is_cut_between_characters_and_marked),
        cmocka_unit_test(test_text_that_turns_the_direction_of_writing_is_escaped),
        cmocka_unit_test(test_what_does_not_fit_is_left_out_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
