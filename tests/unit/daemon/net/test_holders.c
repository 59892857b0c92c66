#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>

#include "daemon/net/holders.h"

enum {
    ROOM = 1024
};

static struct holders holders;

static int set_up(void **state)
{
    struct problem problem;

    (void)state;
    return holders_init(&holders, ROOM, &problem) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    holders_clear(&holders);
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

static int take(const char *text)
{
    struct sockaddr_storage address = address_of(text);

    return holders_take(&holders, (const struct sockaddr *)&address);
}

static int take_number(unsigned number)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = number};

    return holders_take(&holders, (const struct sockaddr *)&address);
}

/* How many connections the address has with this one. */
static uint32_t count_with(const char *text)
{
    return holders_count(&holders, take(text));
}

static void test_connections_of_an_address_are_counted_together(void **state)
{
    (void)state;
    assert_int_equal(count_with("192.0.2.1"), 1);
    assert_int_equal(count_with("192.0.2.1"), 2);
    assert_int_equal(count_with("192.0.2.2"), 1);
    assert_int_equal(count_with("192.0.2.1"), 3);
}

static void test_a_connection_that_is_given_back_counts_no_longer(void **state)
{
    int slot = take("192.0.2.1");

    (void)state;
    assert_int_equal(take("192.0.2.1"), slot);
    holders_give(&holders, slot);
    assert_int_equal(holders_count(&holders, slot), 1);
    holders_give(&holders, slot);
    assert_int_equal(count_with("192.0.2.1"), 1);
}

static void test_an_ipv6_64_counts_as_one(void **state)
{
    (void)state;
    assert_int_equal(count_with("2001:db8:0:1::1"), 1);
    assert_int_equal(count_with("2001:db8:0:1:ffff:ffff:ffff:ffff"), 2);
    assert_int_equal(count_with("2001:db8:0:2::1"), 1);
}

static void test_ipv4_mapped_into_ipv6_is_that_ipv4(void **state)
{
    (void)state;
    assert_int_equal(count_with("192.0.2.1"), 1);
    assert_int_equal(count_with("::ffff:192.0.2.1"), 2);
    assert_int_equal(count_with("::ffff:192.0.2.2"), 1);
}

static void test_an_ipv4_address_is_no_ipv6_network(void **state)
{
    (void)state;
    /* The same four bytes, and zeros. */
    assert_int_equal(count_with("32.1.13.184"), 1);
    assert_int_equal(count_with("2001:db8::5"), 1);
}

static void test_unix_sockets_are_one_holder_apart_from_all_addresses(void **state)
{
    struct sockaddr address = {.sa_family = AF_UNSPEC};
    int slot = holders_take(&holders, &address);

    (void)state;
    assert_int_equal(holders_take(&holders, &address), slot);
    assert_int_equal(holders_count(&holders, slot), 2);
    assert_int_equal(count_with("255.255.255.255"), 1);
    assert_int_equal(count_with("0.0.0.0"), 1);
}

static void test_the_limit_counts_those_that_it_is_for(void **state)
{
    int slot = take("192.0.2.1");

    (void)state;
    take("192.0.2.1");
    assert_int_equal(holders_limit(&holders, slot), 1);
    assert_int_equal(holders_limit(&holders, slot), 2);
    holders_unlimit(&holders, slot);
    assert_int_equal(holders_limit(&holders, slot), 2);
    assert_int_equal(holders_count(&holders, slot), 2);
}

static void test_as_many_addresses_as_there_is_room_for_are_all_told_apart(void **state)
{
    int slots[ROOM];

    (void)state;
    /* Many times anew, so that every slot has been another address's. */
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < ROOM; i++) {
            slots[i] = take_number(round * ROOM + i);
            assert_int_not_equal(slots[i], HOLDERS_NONE);
            assert_int_equal(holders_count(&holders, slots[i]), 1);
        }
        for (unsigned i = 0; i < ROOM; i++) {
            holders_give(&holders, slots[i]);
        }
    }
    for (size_t slot = 0; slot < holders_size(&holders); slot++) {
        assert_int_equal(holders_count(&holders, (int)slot), 0);
    }
}

/* As holders_largest and holders_with, by looking through all slots. */
static uint32_t look_for_largest(uint32_t *addresses)
{
    uint32_t largest = 0;

    *addresses = 0;
    for (size_t slot = 0; slot < holders_size(&holders); slot++) {
        uint32_t count = holders_count(&holders, (int)slot);

        if (count > largest) {
            largest = count;
            *addresses = 0;
        }
        *addresses += count == largest;
    }
    return largest;
}

static void assert_largest_is_known(void)
{
    uint32_t addresses;
    uint32_t largest = look_for_largest(&addresses);

    assert_int_equal(holders_largest(&holders), largest);
    if (largest > 0) {
        assert_int_equal(holders_with(&holders, largest), addresses);
    }
}

static void test_the_largest_holding_is_known_while_connections_come_and_go(void **state)
{
    enum {
        HELD = 100
    };
    int slots[HELD] = {0};
    bool taken[HELD] = {false};
    unsigned random = 1;

    (void)state;
    assert_int_equal(holders_largest(&holders), 0);
    for (unsigned turn = 0; turn < 2000; turn++) {
        unsigned i;

        random = random * 1103515245 + 12345;
        i = random >> 16 & 0x7fff;
        if (taken[i % HELD]) {
            holders_give(&holders, slots[i % HELD]);
        } else {
            slots[i % HELD] = take_number(i / HELD % 7);
        }
        taken[i % HELD] = !taken[i % HELD];
        assert_largest_is_known();
    }
}

enum {
    THREADS = 4,
    TURNS = 20000,
    ADDRESSES = 8
};

static void *take_and_give(void *seed)
{
    unsigned number = *(unsigned *)seed;

    for (int i = 0; i < TURNS; i++) {
        int slot;

        number = number * 1103515245 + 12345;
        slot = take_number(number >> 16 & (ADDRESSES - 1));
        assert_true(holders_largest(&holders) <= 1 + THREADS);
        holders_give(&holders, slot);
    }
    return NULL;
}

static void test_threads_lose_no_count(void **state)
{
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    int kept = take_number(0);

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &seeds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(holders_count(&holders, kept), 1);
    assert_largest_is_known();
    holders_give(&holders, kept);
    assert_int_equal(holders_largest(&holders), 0);
    for (size_t slot = 0; slot < holders_size(&holders); slot++) {
        assert_int_equal(holders_count(&holders, (int)slot), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_connections_of_an_address_are_counted_together, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_connection_that_is_given_back_counts_no_longer,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_ipv6_64_counts_as_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_ipv4_address_is_no_ipv6_network, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ipv4_mapped_into_ipv6_is_that_ipv4, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unix_sockets_are_one_holder_apart_from_all_addresses,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_limit_counts_those_that_it_is_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_as_many_addresses_as_there_is_room_for_are_all_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_the_largest_holding_is_known_while_connections_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_lose_no_count, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
