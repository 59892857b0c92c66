#include "check/net/text.h"

#include <stdlib.h>

#include "check/net/limits.h"
#include "unit.h"

static void assert_shown(const char *text, size_t length, const char *shown)
{
    char *printable = text_printable(text, length);
    assert_string_equal(printable, shown);
    free(printable);
}

static void test_plain_text_stays_as_it_is(void **state)
{
    (void)state;
    assert_shown("", 0, "");
    assert_shown("matrix.example.com", 18, "matrix.example.com");
    assert_shown("bücher 𝔐 ✓", strlen("bücher 𝔐 ✓"), "bücher 𝔐 ✓");
}

static void test_what_steers_a_terminal_is_written_out(void **state)
{
    (void)state;
    assert_shown("\x1b[2J", 4, "\\x1B[2J");
    assert_shown("a\0b\r\n\x7f", 6, "a\\x00b\\x0D\\x0A\\u{7F}");
    assert_shown("\xc2\x9b"
                 "2J",
                 4, "\\u{9B}2J");
    assert_shown("\xe2\x80\xae", 3, "\\u{202E}");
    assert_shown("\xf3\xa0\x80\x81", 4, "\\u{E0001}");
}

static void test_bytes_that_are_no_utf_8_are_written_out(void **state)
{
    (void)state;
    assert_shown("\xff", 1, "\\xFF");
    assert_shown("\x80", 1, "\\x80");
    assert_shown("\xc3", 1, "\\xC3");
    assert_shown("\xc0\xaf", 2, "\\xC0\\xAF");                   /* an overlong slash */
    assert_shown("\xed\xa0\x80", 3, "\\xED\\xA0\\x80");          /* half of a surrogate pair */
    assert_shown("\xf4\x90\x80\x80", 4, "\\xF4\\x90\\x80\\x80"); /* beyond U+10FFFF */
    assert_shown("\xe2\x82", 2, "\\xE2\\x82");
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    char text[100000];
    memset(text, 'a', sizeof(text));
    char *printable = text_printable(text, sizeof(text));
    assert_int_equal(strlen(printable), TEXT_SHOWN_LENGTH + strlen("…"));
    free(printable);
    memset(text, '\x1b', sizeof(text));
    printable = text_printable(text, sizeof(text));
    assert_true(strlen(printable) < TEXT_SHOWN_LENGTH + 20);
    free(printable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text_stays_as_it_is),
        cmocka_unit_test(test_what_steers_a_terminal_is_written_out),
        cmocka_unit_test(test_bytes_that_are_no_utf_8_are_written_out),
        cmocka_unit_test(test_long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
