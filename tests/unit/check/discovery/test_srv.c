#include "check/discovery/srv.h"

#include <stdlib.h>

#include "unit.h"

/* A question that has been answered so, with targets that look like addresses: nothing is asked. */
static void answer(struct record_lookup *lookup, enum lookup_status status, size_t records)
{
    lookup->status = status;
    lookup->answer.count = records;
    for (size_t i = 0; i < records; i++) {
        lookup->answer.records[i] = (struct dns_record){
            .priority = (uint16_t)(20 - 10 * (i % 2)),
            .weight = (uint16_t)i,
            .port = 8448,
            .target = "192.0.2.1",
        };
    }
}

static struct srv *answered(enum lookup_status current, enum lookup_status old)
{
    struct srv *srv = calloc(1, sizeof(*srv));
    srv->started = true;
    answer(&srv->current, current, current == LOOKUP_FOUND ? 3 : 0);
    answer(&srv->old, old, old == LOOKUP_FOUND ? 1 : 0);
    return srv;
}

static void assert_choice(enum lookup_status current, enum lookup_status old,
                          enum lookup_status status, bool deprecated)
{
    struct srv *srv = answered(current, old);
    assert_true(srv_advance(srv));
    assert_int_equal(srv->status, status);
    assert_int_equal(srv->deprecated, deprecated);
    srv_clear(srv);
    free(srv);
}

static void test_deprecated_records_count_only_without_current_ones(void **state)
{
    (void)state;
    assert_choice(LOOKUP_FOUND, LOOKUP_FOUND, LOOKUP_FOUND, false);
    assert_choice(LOOKUP_FOUND, LOOKUP_FAILED, LOOKUP_FOUND, false);
    assert_choice(LOOKUP_ABSENT, LOOKUP_FOUND, LOOKUP_FOUND, true);
    assert_choice(LOOKUP_ABSENT, LOOKUP_ABSENT, LOOKUP_ABSENT, false);
    assert_choice(LOOKUP_ABSENT, LOOKUP_FAILED, LOOKUP_FAILED, false);
    assert_choice(LOOKUP_FAILED, LOOKUP_FOUND, LOOKUP_FAILED, false);
}

static void test_records_are_sorted_by_priority_then_by_weight(void **state)
{
    (void)state;
    struct srv *srv = answered(LOOKUP_FOUND, LOOKUP_ABSENT);
    srv_advance(srv);
    assert_int_equal(srv->count, 3);
    assert_int_equal(srv->records[0].priority, 10);
    assert_int_equal(srv->records[1].weight, 2);
    assert_int_equal(srv->records[2].weight, 0);
    srv_clear(srv);
    free(srv);
}

static void test_a_target_that_is_an_address_is_a_finding(void **state)
{
    (void)state;
    struct lines lines = {0};
    struct srv *srv = answered(LOOKUP_ABSENT, LOOKUP_FOUND);
    srv_advance(srv);
    srv_diagnose(srv, (struct branch){.lines = &lines}, MARK_WARN);
    assert_int_equal(lines.count, 3); /* the record, its flaw, and that it is deprecated */
    assert_int_equal(lines.items[1].code, FINDING_SRV_TARGET_INVALID);
    assert_int_equal(lines.items[1].mark, MARK_WARN);
    assert_int_equal(lines.items[2].code, FINDING_SRV_DEPRECATED);
    lines_clear(&lines);
    srv_clear(srv);
    free(srv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deprecated_records_count_only_without_current_ones),
        cmocka_unit_test(test_records_are_sorted_by_priority_then_by_weight),
        cmocka_unit_test(test_a_target_that_is_an_address_is_a_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
