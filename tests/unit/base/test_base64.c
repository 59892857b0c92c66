#include "base/base64.h"

#include "unit.h"

static size_t decode(const char *text, unsigned char out[static 8])
{
    return base64_decode(text, base64_alphabet, out, 8);
}

static void test_base64_is_read_with_and_without_padding(void **state)
{
    unsigned char out[8];

    (void)state;
    assert_int_equal(decode("Zm9v", out), 3);
    assert_memory_equal(out, "foo", 3);
    assert_int_equal(decode("Zm8", out), 2);
    assert_int_equal(decode("Zm8=", out), 2);
    assert_int_equal(decode("Zg", out), 1);
}

static void test_what_is_no_base64_is_refused(void **state)
{
    unsigned char out[8];

    (void)state;
    assert_int_equal(decode("", out), 0);
    assert_int_equal(decode("=", out), 0);
    assert_int_equal(decode("Zm9vZ", out), 0);
    assert_int_equal(decode("Zm 9", out), 0);
    assert_int_equal(decode("Z=m9", out), 0);
    assert_int_equal(decode("Zm9\xff", out), 0);
}

static void test_what_is_longer_than_the_room_is_refused(void **state)
{
    unsigned char out[9] = {[8] = 'x'};

    (void)state;
    assert_int_equal(decode("Zm9vZm9vZm8", out), 8);
    assert_int_equal(decode("Zm9vZm9vZm9v", out), 0);
    assert_int_equal(out[8], 'x');
}

static void test_each_alphabet_has_its_own_last_two(void **state)
{
    unsigned char out[8];

    (void)state;
    assert_int_equal(base64_decode("+/+/", base64_alphabet, out, sizeof(out)), 3);
    assert_memory_equal(out, "\xfb\xff\xbf", 3);
    assert_int_equal(base64_decode("-_-_", base64url_alphabet, out, sizeof(out)), 3);
    assert_memory_equal(out, "\xfb\xff\xbf", 3);
    assert_int_equal(base64_decode("-_-_", base64_alphabet, out, sizeof(out)), 0);
    assert_int_equal(base64_decode("+/+/", base64url_alphabet, out, sizeof(out)), 0);
}

static void test_bits_beyond_the_last_byte_are_zero(void **state)
{
    char one[] = "A?", two[] = "AA?";

    (void)state;
    assert_true(base64_is_canonical(""));
    assert_true(base64_is_canonical("Zm9v"));
    assert_true(base64_is_canonical("Zm8="));
    for (size_t i = 0; i < 64; i++) {
        one[1] = two[2] = base64_alphabet[i];
        assert_true(base64_is_canonical(one) == (i % 16 == 0));
        assert_true(base64_is_canonical(two) == (i % 4 == 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_is_read_with_and_without_padding),
        cmocka_unit_test(test_what_is_no_base64_is_refused),
        cmocka_unit_test(test_what_is_longer_than_the_room_is_refused),
        cmocka_unit_test(test_each_alphabet_has_its_own_last_two),
        cmocka_unit_test(test_bits_beyond_the_last_byte_are_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
