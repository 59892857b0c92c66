#include "matrix/url.h"

#include <stdlib.h>

#include "unit.h"

static void assert_good(const char *text, bool query_allowed)
{
    struct problem problem = {0};

    if (!url_check(text, query_allowed, &problem)) {
        fail_msg("\"%s\" was refused: %s", text, problem.text);
    }
}

static void assert_bad(const char *text, bool query_allowed, const char *part)
{
    struct problem problem = {0};

    if (url_check(text, query_allowed, &problem)) {
        fail_msg("\"%s\" was accepted", text);
    }
    assert_says(&problem, part);
}

static void assert_always_bad(const char *text, const char *part)
{
    assert_bad(text, false, part);
    assert_bad(text, true, part);
}

static void test_urls_of_homeservers_are_good(void **state)
{
    (void)state;
    assert_good("https://matrix.example.com", false);
    assert_good("https://matrix.example.com/", false);
    assert_good("http://localhost:8008", false);
    assert_good("HTTPS://Matrix.Example.Com:443/a/b", false);
    assert_good("https://1.2.3.4:65535/_matrix", false);
    assert_good("https://[2001:db8::1]:8448/", false);
    assert_good("https://example.com/~user/a;b=c,d(e)!*'$&+:@/%7B%20%2f", false);
}

static void test_a_scheme_is_required_and_is_https_or_http(void **state)
{
    (void)state;
    assert_always_bad("", "the URL is empty");
    assert_always_bad("matrix.example.com", "has no scheme: a URL begins with https://");
    assert_always_bad("matrix.example.com:443", "has no scheme");
    assert_always_bad("//matrix.example.com", "has no scheme");
    assert_always_bad("/path", "has no scheme");
    assert_always_bad("https:matrix.example.com", "lacks the two slashes");
    assert_always_bad("https:/matrix.example.com", "lacks the two slashes");
    assert_always_bad("ftp://example.com", "scheme other than https and http");
    assert_always_bad("httpss://example.com", "scheme other than https and http");
    assert_always_bad("://example.com", "scheme other than https and http");
    assert_always_bad(" https://example.com", "\" https://example.com\" has a scheme other");
    assert_always_bad("javascript:alert(1)", "has no scheme");
}

static void test_the_host_follows_the_server_name_grammar(void **state)
{
    (void)state;
    assert_always_bad("https://", "has no host");
    assert_always_bad("https:///path", "has no host");
    assert_always_bad("https://?q", "has no host");
    assert_always_bad("https://exa_mple.com/x",
                      "\"https://exa_mple.com/x\" has a bad host: \"exa_mple.com\" contains an "
                      "underscore");
    assert_always_bad("https://m\xc3\xa4trix.example", "xn--");
    assert_always_bad("https://a..example", "has an empty label");
    assert_always_bad("https://exam ple.com", "contains white space");
    assert_always_bad("https://example.com\r\nX-Evil: 1", "contains white space");
    assert_always_bad("https://example%2ecom", "contains \"%\"");
    assert_always_bad("https://300.1.2.3", "is no IPv4 address");
    assert_always_bad("https://2001:db8::1/", "without brackets");
    assert_always_bad("https://[::1%25eth0]/", "has an IPv6 zone");
    assert_always_bad("https://example.com\\@evil.example", "has a user part");
    assert_always_bad("https://https://example.com", "ends with a colon");
}

static void test_the_port_is_one_of_tcp(void **state)
{
    (void)state;
    assert_good("https://example.com:1", false);
    assert_always_bad("https://example.com:0", "has port 0: a port is a number from 1 to 65535");
    assert_always_bad("https://example.com:65536/", "has port 65536");
    assert_always_bad("https://example.com:100000/", "has port 100000");
    assert_always_bad("https://example.com:/", "ends with a colon");
    assert_always_bad("https://example.com:https", "is no number");
}

static void test_a_user_part_is_refused(void **state)
{
    (void)state;
    assert_always_bad("https://user@example.com", "has a user part");
    assert_always_bad("https://user:secret@example.com/", "has a user part");
    assert_always_bad("https://@example.com/", "has a user part");
}

static void test_a_query_is_good_only_where_it_is_allowed(void **state)
{
    (void)state;
    assert_good("https://example.com/?a=b&c[]=d?/", true);
    assert_good("https://example.com?a", true);
    assert_bad("https://example.com/?a=b", false, "has a query: remove the ? and what follows");
    assert_bad("https://example.com?", false, "has a query");
}

static void test_a_fragment_is_refused(void **state)
{
    (void)state;
    assert_always_bad("https://example.com/#top", "has a fragment: remove the # and what follows");
    assert_always_bad("https://example.com#", "has a fragment");
    assert_bad("https://example.com/?q#f", true, "has a fragment");
}

static void test_characters_that_no_url_has_are_refused(void **state)
{
    static const char refused[] = " \"<>\\^`{|}";

    (void)state;
    for (const char *c = refused; *c != '\0'; c++) {
        char text[] = "https://example.com/a?b";

        text[20] = *c;
        assert_bad(text, true, ": write it as %");
        text[20] = 'a';
        text[22] = *c;
        assert_bad(text, true, ": write it as %");
    }
    assert_always_bad("https://example.com/a b", "contains \" \": write it as %20");
    assert_always_bad("https://example.com/\n", "\\x0a\" contains a control character");
    assert_always_bad("https://example.com/\r\nSet-Cookie: x", "contains a control character");
    assert_always_bad("https://example.com/\x7f", "contains a control character");
    assert_always_bad("https://example.com/\xc3\xa4", "contains a character that is not ASCII");
}

static void test_escapes_are_whole(void **state)
{
    (void)state;
    assert_good("https://example.com/%00%fF", false);
    assert_always_bad("https://example.com/%", "has a % without two hexadecimal digits after it");
    assert_always_bad("https://example.com/%2", "has a %");
    assert_always_bad("https://example.com/%2g", "has a %");
    assert_always_bad("https://example.com/%%20", "has a %");
}

static void test_a_long_url_gives_a_short_message(void **state)
{
    size_t size = 1000000;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', size - 1);
    text[size - 1] = '\0';
    memcpy(text, "https://", 8);
    assert_always_bad(text, "has a host name of 999991 characters");
    memcpy(text, "https://example.com/", 20);
    assert_good(text, false);
    text[size - 2] = '#';
    assert_always_bad(text, "has a fragment");
    free(text);
}

static void test_https_is_told_from_http(void **state)
{
    (void)state;
    assert_true(url_is_https("https://example.com"));
    assert_true(url_is_https("HTTPS://example.com"));
    assert_false(url_is_https("http://example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls_of_homeservers_are_good),
        cmocka_unit_test(test_a_scheme_is_required_and_is_https_or_http),
        cmocka_unit_test(test_the_host_follows_the_server_name_grammar),
        cmocka_unit_test(test_the_port_is_one_of_tcp),
        cmocka_unit_test(test_a_user_part_is_refused),
        cmocka_unit_test(test_a_query_is_good_only_where_it_is_allowed),
        cmocka_unit_test(test_a_fragment_is_refused),
        cmocka_unit_test(test_characters_that_no_url_has_are_refused),
        cmocka_unit_test(test_escapes_are_whole),
        cmocka_unit_test(test_a_long_url_gives_a_short_message),
        cmocka_unit_test(test_https_is_told_from_http),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
