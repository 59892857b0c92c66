#include "base/array.h"

#include <stdlib.h>

#include "unit.h"

/* AddressSanitizer ends a program that asks for too much, unless told otherwise. */
const char *__asan_default_options(void); /* NOLINT: the name is its own */

const char *__asan_default_options(void) /* NOLINT */
{
    return "allocator_may_return_null=1";
}

static void test_an_array_keeps_its_items_as_it_grows(void **state)
{
    size_t *numbers = NULL;
    size_t count = 0;

    (void)state;
    for (size_t number = 0; number < 1000; number++) {
        size_t *longer = array_grow(numbers, count, sizeof(*longer));

        assert_non_null(longer);
        numbers = longer;
        numbers[count++] = number;
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(numbers[i], i);
    }
    free(numbers);
}

static void test_an_array_that_has_shrunk_grows_again(void **state)
{
    char *bytes = NULL;

    (void)state;
    for (size_t shrunk = 0; shrunk <= 20; shrunk++) {
        for (size_t count = shrunk; count < 20; count++) {
            char *longer = array_grow(bytes, count, 1);

            assert_non_null(longer);
            bytes = longer;
            bytes[count] = 'a';
        }
    }
    free(bytes);
}

static void test_without_memory_the_array_is_as_it_was(void **state)
{
    char *bytes = array_grow(NULL, 0, 1);

    (void)state;
    assert_non_null(bytes);
    bytes[0] = 'a';
    assert_null(array_grow(bytes, 1, SIZE_MAX));
    assert_int_equal(bytes[0], 'a');
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_array_keeps_its_items_as_it_grows),
        cmocka_unit_test(test_an_array_that_has_shrunk_grows_again),
        cmocka_unit_test(test_without_memory_the_array_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
