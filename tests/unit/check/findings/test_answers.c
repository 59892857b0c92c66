#include "check/findings/answers.h"

#include <stdlib.h>

#include "unit.h"

static json_t *parse(const char *body)
{
    char *error = NULL;
    json_t *document = answer_parse(body, strlen(body), &error);
    if (!document) {
        fail_msg("%s was refused: %s", body, error);
    }
    return document;
}

static void assert_refused(const char *body, size_t length, const char *part)
{
    char *error = NULL;
    json_t *document = answer_parse(body, length, &error);
    if (document || !strstr(error, part)) {
        fail_msg("%s: %s", body, document ? "was accepted" : error);
    }
    free(error);
}

static void test_only_json_objects_are_taken(void **state)
{
    (void)state;
    assert_refused("", 0, "it is empty");
    assert_refused("[]", 2, "not a JSON object");
    assert_refused("\"{}\"", 4, "");
    assert_refused("<html>", 6, "line 1");
    assert_refused("{} {}", 5, "");
    assert_refused("{\"a\":1,\"a\":2}", 13, "duplicate");
    assert_refused("{\"a\":\"\xff\"}", 9, "unable to decode byte 0xff");
    assert_refused("\xef\xbb\xbf{}", 5, "");
    assert_refused("{}\0", 3, "");
}

static void test_deep_nesting_is_refused_before_it_is_parsed(void **state)
{
    (void)state;
    char body[50000];
    memset(body, '[', sizeof(body));
    assert_refused(body, sizeof(body), "deeper than 32");
    json_t *document = parse("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"}");
    json_decref(document);
}

static void assert_m_server(const char *body, const char *expected)
{
    json_t *document = parse(body);
    char *value = answer_m_server(document);
    if (!expected) {
        assert_null(value);
    } else {
        assert_string_equal(value, expected);
    }
    free(value);
    json_decref(document);
}

static void test_m_server_is_a_string(void **state)
{
    (void)state;
    assert_m_server("{\"m.server\":\"a.example:443\",\"x\":1}", "a.example:443");
    assert_m_server("{\"m.server\":\"\"}", "");
    assert_m_server("{}", NULL);
    assert_m_server("{\"m.server\":null}", NULL);
    assert_m_server("{\"m.server\":[\"a\"]}", NULL);
    assert_m_server("{\"m.server\":\"a.example\\u0000b\"}", NULL);
}

static void test_versions_are_printable(void **state)
{
    (void)state;
    char *name = NULL;
    char *version = NULL;
    json_t *document = parse("{\"server\":{\"name\":\"a\\u001b[2J\",\"version\":1}}");
    assert_true(answer_version(document, &name, &version));
    assert_string_equal(name, "a\\x1B[2J");
    assert_null(version);
    free(name);
    json_decref(document);
    document = parse("{\"server\":\"Dendrite\"}");
    assert_false(answer_version(document, &name, &version));
    json_decref(document);
}

static void assert_support(const char *body, const char *flaw)
{
    json_t *document = parse(body);
    char *found = answer_support_flaw(document);
    bool as_expected = flaw ? found && strstr(found, flaw) : !found;
    if (!as_expected) {
        fail_msg("%s: %s", body, found ? found : "was accepted");
    }
    free(found);
    json_decref(document);
}

static void test_support_documents_are_judged(void **state)
{
    (void)state;
    assert_support("{\"support_page\":\"https://a.example/?q\"}", NULL);
    assert_support("{\"contacts\":[{\"role\":\"m.role.admin\",\"matrix_id\":\"@a:b.example\"}]}",
                   NULL);
    assert_support("{\"contacts\":[],\"support_page\":\"https://a.example\"}", NULL);
    assert_support("{}", "neither");
    assert_support("{\"contacts\":{}}", "no array");
    assert_support("{\"contacts\":[]}", "empty");
    assert_support("{\"contacts\":[1]}", "no object");
    assert_support("{\"contacts\":[{\"matrix_id\":\"@a:b.example\"}]}", "no role");
    assert_support("{\"contacts\":[{\"role\":\"m.role.admin\"}]}", "contacts[0]");
    assert_support("{\"support_page\":\"javascript:alert(1)\"}", "no URL");
    assert_support("{\"support_page\":\"https://a.example\\u0000\"}", "no URL");
}

static void test_max_age_is_read_as_homeservers_do(void **state)
{
    (void)state;
    assert_int_equal(answer_max_age(NULL), -1);
    assert_int_equal(answer_max_age(""), -1);
    assert_int_equal(answer_max_age("public"), -1);
    assert_int_equal(answer_max_age("public, MAX-AGE=3600"), 3600);
    assert_int_equal(answer_max_age("max-age=\"60\",public"), 60);
    assert_int_equal(answer_max_age("s-maxage=1, max-age=2, max-age=3"), 2);
    assert_int_equal(answer_max_age("max-age=5, no-store"), 0);
    assert_int_equal(answer_max_age("no-cache"), 0);
    assert_int_equal(answer_max_age("max-age="), -1);
    assert_int_equal(answer_max_age("max-age=-5"), -1);
    assert_int_equal(answer_max_age("max-age=99999999999999999999999"), 2147483647);
    assert_int_equal(answer_max_age(",,, ,max-age=7"), 7);
}

static void test_the_content_type_may_have_parameters(void **state)
{
    (void)state;
    assert_true(answer_is_json_type("application/json"));
    assert_true(answer_is_json_type("Application/JSON; charset=utf-8"));
    assert_false(answer_is_json_type(NULL));
    assert_false(answer_is_json_type("application/jsonp"));
    assert_false(answer_is_json_type("text/plain"));
}

static void test_lists_of_versions_are_bounded(void **state)
{
    (void)state;
    json_t *document = json_pack("{s:[]}", "versions");
    for (int i = 0; i < 1000; i++) {
        json_array_append_new(json_object_get(document, "versions"), json_string("v1.1"));
    }
    json_t *versions = answer_versions(document);
    assert_int_equal(json_array_size(versions), 64);
    json_decref(versions);
    json_decref(document);
    document = parse("{\"versions\":{}}");
    assert_null(answer_versions(document));
    json_decref(document);
    assert_null(answer_versions(NULL));
}

static void assert_refusal(long status, const char *body, bool refusal)
{
    char *error = NULL;
    json_t *document = answer_parse(body, strlen(body), &error);
    assert_int_equal(answer_is_refusal(status, document), refusal);
    json_decref(document);
    free(error);
}

static void test_a_homeservers_refusal_is_told_from_other_errors(void **state)
{
    (void)state;
    static const char unauthorized[] = "{\"errcode\":\"M_UNAUTHORIZED\"}";
    assert_refusal(401, unauthorized, true);
    assert_refusal(403, unauthorized, true);
    assert_refusal(404, "{\"errcode\":\"M_UNRECOGNIZED\"}", false);
    assert_refusal(200, unauthorized, false);
    assert_refusal(401, "{\"errcode\":1}", false);
    assert_refusal(401, "{}", false);
    assert_refusal(401, "<h1>Unauthorized", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_json_objects_are_taken),
        cmocka_unit_test(test_deep_nesting_is_refused_before_it_is_parsed),
        cmocka_unit_test(test_m_server_is_a_string),
        cmocka_unit_test(test_versions_are_printable),
        cmocka_unit_test(test_support_documents_are_judged),
        cmocka_unit_test(test_max_age_is_read_as_homeservers_do),
        cmocka_unit_test(test_the_content_type_may_have_parameters),
        cmocka_unit_test(test_lists_of_versions_are_bounded),
        cmocka_unit_test(test_a_homeservers_refusal_is_told_from_other_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
