#include "base/hash.h"

#include "unit.h"

/* The vectors of FNV's authors (draft-eastlake-fnv, appendix C). */
static void test_the_hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_int_equal(hash_bytes("", 0), 0x811c9dc5);
    assert_int_equal(hash_bytes("a", 1), 0xe40c292c);
    assert_int_equal(hash_bytes("foobar", 6), 0xbf9cf968);
    assert_int_equal(hash_bytes("foobar\xff", 6), 0xbf9cf968);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_hash_is_fnv_1a),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
