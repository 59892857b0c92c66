#include "unit.h"

#include <stdio.h>

#include "base/map.h"

static void test_an_empty_map_holds_nothing(void **state)
{
    struct map map = {0};

    (void)state;
    assert_null(map_get(&map, "a", 1));
    assert_null(map_get(&map, "", 0));
    map_clear(&map);
}

static void test_what_is_set_is_found_by_exactly_its_key(void **state)
{
    struct map map = {0};
    int one, two;

    (void)state;
    assert_true(map_set(&map, "example.com", &one));
    assert_true(map_set(&map, "example.co", &two));
    assert_ptr_equal(map_get(&map, "example.com", 11), &one);
    assert_ptr_equal(map_get(&map, "example.com", 10), &two);
    assert_null(map_get(&map, "example.c", 9));
    assert_null(map_get(&map, "example.com.", 12));
    map_clear(&map);
}

static void test_the_empty_key_is_a_key(void **state)
{
    struct map map = {0};
    int value;

    (void)state;
    assert_true(map_set(&map, "", &value));
    assert_ptr_equal(map_get(&map, "", 0), &value);
    assert_null(map_get(&map, "a", 1));
    map_clear(&map);
}

static void test_setting_again_replaces(void **state)
{
    struct map map = {0};
    int one, two;

    (void)state;
    assert_true(map_set(&map, "a", &one));
    assert_true(map_set(&map, "a", &two));
    assert_int_equal(map.count, 1);
    assert_ptr_equal(map_get(&map, "a", 1), &two);
    map_clear(&map);
}

static void test_ten_thousand_keys_are_all_found_while_it_grows(void **state)
{
    enum {
        COUNT = 10000,
        SIZE = 24
    };
    static char keys[COUNT][SIZE];
    struct map map = {0};

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], SIZE, "d%d.example", i);
        assert_true(map_set(&map, keys[i], keys[i]));
    }
    assert_int_equal(map.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_ptr_equal(map_get(&map, keys[i], strlen(keys[i])), keys[i]);
    }
    assert_null(map_get(&map, "d10000.example", strlen("d10000.example")));
    map_clear(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_map_holds_nothing),
        cmocka_unit_test(test_what_is_set_is_found_by_exactly_its_key),
        cmocka_unit_test(test_the_empty_key_is_a_key),
        cmocka_unit_test(test_setting_again_replaces),
        cmocka_unit_test(test_ten_thousand_keys_are_all_found_while_it_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
