#include "matrix/canonical_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static void assert_value_encodes(json_t *value, const char *expected)
{
    struct problem problem = {0};
    size_t length = 0;
    char *text = canonical_json_encode(value, &length, &problem);

    if (!text) {
        fail_msg("was refused: %s", problem.text);
    }
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    free(text);
    json_decref(value);
}

static void assert_encodes(const char *json, const char *expected)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);

    assert_non_null(value);
    assert_value_encodes(value, expected);
}

static void assert_value_refused(json_t *value, const char *part)
{
    struct problem problem = {0};

    assert_null(canonical_json_encode(value, NULL, &problem));
    assert_says(&problem, part);
    json_decref(value);
}

static void assert_refused(const char *json, const char *part)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);

    assert_non_null(value);
    assert_value_refused(value, part);
}

static void test_the_examples_of_the_specification(void **state)
{
    (void)state;
    assert_encodes("{}", "{}");
    assert_encodes("{\n    \"one\": 1,\n    \"two\": \"Two\"\n}", "{\"one\":1,\"two\":\"Two\"}");
    assert_encodes("{\n    \"b\": \"2\",\n    \"a\": \"1\"\n}", "{\"a\":\"1\",\"b\":\"2\"}");
    assert_encodes("{\"b\":\"2\",\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}");
    assert_encodes("{\"auth\": {\"success\": true, \"mxid\": \"@john.doe:example.com\","
                   " \"profile\": {\"display_name\": \"John Doe\", \"three_pids\": ["
                   "{\"medium\": \"email\", \"address\": \"john.doe@example.org\"},"
                   "{\"medium\": \"msisdn\", \"address\": \"123456789\"}]}}}",
                   "{\"auth\":{\"mxid\":\"@john.doe:example.com\",\"profile\":{\"display_name\":"
                   "\"John Doe\",\"three_pids\":[{\"address\":\"john.doe@example.org\","
                   "\"medium\":\"email\"},{\"address\":\"123456789\",\"medium\":\"msisdn\"}]},"
                   "\"success\":true}}");
    assert_encodes("{\"a\": \"日本語\"}", "{\"a\":\"日本語\"}");
    assert_encodes("{\"本\": 2, \"日\": 1}", "{\"日\":1,\"本\":2}");
    assert_encodes("{\"a\": \"\\u65E5\"}", "{\"a\":\"日\"}");
    assert_encodes("{\"a\": null}", "{\"a\":null}");
    assert_encodes("{\"a\": -0, \"b\": 1e10}", "{\"a\":0,\"b\":10000000000}");
}

static void test_scalars_and_empty_containers(void **state)
{
    (void)state;
    assert_encodes("true", "true");
    assert_encodes("false", "false");
    assert_encodes("null", "null");
    assert_encodes("\"\"", "\"\"");
    assert_encodes("[]", "[]");
    assert_encodes("[ [], {}, [ 1, -2 ] ]", "[[],{},[1,-2]]");
    assert_encodes("{\"\": 0}", "{\"\":0}");
}

static void test_keys_are_sorted_by_code_point_and_not_by_utf16_unit(void **state)
{
    (void)state;
    /* In UTF-16, U+1F680 begins with 0xD83D and would come before U+FB33. */
    assert_encodes("{\"\\uD83D\\uDE80\": 3, \"\\uFB33\": 2, \"\\u20AC\": 1}",
                   "{\"\xe2\x82\xac\":1,\"\xef\xac\xb3\":2,\"\xf0\x9f\x9a\x80\":3}");
}

static void test_a_key_comes_before_those_it_begins(void **state)
{
    (void)state;
    assert_encodes("{\"ab\": 4, \"a\\u0001\": 2, \"a\": 1, \"a \": 3, \"B\": 0, \"\": -1}",
                   "{\"\":-1,\"B\":0,\"a\":1,\"a\\u0001\":2,\"a \":3,\"ab\":4}");
}

static void test_a_surrogate_pair_becomes_one_character(void **state)
{
    (void)state;
    assert_encodes("\"\\uD83D\\uDE80\"", "\"\xf0\x9f\x9a\x80\"");
}

static void test_control_characters_have_their_shortest_escapes(void **state)
{
    (void)state;
    assert_encodes("\"\\u0008\\u0009\\u000A\\u000C\\u000D\"", "\"\\b\\t\\n\\f\\r\"");
    assert_encodes("\"\\u0001\\u000B\\u000E\\u001B\\u001F\"",
                   "\"\\u0001\\u000b\\u000e\\u001b\\u001f\"");
    assert_encodes("\"\\u0022\\u005C\\u002F\"", "\"\\\"\\\\/\"");
    assert_encodes("\"\\u007F\\u0080\\u2028\"", "\"\x7f\xc2\x80\xe2\x80\xa8\"");
    assert_encodes("{\"\\n\\u0010\": 1}", "{\"\\n\\u0010\":1}");
}

static void test_a_nul_in_a_string_is_kept(void **state)
{
    (void)state;
    assert_value_encodes(json_stringn("a\0b", 3), "\"a\\u0000b\"");
}

static void test_integers_reach_to_2_to_the_53_minus_1(void **state)
{
    (void)state;
    assert_encodes("9007199254740991", "9007199254740991");
    assert_encodes("-9007199254740991", "-9007199254740991");
    assert_refused("9007199254740992", "the number 9007199254740992 is out of range");
    assert_refused("-9007199254740992", "is out of range");
    assert_refused("{\"a\": [{\"b\": 9223372036854775807}]}", "is out of range");
    assert_refused("[-9223372036854775808]", "is out of range");
}

static void test_fractions_are_refused_and_whole_reals_are_integers(void **state)
{
    (void)state;
    assert_encodes("[-0.0, 1.0, 15e1, 9007199254740991.0]", "[0,1,150,9007199254740991]");
    assert_refused("1.5", "the number 1.5 is a fraction");
    assert_refused("{\"a\": [1, {\"b\": 1e-7}]}", "is a fraction");
    assert_refused("9007199254740992.0", "is out of range");
    assert_refused("-1e308", "is out of range");
}

static void test_nesting_has_an_end(void **state)
{
    json_t *value = json_array();

    (void)state;
    for (int i = 0; i < 5000; i++) {
        json_t *outer = json_array();

        assert_int_equal(json_array_append_new(outer, value), 0);
        value = outer;
    }
    assert_value_refused(value, "nests more than 2048 levels deep");
}

static void test_many_keys_are_sorted(void **state)
{
    json_t *object = json_object();
    struct problem problem = {0};
    json_t *again;
    const char *previous = "";
    const char *key;
    json_t *value;
    char *text;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%d", i * 7919 % 3001);
        assert_int_equal(json_object_set_new(object, name, json_integer(i)), 0);
    }
    text = canonical_json_encode(object, NULL, &problem);
    assert_non_null(text);
    again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_equal(object, again));
    json_object_foreach(again, key, value)
    {
        assert_true(strcmp(previous, key) < 0);
        previous = key;
    }
    json_decref(again);
    json_decref(object);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_the_specification),
        cmocka_unit_test(test_scalars_and_empty_containers),
        cmocka_unit_test(test_keys_are_sorted_by_code_point_and_not_by_utf16_unit),
        cmocka_unit_test(test_a_key_comes_before_those_it_begins),
        cmocka_unit_test(test_a_surrogate_pair_becomes_one_character),
        cmocka_unit_test(test_control_characters_have_their_shortest_escapes),
        cmocka_unit_test(test_a_nul_in_a_string_is_kept),
        cmocka_unit_test(test_integers_reach_to_2_to_the_53_minus_1),
        cmocka_unit_test(test_fractions_are_refused_and_whole_reals_are_integers),
        cmocka_unit_test(test_nesting_has_an_end),
        cmocka_unit_test(test_many_keys_are_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
