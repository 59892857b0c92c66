/* Addresses to listen on: every form, and every mistake with its own remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config/address.h"

static void assert_formats_as(const char *text, const char *expected)
{
    struct address address;
    struct problem problem = {.text = ""};
    char formatted[ADDRESS_TEXT_SIZE];

    if (!address_parse(text, &address, &problem)) {
        fail_msg("%s was refused: %s", text, problem.text);
    }
    assert_string_equal(address_format(&address, formatted), expected);
}

static void assert_refused(const char *text, const char *expected)
{
    struct address address;
    struct problem problem = {.text = ""};

    if (address_parse(text, &address, &problem)) {
        fail_msg("%s was accepted", text);
    }
    if (strstr(problem.text, expected) == NULL) {
        fail_msg("%s: \"%s\" does not say \"%s\"", text, problem.text, expected);
    }
    assert_non_null(strstr(problem.text, ": "));
    assert_null(strchr(problem.text, '\n'));
}

static void test_every_form_is_parsed_and_written_as_it_would_be_given(void **state)
{
    (void)state;
    assert_formats_as("443", "[::]:443");
    assert_formats_as("0", "[::]:0");
    assert_formats_as("65535", "[::]:65535");
    assert_formats_as("127.0.0.1:8443", "127.0.0.1:8443");
    assert_formats_as("0.0.0.0:0", "0.0.0.0:0");
    assert_formats_as("[::1]:8443", "[::1]:8443");
    assert_formats_as("[2001:DB8:0:0::1]:443", "[2001:db8::1]:443");
    assert_formats_as("[::ffff:192.0.2.1]:443", "[::ffff:192.0.2.1]:443");
    assert_formats_as("unix:/run/x.sock", "unix:/run/x.sock");
    assert_formats_as("unix:/run/a:b://c", "unix:/run/a:b://c");
}

static void test_a_parsed_address_has_the_length_that_bind_needs(void **state)
{
    struct address address;
    struct problem problem;

    (void)state;
    assert_true(address_parse("127.0.0.1:1", &address, &problem));
    assert_int_equal(address.socket.ss_family, AF_INET);
    assert_int_equal(address.length, 16);
    assert_true(address_parse("1", &address, &problem));
    assert_int_equal(address.socket.ss_family, AF_INET6);
    assert_int_equal(address.length, 28);
    assert_true(address_parse("unix:/a", &address, &problem));
    assert_int_equal(address.socket.ss_family, AF_UNIX);
    assert_int_equal(address.length, offsetof(struct sockaddr_un, sun_path) + 3);
}

static void test_a_bad_port_is_named(void **state)
{
    (void)state;
    assert_refused("8443x", "\"8443x\" is not a port");
    assert_refused("65536", "too large: the highest is 65535");
    assert_refused("127.0.0.1:65536", "too large: the highest is 65535");
    assert_refused("99999999999999999999999999", "too large");
    assert_refused("127.0.0.1:-1", "is not a number");
    assert_refused("127.0.0.1:http", "is not a number");
    assert_refused("[::1]:x", "is not a number");
    assert_refused("127.0.0.1:", "no port after the colon");
    assert_refused("[::1]:", "no port after the colon");
    assert_refused("-1", "is not an address");
}

static void test_a_missing_port_is_asked_for(void **state)
{
    (void)state;
    assert_refused("127.0.0.1", "give 127.0.0.1:443");
    assert_refused("[::1]", "give [::1]:443");
    assert_refused("[::1]443", "give [::1]:443");
    assert_refused("::1", "give [::1]:443");
}

static void test_a_missing_address_says_that_a_port_alone_is_enough(void **state)
{
    (void)state;
    assert_refused(":443", "give the port alone, 443");
    assert_refused("*:443", "give the port alone, 443");
    assert_refused("", "the address is empty");
}

static void test_a_host_name_is_refused_with_numeric_addresses(void **state)
{
    (void)state;
    assert_refused("localhost:8443", "127.0.0.1:8443 or [::1]:8443");
    assert_refused("example.com:443", "has a name where a numeric address is needed");
    assert_refused("localhost", "is not an address");
}

static void test_broken_numeric_addresses_are_refused(void **state)
{
    (void)state;
    assert_refused("127.0.0.256:443", "four numbers from 0 to 255");
    assert_refused("127.0.1:443", "four numbers from 0 to 255");
    assert_refused("::1:8443", "give [::1]:8443");
    assert_refused("fe80::1", "give [fe80::1]:443");
    assert_refused("a:b:c", "is not an address");
    assert_refused("[::1", "no closing bracket");
    assert_refused("[127.0.0.1]:443", "no IPv6 address in its brackets");
    assert_refused("[::g]:443", "no IPv6 address in its brackets");
    assert_refused("[]:443", "no IPv6 address in its brackets");
    assert_refused("[fe80::1%eth0]:443", "has a zone");
    assert_refused("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:443", "no IPv6 address");
}

static void test_urls_and_paths_are_refused_as_what_they_are(void **state)
{
    (void)state;
    assert_refused("https://127.0.0.1:8443", "is a URL");
    assert_refused("http://[::1]:80", "is a URL");
    assert_refused("/run/x.sock", "unix:/path");
    assert_refused("unix:run/x.sock", "is no absolute path");
    assert_refused("unix:", "is no absolute path");
    assert_refused("unix:@abstract", "is no absolute path");
    assert_refused("unix:/run/", "ends in a slash");
}

static void test_a_unix_path_may_be_107_bytes_long_and_no_longer(void **state)
{
    char text[5 + 108 + 1];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "unix:/", 6);
    text[5 + 107] = '\0';
    assert_formats_as(text, text);
    text[5 + 107] = 'x';
    text[5 + 108] = '\0';
    assert_refused(text, "108 bytes long: a Unix socket's has at most 107");
}

static void test_text_that_is_not_printable_stays_on_one_line(void **state)
{
    (void)state;
    assert_refused("443\n", "443\\x0a");
    assert_refused(" 443", "is not an address");
    assert_refused("localhost\n:443", "\\x0a");
}

static bool equal(const char *first, const char *second)
{
    struct address a;
    struct address b;
    struct problem problem;

    assert_true(address_parse(first, &a, &problem));
    assert_true(address_parse(second, &b, &problem));
    return address_equal(&a, &b);
}

static void test_addresses_are_equal_by_family_address_and_port(void **state)
{
    (void)state;
    assert_true(equal("443", "[::]:443"));
    assert_true(equal("[2001:db8::1]:1", "[2001:0db8:0::1]:1"));
    assert_true(equal("127.0.0.1:1", "127.0.0.1:01"));
    assert_true(equal("unix:/a", "unix:/a"));
    assert_false(equal("443", "0.0.0.0:443"));
    assert_false(equal("443", "444"));
    assert_false(equal("127.0.0.1:1", "127.0.0.2:1"));
    assert_false(equal("127.0.0.1:1", "127.0.0.1:2"));
    assert_false(equal("[::1]:1", "[::2]:1"));
    assert_false(equal("unix:/a", "unix:/ab"));
}

static void test_port_0_takes_a_free_port(void **state)
{
    struct address address;
    struct problem problem;

    (void)state;
    assert_true(address_parse("0", &address, &problem));
    assert_true(address_takes_free_port(&address));
    assert_true(address_parse("127.0.0.1:0", &address, &problem));
    assert_true(address_takes_free_port(&address));
    assert_true(address_parse("127.0.0.1:1", &address, &problem));
    assert_false(address_takes_free_port(&address));
    assert_true(address_parse("unix:/a", &address, &problem));
    assert_false(address_takes_free_port(&address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_is_parsed_and_written_as_it_would_be_given),
        cmocka_unit_test(test_a_parsed_address_has_the_length_that_bind_needs),
        cmocka_unit_test(test_a_bad_port_is_named),
        cmocka_unit_test(test_a_missing_port_is_asked_for),
        cmocka_unit_test(test_a_missing_address_says_that_a_port_alone_is_enough),
        cmocka_unit_test(test_a_host_name_is_refused_with_numeric_addresses),
        cmocka_unit_test(test_broken_numeric_addresses_are_refused),
        cmocka_unit_test(test_urls_and_paths_are_refused_as_what_they_are),
        cmocka_unit_test(test_a_unix_path_may_be_107_bytes_long_and_no_longer),
        cmocka_unit_test(test_text_that_is_not_printable_stays_on_one_line),
        cmocka_unit_test(test_addresses_are_equal_by_family_address_and_port),
        cmocka_unit_test(test_port_0_takes_a_free_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
