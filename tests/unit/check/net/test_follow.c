#include "base/array.h"
#include "check/net/follow.h"

#include <stdlib.h>

#include "unit.h"

static const char base[] = "https://example.com/.well-known/matrix/server";

static void assert_resolved(const char *location, const char *expected)
{
    bool other_scheme = true;
    char *url = follow_resolve(base, location, &other_scheme);
    if (!url || strcmp(url, expected) != 0 || other_scheme) {
        fail_msg("%s became %s", location, !url ? "nothing" : url);
    }
    free(url);
}

static void test_redirects_are_absolute_or_relative(void **state)
{
    (void)state;
    assert_resolved("https://www.example.com/a?b=c", "https://www.example.com/a?b=c");
    assert_resolved("/a", "https://example.com/a");
    assert_resolved("a", "https://example.com/.well-known/matrix/a");
    assert_resolved("../a", "https://example.com/.well-known/a");
    assert_resolved("//b.example/c", "https://b.example/c");
    assert_resolved("http://b.example:8080/", "http://b.example:8080/");
    assert_resolved("https://[2001:db8::1]:8448/", "https://[2001:db8::1]:8448/");
    assert_resolved("/a#fragment", "https://example.com/a");
}

static void test_other_schemes_are_noticed(void **state)
{
    (void)state;
    static const char *const others[] = {"file:///etc/passwd", "ftp://b.example/",
                                         "gopher://127.0.0.1:25/_MAIL", "ws://b.example/"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        bool other_scheme = false;
        char *url = follow_resolve(base, others[i], &other_scheme);
        if (!url || !other_scheme) {
            fail_msg("%s was taken for a web address", others[i]);
        }
        free(url);
    }
}

static void test_what_is_no_usable_url_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "https://user@b.example/",       "https://user:password@b.example/",
        "https://b.example:0/",          "https://b.example:65536/",
        "https://b.example:x/",          "https://b example/",
        "https://-_!.example/",          "https://b\xc3\xbc.example/",
        "https://b.example/\x01",        "https://b.example%00.example/",
        "https://b.example\r\nX: y",     "https:///",
        "https://b.example\\@c.example", "https://[::g]/",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        bool other_scheme = false;
        char *url = follow_resolve(base, bad[i], &other_scheme);
        if (url && !other_scheme) {
            fail_msg("%s became %s", bad[i], url);
        }
        free(url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redirects_are_absolute_or_relative),
        cmocka_unit_test(test_other_schemes_are_noticed),
        cmocka_unit_test(test_what_is_no_usable_url_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
