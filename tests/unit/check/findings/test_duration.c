#include "check/findings/duration.h"

#include <stdlib.h>

#include "unit.h"

static void assert_span(long long seconds, const char *words)
{
    char *span = duration_text(seconds);
    assert_string_equal(span, words);
    free(span);
}

static void test_spans_of_time_are_said_in_the_unit_that_fits(void **state)
{
    (void)state;
    assert_span(0, "0 seconds");
    assert_span(1, "1 second");
    assert_span(60, "1 minute");
    assert_span(90, "90 seconds");
    assert_span(3600, "1 hour");
    assert_span(5400, "90 minutes");
    assert_span(86400, "1 day");
    assert_span(172800, "2 days");
    assert_span(90 * 86400LL + 5, "90 days");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_of_time_are_said_in_the_unit_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
