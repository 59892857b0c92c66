#include "check/findings/keys.h"

#include "base/base64.h"
#include "unit.h"

enum {
    NOW = 1000,
};

/* The vectors of RFC 8032, 7.1: TEST 2. */
static void test_signatures_are_those_of_rfc_8032(void **state)
{
    (void)state;
    unsigned char key[32];
    unsigned char signature[64];
    assert_int_equal(base64_decode("PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw", base64_alphabet,
                                   key, sizeof(key)),
                     32);
    assert_int_equal(base64_decode("kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNh"
                                   "PQ8R2MOHsurrQwKu6wDSkWErsMAA",
                                   base64_alphabet, signature, sizeof(signature)),
                     64);
    assert_true(keys_verify_ed25519(key, signature, "\x72", 1));
    assert_false(keys_verify_ed25519(key, signature, "\x73", 1));
    assert_false(keys_verify_ed25519(key, signature, "\x72\x72", 2));
    signature[63] ^= 0x20;
    assert_false(keys_verify_ed25519(key, signature, "\x72", 1));
}

/* Any point will do: what is looked at here fails before, or at, the signature. */
static const char published_key[] = "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI";

static enum keys_flaw judge(json_t *document, const char *server_name)
{
    struct keys keys;
    keys_check(&keys, document, server_name, NOW);
    enum keys_flaw flaw = keys.flaw;
    keys_clear(&keys);
    json_decref(document);
    return flaw;
}

static void test_what_lacks_is_named_before_signatures_are_looked_at(void **state)
{
    (void)state;
    assert_int_equal(judge(json_object(), "a.example"), KEYS_WRONG_NAME);
    assert_int_equal(judge(json_pack("{s:i}", "server_name", 1), "a.example"), KEYS_WRONG_NAME);
    assert_int_equal(judge(json_pack("{s:s}", "server_name", "A.example"), "a.example"),
                     KEYS_WRONG_NAME);
    assert_int_equal(judge(json_pack("{s:s}", "server_name", "a"), "a"), KEYS_NO_VALIDITY);
    assert_int_equal(judge(json_pack("{s:s,s:f}", "server_name", "a", "valid_until_ts", 1.5), "a"),
                     KEYS_NO_VALIDITY);
    assert_int_equal(judge(json_pack("{s:s,s:i}", "server_name", "a", "valid_until_ts", NOW), "a"),
                     KEYS_EXPIRED);
    assert_int_equal(
        judge(json_pack("{s:s,s:i}", "server_name", "a", "valid_until_ts", NOW + 1), "a"),
        KEYS_NONE);
}

static json_t *with_key(const char *key)
{
    return json_pack("{s:s,s:i,s:{s:{s:s}}}", "server_name", "a", "valid_until_ts", NOW + 1,
                     "verify_keys", "ed25519:1", "key", key);
}

static void test_keys_without_good_signatures_are_refused(void **state)
{
    (void)state;
    json_t *document = with_key(published_key);
    assert_int_equal(judge(json_incref(document), "a"), KEYS_UNSIGNED);
    json_object_set_new(document, "signatures", json_string("none"));
    assert_int_equal(judge(json_incref(document), "a"), KEYS_UNSIGNED);
    json_object_set_new(document, "signatures", json_pack("{s:{s:s}}", "a", "ed25519:1", "Zm9v"));
    assert_int_equal(judge(json_incref(document), "a"), KEYS_FORGED);
    json_object_set_new(document, "x", json_real(1.5));
    assert_int_equal(judge(document, "a"), KEYS_NOT_CANONICAL);
    assert_int_equal(judge(with_key("short"), "a"), KEYS_BROKEN);
    assert_int_equal(judge(with_key(""), "a"), KEYS_BROKEN);
    document = with_key(published_key);
    json_object_set_new(document, "verify_keys", json_pack("{s:{s:s}}", "rsa:1", "key", "x"));
    assert_int_equal(judge(document, "a"), KEYS_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures_are_those_of_rfc_8032),
        cmocka_unit_test(test_what_lacks_is_named_before_signatures_are_looked_at),
        cmocka_unit_test(test_keys_without_good_signatures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
