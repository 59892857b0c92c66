#include "unit.h"

#include "daemon/http/request.h"

static void assert_target(const char *target, const char *authority, const char *path)
{
    struct request_target read = request_target_read(target);

    assert_string_equal(read.path, path);
    if (authority == NULL) {
        assert_null(read.authority);
    } else {
        assert_int_equal(read.authority_length, strlen(authority));
        assert_memory_equal(read.authority, authority, strlen(authority));
    }
}

static void test_a_target_is_a_path_or_has_an_authority_before_it(void **state)
{
    (void)state;
    assert_target("/a/b", NULL, "/a/b");
    assert_target("http://example.com/a", "example.com", "/a");
    assert_target("HTTPS://example.com:443/", "example.com:443", "/");
    assert_target("http://example.com", "example.com", "");
    assert_target("http:///a", "", "/a");
    assert_target("*", NULL, "*");
    assert_target("", NULL, "");
}

static void test_a_target_has_no_blanks_control_characters_or_other_bytes(void **state)
{
    (void)state;
    assert_true(request_target_is_well_formed("/a?b=c%20|~"));
    assert_false(request_target_is_well_formed("/a b"));
    assert_false(request_target_is_well_formed("/a\x01"));
    assert_false(request_target_is_well_formed("/a\x7f"));
    assert_false(request_target_is_well_formed("/\xc3\xbc"));
}

static void test_methods_and_field_names_are_tokens(void **state)
{
    (void)state;
    assert_true(request_is_token("GET"));
    assert_true(request_is_token("If-None-Match"));
    assert_true(request_is_token("!#$%&'*+-.^_`|~9"));
    assert_false(request_is_token(""));
    assert_false(request_is_token("a b"));
    assert_false(request_is_token("a\x01"));
    assert_false(request_is_token("\"a\""));
    assert_false(request_is_token("a\xff"));
}

static void test_a_value_has_no_control_characters_but_tabs(void **state)
{
    (void)state;
    assert_true(request_value_is_well_formed(""));
    assert_true(request_value_is_well_formed("a \t gr\xc3\xbc\xff"));
    assert_false(request_value_is_well_formed("a\x1b[31m"));
    assert_false(request_value_is_well_formed("a\x7f"));
    assert_false(request_value_is_well_formed("a\rb"));
}

static void test_a_path_names_a_document_only_as_a_whole(void **state)
{
    enum document document = DOCUMENT_COUNT;

    (void)state;
    assert_true(request_names_document("/.well-known/matrix/client", &document));
    assert_int_equal(document, DOCUMENT_CLIENT);
    assert_false(request_names_document("/.well-known/matrix/client/", &document));
    assert_false(request_names_document("/.well-known/matrix/", &document));
    assert_false(request_names_document("/.well-known/matrix", &document));
    assert_false(request_names_document("/x/.well-known/matrix/client", &document));
    assert_false(request_names_document("/.WELL-KNOWN/matrix/client", &document));
}

static bool is_broken(const char *first, const char *first_value, const char *second,
                      const char *second_value)
{
    struct request_framing framing = {0};

    request_framing_add(&framing, first, first_value);
    if (second != NULL) {
        request_framing_add(&framing, second, second_value);
    }
    return framing.broken;
}

static void test_a_body_has_one_length_or_comes_in_chunks(void **state)
{
    (void)state;
    assert_false(is_broken("content-length", "10", "X", "11"));
    assert_false(is_broken("Transfer-Encoding", "Chunked ", NULL, NULL));
    assert_true(is_broken("Content-Length", "10", "Content-Length", "10"));
    assert_true(is_broken("Content-Length", "10", "Transfer-Encoding", "chunked"));
    assert_true(is_broken("Transfer-Encoding", "chunked", "Content-Length", "10"));
    assert_true(is_broken("Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"));
    assert_true(is_broken("Transfer-Encoding", "gzip, chunked", NULL, NULL));
    assert_true(is_broken("Transfer-Encoding", "chunkedx", NULL, NULL));
    assert_true(is_broken("Content-Length", "+1", NULL, NULL));
    assert_true(is_broken("Content-Length", "1, 1", NULL, NULL));
    assert_true(is_broken("Content-Length", "", NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_target_is_a_path_or_has_an_authority_before_it),
        cmocka_unit_test(test_a_target_has_no_blanks_control_characters_or_other_bytes),
        cmocka_unit_test(test_methods_and_field_names_are_tokens),
        cmocka_unit_test(test_a_value_has_no_control_characters_but_tabs),
        cmocka_unit_test(test_a_path_names_a_document_only_as_a_whole),
        cmocka_unit_test(test_a_body_has_one_length_or_comes_in_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
