#include "check/discovery/targets.h"

#include <stdlib.h>

#include "unit.h"

static void add_addresses(struct targets *targets, size_t count)
{
    struct host_lookup lookup = {.count = count};
    for (size_t i = 0; i < count; i++) {
        lookup.addresses[i] =
            (struct ip_address){.family = AF_INET, .bytes = {192, 0, 2, (unsigned char)i}};
    }
    targets_add(targets, &lookup, 8448, IP_PUBLIC, NULL);
}

/* A target whose requests ended so, without any network. */
static void end(struct target *target, enum fetch_outcome outcome)
{
    target->version_fetch.outcome = outcome;
    target->keys_fetch.outcome = outcome;
    target->version_fetch.detail = strdup("");
}

static void test_an_address_is_tried_once(void **state)
{
    (void)state;
    struct targets *targets = calloc(1, sizeof(*targets));
    add_addresses(targets, 2);
    add_addresses(targets, 3);
    assert_int_equal(targets->count, 3);
    targets_add(targets, &(struct host_lookup){.count = 1}, 0, IP_PUBLIC, NULL);
    assert_int_equal(targets->count, 3);
    for (int port = 1; port <= TARGET_LIMIT; port++) {
        targets_add(targets, &(struct host_lookup){.count = 2}, port, IP_PUBLIC, NULL);
    }
    assert_int_equal(targets->count, TARGET_LIMIT);
    targets_clear(targets);
    free(targets);
}

static enum verdict verdict_of(enum fetch_outcome first, enum fetch_outcome second)
{
    struct lines lines = {0};
    struct targets *targets = calloc(1, sizeof(*targets));
    add_addresses(targets, 2);
    targets->names = (struct target_names){.server_name = "example.com", .tls_name = "example.com"};
    targets->items[0].names = &targets->names;
    targets->items[1].names = &targets->names;
    end(&targets->items[0], first);
    end(&targets->items[1], second);
    enum verdict verdict = targets_diagnose(targets, (struct branch){.lines = &lines});
    lines_clear(&lines);
    targets_clear(targets);
    free(targets);
    return verdict;
}

static void test_the_verdict_is_unknown_only_where_no_address_could_be_checked(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(FETCH_NO_ROUTE, FETCH_NO_ROUTE), VERDICT_UNKNOWN);
    assert_int_equal(verdict_of(FETCH_NO_ROUTE, FETCH_REFUSED), VERDICT_FAILS);
    assert_int_equal(verdict_of(FETCH_REFUSED, FETCH_CONNECT_TIMEOUT), VERDICT_FAILS);
    assert_int_equal(verdict_of(FETCH_TLS_FAILED, FETCH_NO_ROUTE), VERDICT_FAILS);
}

static void test_a_host_with_one_of_the_addresses_is_included(void **state)
{
    (void)state;
    struct targets *targets = calloc(1, sizeof(*targets));
    add_addresses(targets, 2);
    struct host_lookup other = {.count = 1,
                                .addresses = {{.family = AF_INET, .bytes = {192, 0, 2, 7}}}};
    assert_false(targets_include(targets, &other));
    other.addresses[0].bytes[3] = 1;
    assert_true(targets_include(targets, &other));
    targets_clear(targets);
    free(targets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_tried_once),
        cmocka_unit_test(test_the_verdict_is_unknown_only_where_no_address_could_be_checked),
        cmocka_unit_test(test_a_host_with_one_of_the_addresses_is_included),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
