#include "base/array.h"
#include "check/net/own_address.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include "unit.h"

static void test_the_addresses_of_all_interfaces_are_own(void **state)
{
    (void)state;
    struct ifaddrs *interfaces = NULL;
    assert_int_equal(getifaddrs(&interfaces), 0);
    for (const struct ifaddrs *each = interfaces; each != NULL; each = each->ifa_next) {
        struct ip_address address;
        if (!each->ifa_addr || each->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)each->ifa_addr;
        address = ip_address_from_bytes(AF_INET, (const unsigned char *)&ipv4->sin_addr);
        assert_true(own_address_is(&address));
    }
    freeifaddrs(interfaces);
}

static void test_addresses_that_nobody_has_are_not(void **state)
{
    (void)state;
    static const char *const others[] = {"192.0.2.1", "198.51.100.7", "2001:db8::1"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        struct ip_address address;
        assert_true(ip_address_parse(others[i], strlen(others[i]), &address));
        assert_false(own_address_is(&address));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_addresses_of_all_interfaces_are_own),
        cmocka_unit_test(test_addresses_that_nobody_has_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
