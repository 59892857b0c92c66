#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static void test_a_text_grows(void **state)
{
    struct buffer buffer = {0};
    char expected[4001] = "", *end = expected, *text;
    size_t length;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        buffer_add(&buffer, "ab", i % 3 == 0 ? 1 : 2);
        buffer_add_format(&buffer, "%d%s", i % 10, "");
        end += snprintf(end, 4, "%s%d", i % 3 == 0 ? "a" : "ab", i % 10);
    }
    text = buffer_finish(&buffer, &length);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    free(text);
}

static void test_an_empty_text_is_a_text(void **state)
{
    struct buffer buffer = {0};
    size_t length = 1;
    char *text = buffer_finish(&buffer, &length);

    (void)state;
    assert_string_equal(text, "");
    assert_int_equal(length, 0);
    free(text);
}

static void test_bytes_may_be_zero(void **state)
{
    struct buffer buffer = {0};
    size_t length;
    char *text;

    (void)state;
    buffer_add(&buffer, "a\0b", 3);
    text = buffer_finish(&buffer, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);
}

static void test_a_text_that_lacks_something_is_not_given(void **state)
{
    struct buffer buffer = {0};
    volatile int width = INT32_MAX;

    (void)state;
    buffer_add_text(&buffer, "abc");
    /* More than printf(3) can write. */
    buffer_add_format(&buffer, "%*d%*d", width, 1, width, 1);
    buffer_add_text(&buffer, "def");
    assert_null(buffer_finish(&buffer, NULL));
    assert_null(buffer.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_grows),
        cmocka_unit_test(test_an_empty_text_is_a_text),
        cmocka_unit_test(test_bytes_may_be_zero),
        cmocka_unit_test(test_a_text_that_lacks_something_is_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
