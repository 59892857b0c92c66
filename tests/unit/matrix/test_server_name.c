#include "matrix/server_name.h"

#include <stdlib.h>

#include "unit.h"

typedef bool parse_function(const char *text, struct server_name *name, struct problem *problem);

static void assert_parses(parse_function *parse, const char *text, enum server_name_kind kind,
                          const char *host, int port)
{
    struct server_name name;
    struct problem problem = {0};

    if (!parse(text, &name, &problem)) {
        fail_msg("\"%s\" was refused: %s", text, problem.text);
    }
    assert_int_equal(name.kind, kind);
    assert_int_equal(name.host_length, strlen(host));
    assert_memory_equal(name.host, host, name.host_length);
    assert_true(name.host >= text && name.host <= text + strlen(text));
    assert_int_equal(name.port, port);
}

static void assert_refused(parse_function *parse, const char *text, const char *part)
{
    static const struct server_name untouched = {.kind = SERVER_NAME_IPV6, .port = 42};
    struct server_name name = untouched;
    struct problem problem = {0};

    if (parse(text, &name, &problem)) {
        fail_msg("\"%s\" was accepted", text);
    }
    assert_says(&problem, part);
    assert_memory_equal(&name, &untouched, sizeof(name));
}

/* A text refused by every parser for the same reason. */
static void assert_no_name(const char *text, const char *part)
{
    assert_refused(server_name_parse, text, part);
    assert_refused(server_name_parse_target, text, part);
    assert_refused(server_name_parse_host, text, part);
}

static char *repeat(const char *part, size_t count)
{
    size_t length = strlen(part);
    char *text = malloc(length * count + 1);

    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * length, part, length);
    }
    text[length * count] = '\0';
    return text;
}

static void test_the_examples_of_the_specification_parse(void **state)
{
    (void)state;
    assert_parses(server_name_parse, "matrix.org", SERVER_NAME_DNS, "matrix.org", -1);
    assert_parses(server_name_parse, "matrix.org:8888", SERVER_NAME_DNS, "matrix.org", 8888);
    assert_parses(server_name_parse, "1.2.3.4", SERVER_NAME_IPV4, "1.2.3.4", -1);
    assert_parses(server_name_parse, "1.2.3.4:1234", SERVER_NAME_IPV4, "1.2.3.4", 1234);
    assert_parses(server_name_parse, "[1234:5678::abcd]", SERVER_NAME_IPV6, "1234:5678::abcd", -1);
    assert_parses(server_name_parse, "[1234:5678::abcd]:5678", SERVER_NAME_IPV6, "1234:5678::abcd",
                  5678);
}

static void test_unusual_names_that_the_grammar_allows_parse(void **state)
{
    (void)state;
    assert_parses(server_name_parse, "localhost", SERVER_NAME_DNS, "localhost", -1);
    assert_parses(server_name_parse, "a", SERVER_NAME_DNS, "a", -1);
    assert_parses(server_name_parse, "MATRIX.Example.COM", SERVER_NAME_DNS, "MATRIX.Example.COM",
                  -1);
    assert_parses(server_name_parse, "3com.example", SERVER_NAME_DNS, "3com.example", -1);
    assert_parses(server_name_parse, "1.2.3.a", SERVER_NAME_DNS, "1.2.3.a", -1);
    assert_parses(server_name_parse, "a--b.example", SERVER_NAME_DNS, "a--b.example", -1);
    assert_parses(server_name_parse, "xn--mtrix-gra.example", SERVER_NAME_DNS,
                  "xn--mtrix-gra.example", -1);
    assert_parses(server_name_parse, "https:443", SERVER_NAME_DNS, "https", 443);
    assert_parses(server_name_parse, "[::]", SERVER_NAME_IPV6, "::", -1);
    assert_parses(server_name_parse, "[::ffff:1.2.3.4]:1", SERVER_NAME_IPV6, "::ffff:1.2.3.4", 1);
    assert_parses(server_name_parse, "0.0.0.0", SERVER_NAME_IPV4, "0.0.0.0", -1);
    assert_parses(server_name_parse, "255.255.255.255", SERVER_NAME_IPV4, "255.255.255.255", -1);
}

static void test_a_url_is_named_as_one(void **state)
{
    struct server_name name;
    struct problem problem = {0};

    (void)state;
    assert_false(server_name_parse_target("https://matrix.example.com", &name, &problem));
    assert_string_equal(problem.text,
                        "\"https://matrix.example.com\" is a URL: m.server takes a host name with "
                        "an optional port, for example \"matrix.example.com:443\"");
    assert_false(server_name_parse("https://matrix.example.com/", &name, &problem));
    assert_string_equal(problem.text,
                        "\"https://matrix.example.com/\" is a URL: a server name is a host name "
                        "with an optional port, for example \"matrix.example.com:8448\"");
    assert_no_name("HTTP://example.com:8448/path?q#f", "is a URL");
    assert_no_name("matrix://example.com", "is a URL");
    assert_no_name("//example.com", "is a URL");
    assert_no_name("https:example.com", "is a URL");
    assert_no_name("http:example.com", "is a URL");
    assert_no_name("https://m\xc3\xa4trix.example.com", "is a URL");
}

static void test_a_path_and_a_trailing_slash_are_named(void **state)
{
    (void)state;
    assert_no_name("matrix.example.com/", "ends with a slash");
    assert_no_name("matrix.example.com:8448/", "ends with a slash");
    assert_no_name("matrix.example.com/_matrix", "has a path");
    assert_no_name("/etc/passwd", "has a path");
    assert_no_name("[::1]/x", "has a path");
}

static void test_a_user_part_is_named(void **state)
{
    (void)state;
    assert_no_name("@user:example.com", "is a user identifier");
    assert_no_name("user@example.com", "has a user part");
    assert_no_name("user:secret@example.com:443", "has a user part");
}

static void test_white_space_and_control_characters_are_named(void **state)
{
    (void)state;
    assert_no_name("", "the value is empty");
    assert_no_name(" ", "contains white space");
    assert_no_name("example.com ", "contains white space");
    assert_no_name("example.com\n", "\"example.com\\x0a\" contains white space");
    assert_no_name("exam\tple.com", "contains white space");
    assert_no_name("example\x1b[31m.com", "contains a control character");
    assert_no_name("example\x7f.com", "contains a control character");
}

static void test_a_port_follows_the_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        parse_function *parse = i == 0 ? server_name_parse : server_name_parse_target;

        assert_parses(parse, "a.example:1", SERVER_NAME_DNS, "a.example", 1);
        assert_parses(parse, "a.example:65535", SERVER_NAME_DNS, "a.example", 65535);
        assert_parses(parse, "a.example:00443", SERVER_NAME_DNS, "a.example", 443);
        assert_refused(parse, "a.example:", "ends with a colon");
        assert_refused(parse, "[::1]:", "ends with a colon");
        assert_refused(parse, "a.example:https", "has port \"https\", which is no number");
        assert_refused(parse, "a.example:-1", "which is no number");
        assert_refused(parse, "a.example:+443", "which is no number");
        assert_refused(parse, "a.example:80x", "which is no number");
        assert_refused(parse, "a.example:100000", "has port 100000: a port is a number from 1 to");
        assert_refused(parse, "a.example:000443", "has port 000443");
        assert_refused(parse, "[::1]:100000", "has port 100000");
        assert_refused(parse, ":443", "has no host name before the colon");
        assert_refused(parse, ":", "has no host name before the colon");
    }
}

static void test_a_targets_port_can_be_connected_to(void **state)
{
    (void)state;
    assert_parses(server_name_parse, "a.example:0", SERVER_NAME_DNS, "a.example", 0);
    assert_parses(server_name_parse, "a.example:65536", SERVER_NAME_DNS, "a.example", 65536);
    assert_parses(server_name_parse, "a.example:99999", SERVER_NAME_DNS, "a.example", 99999);
    assert_refused(server_name_parse_target, "a.example:0", "has port 0: a port is a number from");
    assert_refused(server_name_parse_target, "a.example:00000", "has port 00000");
    assert_refused(server_name_parse_target, "a.example:65536", "has port 65536");
    assert_refused(server_name_parse_target, "1.2.3.4:99999", "has port 99999");
    assert_refused(server_name_parse_target, "[::1]:0", "has port 0");
}

static void test_a_host_alone_has_no_port(void **state)
{
    (void)state;
    assert_parses(server_name_parse_host, "example.com", SERVER_NAME_DNS, "example.com", -1);
    assert_parses(server_name_parse_host, "1.2.3.4", SERVER_NAME_IPV4, "1.2.3.4", -1);
    assert_parses(server_name_parse_host, "[::1]", SERVER_NAME_IPV6, "::1", -1);
    assert_refused(server_name_parse_host, "example.com:443",
                   "has a port: a domain is a host name without a port");
    assert_refused(server_name_parse_host, "example.com:", "has a port");
    assert_refused(server_name_parse_host, "[::1]:443", "has a port");
}

static void test_labels_follow_rfc_1123(void **state)
{
    char *label = repeat("a", 64);

    (void)state;
    assert_no_name(label, "has a label of 64 characters: each part between dots has at most 63");
    label[63] = '\0';
    assert_parses(server_name_parse, label, SERVER_NAME_DNS, label, -1);
    free(label);
    assert_no_name("a..example", "has an empty label");
    assert_no_name(".example", "has an empty label");
    assert_no_name("a.example..", "has an empty label");
    assert_no_name("a.example.", "ends its host name with a dot: remove the dot");
    assert_refused(server_name_parse_target, "a.example.:443", "ends its host name with a dot");
    assert_no_name("-a.example", "begins or ends with a hyphen");
    assert_no_name("a-.example", "begins or ends with a hyphen");
    assert_no_name("a.-", "begins or ends with a hyphen");
    assert_no_name("matrix_1.example", "contains an underscore");
    assert_no_name("*.example", "contains \"*\"");
    assert_no_name("a.example?x", "contains \"?\"");
    assert_no_name("a\\b", "contains \"\\\"");
    assert_no_name("m\xc3\xa4trix.example", "\"m\xc3\xa4trix.example\" contains a character that "
                                            "is not ASCII: write an international name");
    assert_no_name("m\xe4trix.example", "\"xn--\"");
}

static void test_a_name_has_at_most_255_characters(void **state)
{
    char *name = repeat("abcdefg.", 32);

    (void)state;
    name[255] = '\0';
    assert_parses(server_name_parse, name, SERVER_NAME_DNS, name, -1);
    name[255] = 'h';
    assert_no_name(name, "has a host name of 256 characters: the limit is 255");
    free(name);
    name = repeat("a.", 500000);
    assert_no_name(name, "....a.a.a.a.a.a.a.a.a.a.a.a.\" has a host name of 1000000 characters");
    free(name);
}

static void test_digits_and_dots_are_an_ipv4_address_or_nothing(void **state)
{
    (void)state;
    assert_no_name("300.1.2.3", "is no IPv4 address");
    assert_no_name("1.2.3", "is no IPv4 address");
    assert_no_name("1.2.3.4.5", "is no IPv4 address");
    assert_no_name("1.2.3.4.", "is no IPv4 address");
    assert_no_name("01.2.3.4", "without leading zeros");
    assert_no_name("8448", "is no IPv4 address");
    assert_no_name(".", "is no IPv4 address");
    assert_no_name("1111111111111111111111111.2", "is no IPv4 address");
    assert_refused(server_name_parse_target, "1.2.3:443", "is no IPv4 address");
}

static void test_an_ipv6_address_is_valid_and_in_brackets(void **state)
{
    (void)state;
    assert_no_name("2001:db8::1", "is an IPv6 address without brackets: write \"[2001:db8::1]\"");
    assert_no_name("::1", "write \"[::1]\"");
    assert_no_name("fe80::1%eth0", "has more than one colon");
    assert_no_name("example.com:443:443", "has more than one colon");
    assert_no_name("[::1", "has no closing bracket");
    assert_no_name("[", "has no closing bracket");
    assert_no_name("[]", "is no IPv6 address");
    assert_no_name("[:::]", "is no IPv6 address");
    assert_no_name("[1:2:3:4:5:6:7:8:9]", "is no IPv6 address");
    assert_no_name("[12345::]", "is no IPv6 address");
    assert_no_name("[g::]", "is no IPv6 address");
    assert_no_name("[1.2.3.4]", "is no IPv6 address");
    assert_no_name("[example.com]:443", "is no IPv6 address");
    assert_no_name("[fe80::1%eth0]", "has an IPv6 zone");
    assert_no_name("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", "too long");
    assert_no_name("[::1]443", "goes on after the bracket");
    assert_no_name("[::1]]", "goes on after the bracket");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_the_specification_parse),
        cmocka_unit_test(test_unusual_names_that_the_grammar_allows_parse),
        cmocka_unit_test(test_a_url_is_named_as_one),
        cmocka_unit_test(test_a_path_and_a_trailing_slash_are_named),
        cmocka_unit_test(test_a_user_part_is_named),
        cmocka_unit_test(test_white_space_and_control_characters_are_named),
        cmocka_unit_test(test_a_port_follows_the_grammar),
        cmocka_unit_test(test_a_targets_port_can_be_connected_to),
        cmocka_unit_test(test_a_host_alone_has_no_port),
        cmocka_unit_test(test_labels_follow_rfc_1123),
        cmocka_unit_test(test_a_name_has_at_most_255_characters),
        cmocka_unit_test(test_digits_and_dots_are_an_ipv4_address_or_nothing),
        cmocka_unit_test(test_an_ipv6_address_is_valid_and_in_brackets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
