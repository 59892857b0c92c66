#include "unit.h"

#include <stdlib.h>

#include "daemon/acme/names.h"

static void assert_name(const char *text, const char *expected)
{
    char name[ACME_NAME_SIZE];
    bool good = acme_name_normalize(text, name);

    if (expected == NULL) {
        assert_false(good);
    } else {
        assert_true(good);
        assert_string_equal(name, expected);
    }
}

static void test_names_are_filed_in_lower_case_without_a_trailing_dot(void **state)
{
    (void)state;
    assert_name("example.com", "example.com");
    assert_name("EXAMPLE.Com.", "example.com");
    assert_name("xn--4-bba.example", "xn--4-bba.example");
    assert_name("a", "a");
    assert_name("1.2.example", "1.2.example");
}

static void test_what_could_lead_elsewhere_is_no_name(void **state)
{
    (void)state;
    assert_name("", NULL);
    assert_name(".", NULL);
    assert_name("..", NULL);
    assert_name(".example.com", NULL);
    assert_name("example..com", NULL);
    assert_name("example.com..", NULL);
    assert_name("../example.com", NULL);
    assert_name("a/b", NULL);
    assert_name("/etc/passwd", NULL);
    assert_name("a\\b", NULL);
    assert_name("a_b", NULL);
    assert_name("*.example.com", NULL);
    assert_name("a b", NULL);
    assert_name("a\n", NULL);
    assert_name("a%2f", NULL);
    assert_name("\xc3\xa9.example", NULL);
}

static void test_a_name_has_253_bytes_at_most(void **state)
{
    char text[301];

    (void)state;
    memset(text, 'a', 300);
    text[300] = '\0';
    assert_name(text, NULL);
    text[254] = '\0';
    assert_name(text, NULL);
    text[253] = '.';
    assert_name(text, strndupa(text, 253));
    text[253] = '\0';
    assert_name(text, text);
}

static void test_a_token_is_base64url_without_padding(void **state)
{
    char text[257];

    (void)state;
    assert_true(acme_is_token("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"));
    assert_true(acme_is_token("-_"));
    assert_false(acme_is_token(""));
    assert_false(acme_is_token("."));
    assert_false(acme_is_token("a.b"));
    assert_false(acme_is_token("a/b"));
    assert_false(acme_is_token("a="));
    assert_false(acme_is_token("a+b"));
    assert_false(acme_is_token("a%41"));
    assert_false(acme_is_token("a "));
    memset(text, 'a', 256);
    text[256] = '\0';
    assert_false(acme_is_token(text));
    text[255] = '\0';
    assert_true(acme_is_token(text));
}

static void assert_digest(const char *text, const unsigned char *expected)
{
    unsigned char digest[ACME_DIGEST_SIZE];
    struct problem problem;

    assert_true(acme_key_authorization_digest(text, digest, &problem));
    assert_memory_equal(digest, expected, sizeof(digest));
}

static void test_a_key_authorization_is_hashed_and_a_digest_decoded(void **state)
{
    /* printf a.b | sha256sum */
    static const unsigned char expected[ACME_DIGEST_SIZE] = {
        0x2e, 0x73, 0x36, 0xdc, 0x8e, 0xba, 0x87, 0xef, 0x47, 0x2d, 0xf5,
        0x68, 0xc3, 0x54, 0x82, 0xab, 0xf2, 0x57, 0x5d, 0xc3, 0xe5, 0xea,
        0xc0, 0xc5, 0xc6, 0x2b, 0x8f, 0xfa, 0xea, 0xc2, 0xc9, 0x34};
    static const unsigned char zeros[ACME_DIGEST_SIZE] = {0};

    (void)state;
    assert_digest("a.b", expected);
    assert_digest("LnM23I66h-9HLfVow1SCq_JXXcPl6sDFxiuP-urCyTQ", expected);
    assert_digest("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", zeros);
}

static void assert_no_key_authorization(const char *text)
{
    unsigned char digest[ACME_DIGEST_SIZE];
    struct problem problem;

    assert_false(acme_key_authorization_digest(text, digest, &problem));
    assert_says(&problem, "TOKEN.THUMBPRINT");
}

static void test_anything_else_is_no_key_authorization(void **state)
{
    (void)state;
    assert_no_key_authorization("");
    assert_no_key_authorization(".");
    assert_no_key_authorization("a");
    assert_no_key_authorization("a.");
    assert_no_key_authorization(".b");
    assert_no_key_authorization("a.b.c");
    assert_no_key_authorization("a.b ");
    assert_no_key_authorization("a+b.c");
    /* A character too few, too many, and bits set that belong to no byte. */
    assert_no_key_authorization("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_no_key_authorization("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_no_key_authorization("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_filed_in_lower_case_without_a_trailing_dot),
        cmocka_unit_test(test_what_could_lead_elsewhere_is_no_name),
        cmocka_unit_test(test_a_name_has_253_bytes_at_most),
        cmocka_unit_test(test_a_token_is_base64url_without_padding),
        cmocka_unit_test(test_a_key_authorization_is_hashed_and_a_digest_decoded),
        cmocka_unit_test(test_anything_else_is_no_key_authorization),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
