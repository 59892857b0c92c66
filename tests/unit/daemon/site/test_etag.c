#include "unit.h"

#include "daemon/site/etag.h"

static void test_a_tag_is_strong_and_follows_from_the_text_alone(void **state)
{
    char one[ETAG_SIZE], same[ETAG_SIZE], other[ETAG_SIZE];

    (void)state;
    assert_true(etag_of("{}", one) && etag_of("{}", same) && etag_of("{ }", other));
    /* printf '{}' | sha256sum */
    assert_string_equal(one, "\"44136fa355b3678a1146ad16f7e8649e\"");
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
}

static void test_an_etag_is_found_in_a_list_weak_or_strong_or_by_a_star(void **state)
{
    static const char etag[] = "\"abc\"";

    (void)state;
    assert_true(etag_matches("\"abc\"", etag));
    assert_true(etag_matches("W/\"abc\"", etag));
    assert_true(etag_matches("\"x\", \"a,b\" ,\t\"abc\"", etag));
    assert_true(etag_matches("*", etag));
    assert_false(etag_matches("", etag));
    assert_false(etag_matches("abc", etag));
    assert_false(etag_matches("\"abcd\"", etag));
    assert_false(etag_matches("\"x", etag));
    assert_false(etag_matches("\"x\", abc", etag));
    assert_false(etag_matches("W/", etag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tag_is_strong_and_follows_from_the_text_alone),
        cmocka_unit_test(test_an_etag_is_found_in_a_list_weak_or_strong_or_by_a_star),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
