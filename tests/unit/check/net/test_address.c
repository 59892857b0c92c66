#include "base/array.h"
#include "check/net/address.h"

#include "unit.h"

static bool parses(const char *text)
{
    struct ip_address address;
    return ip_address_parse(text, strlen(text), &address);
}

static void test_literals_of_both_families_are_read(void **state)
{
    (void)state;
    struct ip_address address;
    char text[IP_TEXT_SIZE];
    assert_true(ip_address_parse("192.0.2.1", 9, &address));
    assert_string_equal(ip_address_text(&address, text), "192.0.2.1");
    assert_true(ip_address_parse("[2001:DB8::1]", 13, &address));
    assert_string_equal(ip_address_text(&address, text), "2001:db8::1");
    assert_true(parses("::"));
}

static void test_anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     "[]",   "[192.0.2.1]",  "192.0.2",     "192.0.2.256", "1",          "::g",
        "[::1", "::1]", "fe80::1%eth0", "example.com", " 192.0.2.1",  "0x7f.0.0.1", "192.0.2.01"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (parses(bad[i])) {
            fail_msg("\"%s\" was accepted", bad[i]);
        }
    }
    struct ip_address address;
    assert_false(ip_address_parse("192.0.2.1\0x", 11, &address));
}

static void assert_reach(const char *text, enum ip_reach reach)
{
    struct ip_address address;
    assert_true(ip_address_parse(text, strlen(text), &address));
    if (ip_address_reach(&address) != reach) {
        fail_msg("%s has another reach", text);
    }
}

static void test_addresses_of_this_machine_and_this_site_are_known(void **state)
{
    (void)state;
    static const char *const local[] = {
        "127.0.0.1",
        "127.255.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.1.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::127.0.0.1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001::80ff:fffe",
        "2001:db8::5efe:127.0.0.1",
        "2001:db8::200:5efe:127.0.0.1",
    };
    static const char *const private[] = {"10.0.0.1",
                                          "172.16.0.1",
                                          "172.31.255.255",
                                          "192.168.1.1",
                                          "100.64.0.1",
                                          "fd00::1",
                                          "fc00::1",
                                          "fec0::1",
                                          "::ffff:10.1.1.1",
                                          "192.0.0.8",
                                          "198.19.0.1",
                                          "64:ff9b::10.1.1.1",
                                          "64:ff9b:1::192.0.2.1",
                                          "2002:a01:101::"};
    static const char *const public[] = {"172.15.0.1",
                                         "172.32.0.1",
                                         "192.0.2.1",
                                         "100.128.0.1",
                                         "2001:db8::",
                                         "::ffff:192.0.2.1",
                                         "198.20.0.1",
                                         "223.255.255.255",
                                         "64:ff9b::192.0.2.1",
                                         "2002:c000:201::",
                                         "2001:db8::5eff:127.0.0.1"};
    for (size_t i = 0; i < ARRAY_SIZE(local); i++) {
        assert_reach(local[i], IP_LOCAL);
    }
    for (size_t i = 0; i < ARRAY_SIZE(private); i++) {
        assert_reach(private[i], IP_PRIVATE);
    }
    for (size_t i = 0; i < ARRAY_SIZE(public); i++) {
        assert_reach(public[i], IP_PUBLIC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals_of_both_families_are_read),
        cmocka_unit_test(test_anything_else_is_refused),
        cmocka_unit_test(test_addresses_of_this_machine_and_this_site_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
