#include "base/utf8.h"

#include "base/array.h"
#include "unit.h"

static void assert_decoded(const char *text, uint32_t code_point)
{
    uint32_t found = 0;
    assert_int_equal(utf8_decode(text, strlen(text), &found), strlen(text));
    assert_int_equal(found, code_point);
}

static void test_code_points_of_every_length_are_read(void **state)
{
    (void)state;
    assert_decoded("a", 'a');
    assert_decoded("\x7f", 0x7f);
    assert_decoded("\xc2\x80", 0x80);
    assert_decoded("\xdf\xbf", 0x7ff);
    assert_decoded("\xe0\xa0\x80", 0x800);
    assert_decoded("\xef\xbf\xbf", 0xffff);
    assert_decoded("\xf0\x90\x80\x80", 0x10000);
    assert_decoded("\xf4\x8f\xbf\xbf", 0x10ffff);
}

static void test_what_is_not_well_formed_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xc3",
        "\xc0\xaf",
        "\xc3\x28",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe2\x82",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80",
        "\xff",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint32_t found = 0;
        assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &found), 0);
    }
}

static void test_characters_that_steer_a_terminal_or_hide_are_not_visible(void **state)
{
    (void)state;
    static const uint32_t hidden[] = {0,      0x1b,   0x7f,   0x9b,   0xad,   0x200b,
                                      0x200f, 0x2028, 0x202e, 0x2066, 0xfeff, 0xe0001};
    static const uint32_t visible[] = {' ', 'a', 0xa0, 0xe9, 0x2027, 0x202f, 0x2713, 0x1d510};
    for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
        assert_false(utf8_is_visible(hidden[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(visible); i++) {
        assert_true(utf8_is_visible(visible[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_points_of_every_length_are_read),
        cmocka_unit_test(test_what_is_not_well_formed_is_refused),
        cmocka_unit_test(test_characters_that_steer_a_terminal_or_hide_are_not_visible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
