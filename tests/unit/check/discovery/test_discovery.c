#include "base/array.h"
#include "check/discovery/discovery.h"

#include "unit.h"

static void assert_name(const char *given, const char *server_name, const char *hostname)
{
    struct problem problem = {0};
    struct discovery *discovery = discovery_create(given, NULL, true, &problem);
    if (!discovery) {
        fail_msg("%s: %s", given, problem.text);
    } else {
        assert_string_equal(discovery->server_name, server_name);
        assert_string_equal(discovery->hostname, hostname);
    }
    discovery_free(discovery);
}

static void test_names_are_taken_as_people_write_them(void **state)
{
    (void)state;
    assert_name("example.com", "example.com", "example.com");
    assert_name("Example.COM:8448", "Example.COM:8448", "Example.COM");
    assert_name("[2001:db8::1]:8448", "[2001:db8::1]:8448", "2001:db8::1");
    assert_name("bücher.example:443", "xn--bcher-kva.example:443", "xn--bcher-kva.example");
    assert_name("BÜCHER.example", "xn--bcher-kva.example", "xn--bcher-kva.example");
    assert_name("straße.example", "xn--strae-oqa.example", "xn--strae-oqa.example");
    assert_name("日本。example", "xn--wgv71a.example", "xn--wgv71a.example");
}

static void test_what_is_no_server_name_is_wrong_usage(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "ex ample.com", "a:0",        "a:65536",   "ü:",
        "ü:x", "\xff.example", "ü..example", "https://ü", "@user:example.com",
        "a\n", "ü\u202e"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct problem problem = {0};
        struct discovery *discovery = discovery_create(bad[i], NULL, true, &problem);
        if (discovery || problem.status != PROBLEM_USAGE) {
            fail_msg("\"%s\": %s", bad[i], !discovery ? problem.text : "was accepted");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_taken_as_people_write_them),
        cmocka_unit_test(test_what_is_no_server_name_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
