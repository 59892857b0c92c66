#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "daemon/net/address_limit.h"

static struct address_limit limit;

static int set_up(void **state)
{
    (void)state;
    limit = (struct address_limit){0};
    address_limit_init(&limit);
    return 0;
}

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *ipv4 = (void *)&address;
    struct sockaddr_in6 *ipv6 = (void *)&address;

    if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
        ipv6->sin6_family = AF_INET6;
    }
    return address;
}

static bool take(const char *text, uint32_t maximum, struct address_ticket *ticket)
{
    struct sockaddr_storage address = address_of(text);

    return address_limit_take(&limit, (const struct sockaddr *)&address, maximum, ticket);
}

static void test_an_address_gets_its_number_and_no_more(void **state)
{
    struct address_ticket ticket;

    (void)state;
    assert_true(take("192.0.2.1", 2, &ticket));
    assert_true(take("192.0.2.1", 2, &ticket));
    assert_false(take("192.0.2.1", 2, &ticket));
    assert_true(take("192.0.2.2", 2, &ticket));
}

static void test_a_refused_connection_is_not_counted(void **state)
{
    struct address_ticket first, refused;

    (void)state;
    assert_true(take("192.0.2.1", 1, &first));
    for (int i = 0; i < 1000; i++) {
        assert_false(take("192.0.2.1", 1, &refused));
    }
    address_limit_give(&limit, &first);
    assert_true(take("192.0.2.1", 1, &first));
}

static void test_an_ipv6_64_counts_as_one(void **state)
{
    struct address_ticket ticket;

    (void)state;
    assert_true(take("2001:db8:0:1::1", 1, &ticket));
    assert_false(take("2001:db8:0:1:ffff:ffff:ffff:ffff", 1, &ticket));
    assert_true(take("2001:db8:0:2::1", 1, &ticket));
}

static void test_ipv4_mapped_into_ipv6_is_that_ipv4(void **state)
{
    struct address_ticket ticket;

    (void)state;
    assert_true(take("192.0.2.1", 1, &ticket));
    assert_false(take("::ffff:192.0.2.1", 1, &ticket));
    assert_true(take("::ffff:192.0.2.2", 1, &ticket));
}

static void test_a_crowd_does_not_take_an_honest_clients_place(void **state)
{
    struct address_ticket ticket;
    unsigned refused = 0;

    (void)state;
    for (unsigned crowd = 0; crowd < 16; crowd++) {
        char text[32];

        snprintf(text, sizeof(text), "198.51.100.%u", crowd);
        for (unsigned i = 0; i < 64; i++) {
            assert_true(take(text, 64, &ticket));
        }
    }
    for (unsigned client = 0; client < 1000; client++) {
        char text[32];

        snprintf(text, sizeof(text), "10.0.%u.%u", client / 256, client % 256);
        refused += !take(text, 64, &ticket);
    }
    /* By chance alone one in a million of these. */
    assert_int_equal(refused, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_address_gets_its_number_and_no_more, set_up),
        cmocka_unit_test_setup(test_a_refused_connection_is_not_counted, set_up),
        cmocka_unit_test_setup(test_an_ipv6_64_counts_as_one, set_up),
        cmocka_unit_test_setup(test_ipv4_mapped_into_ipv6_is_that_ipv4, set_up),
        cmocka_unit_test_setup(test_a_crowd_does_not_take_an_honest_clients_place, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
