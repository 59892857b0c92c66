#include "base/array.h"
#include "check/net/access.h"

#include "unit.h"

static const struct access_policy person = {.public_only = false};
static const struct access_policy anybody = {.public_only = true};

static enum ip_reach reach_of(const char *text)
{
    struct ip_address address;
    assert_true(ip_address_parse(text, strlen(text), &address));
    return access_reach(&address);
}

static void test_a_request_goes_no_further_than_its_limit(void **state)
{
    (void)state;
    static const enum ip_reach all[] = {IP_PUBLIC, IP_PRIVATE, IP_OWN, IP_LOCAL};
    for (size_t limit = 0; limit < ARRAY_SIZE(all); limit++) {
        for (size_t reach = 0; reach < ARRAY_SIZE(all); reach++) {
            assert_int_equal(access_allows(&person, all[limit], all[reach]), reach <= limit);
        }
    }
}

static void test_names_lead_to_this_machine_but_not_to_localhost(void **state)
{
    (void)state;
    assert_true(access_allows(&person, ACCESS_BY_NAME, IP_OWN));
    assert_false(access_allows(&person, ACCESS_BY_NAME, IP_LOCAL));
    assert_true(access_allows(&person, ACCESS_BY_HAND, IP_LOCAL));
}

static void test_where_anybody_may_start_a_check_nothing_but_the_internet_is_asked(void **state)
{
    (void)state;
    static const enum ip_reach limits[] = {IP_PUBLIC, ACCESS_BY_NAME, ACCESS_BY_HAND};
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        assert_true(access_allows(&anybody, limits[i], IP_PUBLIC));
        assert_false(access_allows(&anybody, limits[i], IP_PRIVATE));
        assert_false(access_allows(&anybody, limits[i], IP_OWN));
        assert_false(access_allows(&anybody, limits[i], IP_LOCAL));
    }
}

static void test_addresses_of_every_machine_are_local_in_every_spelling(void **state)
{
    (void)state;
    static const char *const spellings[] = {
        "127.0.0.1",        "127.1.2.3",          "0.0.0.0",      "::1", "::",
        "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::"};
    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
        assert_int_equal(reach_of(spellings[i]), IP_LOCAL);
    }
}

static void test_an_address_of_nobody_is_public(void **state)
{
    (void)state;
    assert_int_equal(reach_of("192.0.2.1"), IP_PUBLIC);
    assert_int_equal(reach_of("2001:db8::1"), IP_PUBLIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_goes_no_further_than_its_limit),
        cmocka_unit_test(test_names_lead_to_this_machine_but_not_to_localhost),
        cmocka_unit_test(test_where_anybody_may_start_a_check_nothing_but_the_internet_is_asked),
        cmocka_unit_test(test_addresses_of_every_machine_are_local_in_every_spelling),
        cmocka_unit_test(test_an_address_of_nobody_is_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
