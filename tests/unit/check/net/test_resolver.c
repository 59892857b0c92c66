#include "base/array.h"
#include "check/net/resolver.h"

#include <sys/socket.h>

#include "unit.h"

static struct resolver *create(int family)
{
    struct problem problem;
    char first[] = "127.0.0.1:9";
    char second[] = "::1";
    char *servers[] = {first, second};
    struct resolver *resolver = resolver_create(servers, 2, family, 1, &problem);
    if (!resolver) {
        fail_msg("no resolver: %s", problem.text);
    }
    return resolver;
}

static void test_servers_are_addresses_with_or_without_a_port(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.1", "192.0.2.1:53", "::1", "[::1]", "[::1]:65535"};
    static const char *const bad[] = {"",      "ns.example",  "192.0.2.1:",   "192.0.2.1:0",
                                      "[::1",  "::1]:53",     "[::1]53",      "192.0.2.1:65536",
                                      "[]:53", "[192.0.2.1]", "192.0.2.1:5x", "1.2.3.4,5.6.7.8"};
    struct problem problem;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        if (!resolver_check_server(good[i], &problem)) {
            fail_msg("%s: %s", good[i], problem.text);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (resolver_check_server(bad[i], &problem)) {
            fail_msg("\"%s\" was accepted", bad[i]);
        }
        assert_int_equal(problem.status, PROBLEM_USAGE);
    }
}

static void test_literals_are_their_own_addresses(void **state)
{
    (void)state;
    struct resolver *resolver = create(AF_INET);
    struct host_lookup lookup;
    host_lookup_start(resolver, &lookup, "192.0.2.7");
    assert_int_equal(host_lookup_status(&lookup), LOOKUP_FOUND);
    assert_int_equal(host_lookup_limit(&lookup), ACCESS_BY_NAME);
    host_lookup_start(resolver, &lookup, "[2001:db8::7]");
    assert_int_equal(host_lookup_status(&lookup), LOOKUP_ABSENT);
    resolver_free(resolver);
}

static void test_addresses_given_by_hand_count_without_case(void **state)
{
    (void)state;
    struct resolver *resolver = create(AF_UNSPEC);
    struct problem problem;
    struct host_lookup lookup;
    assert_true(resolver_add_override(resolver, "A.example:192.0.2.7", &problem));
    assert_true(resolver_add_override(resolver, "a.Example:[2001:db8::7]", &problem));
    assert_true(resolver_add_override(resolver, "b.example:::1", &problem));
    assert_false(resolver_add_override(resolver, ":192.0.2.7", &problem));
    assert_false(resolver_add_override(resolver, "a.example:", &problem));
    host_lookup_start(resolver, &lookup, "a.EXAMPLE");
    assert_int_equal(host_lookup_status(&lookup), LOOKUP_FOUND);
    assert_int_equal(lookup.count, 2);
    assert_int_equal(host_lookup_limit(&lookup), ACCESS_BY_HAND);
    resolver_free(resolver);
}

static void test_a_name_that_is_too_long_is_absent(void **state)
{
    (void)state;
    struct resolver *resolver = create(AF_UNSPEC);
    struct record_lookup lookup;
    char name[DNS_NAME_SIZE + 1];
    memset(name, 'a', DNS_NAME_SIZE);
    name[DNS_NAME_SIZE] = '\0';
    record_lookup_start(resolver, &lookup, name, DNS_SRV);
    assert_int_equal(lookup.status, LOOKUP_ABSENT);
    resolver_free(resolver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers_are_addresses_with_or_without_a_port),
        cmocka_unit_test(test_literals_are_their_own_addresses),
        cmocka_unit_test(test_addresses_given_by_hand_count_without_case),
        cmocka_unit_test(test_a_name_that_is_too_long_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
