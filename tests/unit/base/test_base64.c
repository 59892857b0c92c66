#include "base/base64.h"

#include "unit.h"

static void test_base64_is_read_with_and_without_padding(void **state)
{
    (void)state;
    unsigned char out[8];
    assert_int_equal(base64_decode("Zm9v", out, sizeof(out)), 3);
    assert_memory_equal(out, "foo", 3);
    assert_int_equal(base64_decode("Zm8", out, sizeof(out)), 2);
    assert_int_equal(base64_decode("Zm8=", out, sizeof(out)), 2);
    assert_int_equal(base64_decode("", out, sizeof(out)), 0);
    assert_int_equal(base64_decode("Zm9vZ", out, sizeof(out)), 0);
    assert_int_equal(base64_decode("Zm 9", out, sizeof(out)), 0);
    assert_int_equal(base64_decode("Zm9\xff", out, sizeof(out)), 0);
    assert_int_equal(base64_decode("Zm9vZm9vZm9v", out, sizeof(out)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_is_read_with_and_without_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
