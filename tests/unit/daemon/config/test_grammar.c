/* The tokens of configuration files: what each form means, and where it stands. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/grammar.h"
#include "unit.h"

/* Writes the tokens of `text` as `LINE:COLUMN KIND TEXT;` each, or the problem. */
static const char *tokens(const char *text)
{
    static const char kinds[] = "ws.e";
    static char list[1024];
    struct grammar grammar = {0};
    struct problem problem = {.text = ""};
    size_t used = 0;
    bool good = grammar_begin(&grammar, "f", text, strlen(text), &problem);

    list[0] = '\0';
    while (good && (good = grammar_next(&grammar, &problem)) && grammar.token.kind != TOKEN_END) {
        used +=
            (size_t)snprintf(list + used, sizeof(list) - used, "%u:%u %c %s;", grammar.token.line,
                             grammar.token.column, kinds[grammar.token.kind], grammar.token.text);
    }
    if (!good) {
        snprintf(list, sizeof(list), "%s", problem.text);
    }
    grammar_clear(&grammar);
    return list;
}

static void test_every_token_has_its_line_and_column(void **state)
{
    (void)state;
    assert_string_equal(tokens(""), "");
    assert_string_equal(tokens("a = b"), "1:1 w a;1:3 . =;1:5 w b;");
    assert_string_equal(tokens("a={1,\n\t'x'}\r\nb+=c"),
                        "1:1 w a;1:2 . =;1:3 . {;1:4 w 1;1:5 . ,;2:2 s x;2:5 . };"
                        "3:1 w b;3:2 . +=;3:4 w c;");
    assert_string_equal(tokens("/* 1\n 2 */ a \"x\ny\" b"), "2:7 w a;2:9 s x\ny;3:4 w b;");
    assert_string_equal(tokens("\"x\\\ny\"\n z"), "1:1 s xy;3:2 w z;");
    assert_string_equal(tokens("\xef\xbb\xbf a"), "1:5 w a;");
}

static void test_comments_begin_where_a_word_could(void **state)
{
    (void)state;
    assert_string_equal(tokens("a//b # c\n// d\n/* e */f"), "1:1 w a//b;3:8 w f;");
    assert_string_equal(tokens("a#b\nc"), "1:1 w a;2:1 w c;");
    assert_string_equal(tokens("a/*b*/c"), "1:1 w a/;1:4 w b;1:6 w /c;");
    assert_string_equal(tokens("/***/a /**/"), "1:6 w a;");
    assert_string_equal(tokens("'# a' \"// b\""), "1:1 s # a;1:7 s // b;");
}

static void test_signs_that_belong_to_nothing_are_blanks(void **state)
{
    (void)state;
    assert_string_equal(tokens("a + b * c"), "1:1 w a;1:5 w b;1:9 w c;");
    assert_string_equal(tokens("a+b(c)"), "1:1 w a;1:3 w b;1:4 . (;1:5 w c;1:6 . );");
}

static void test_escapes_are_replaced(void **state)
{
    (void)state;
    assert_string_equal(tokens("\"\\n\\r\\b\\f\\a\\e\\t\\v\\\"\\\\\\q\\$\""),
                        "1:1 s \n\r\b\f\a\033\t\v\"\\q$;");
    assert_string_equal(tokens("'\\n\\'\\\\\\q\\\n'"), "1:1 s \\n'\\\\q;");
    assert_string_equal(tokens("\"\\0\""), "f:1: an escape by number in a string: write the "
                                           "character itself, or \\\\ for a backslash");
    assert_string_equal(tokens("'\\0'"), "1:1 s \\0;");
}

static void test_variables_are_replaced_outside_of_single_quotes(void **state)
{
    (void)state;
    setenv("TEST_WORD", "a = \"b\"", 1);
    unsetenv("TEST_UNSET");
    assert_string_equal(tokens("${TEST_WORD}"), "1:1 w a = \"b\";");
    assert_string_equal(tokens("\"<${TEST_WORD}>${TEST_UNSET}\""), "1:1 s <a = \"b\">;");
    assert_string_equal(tokens("'${TEST_WORD}' \"\\${TEST_WORD}\""),
                        "1:1 s ${TEST_WORD};1:16 s ${TEST_WORD};");
    assert_string_equal(tokens("${TEST_UNSET} ${TEST_UNSET:-d:-e} ${TEST_UNSET:d}"),
                        "1:1 w ;1:15 w d:-e;1:35 w ;");
    assert_string_equal(tokens("$ a$ \"$\""), "1:1 w $;1:3 w a$;1:6 s $;");
    assert_string_equal(tokens("\n${A\n}"), "f:2: ${ has no end: write ${VARIABLE}, or \\$ for a "
                                            "dollar sign");
}

/* Writes `count` times `part` between `head` and `tail`; the caller frees it. */
static char *repeated(const char *head, const char *part, size_t count, const char *tail)
{
    char *text = malloc(strlen(head) + strlen(part) * count + strlen(tail) + 1);
    char *end = text;

    assert_non_null(text);
    end = stpcpy(end, head);
    for (size_t i = 0; i < count; i++) {
        end = stpcpy(end, part);
    }
    memcpy(end, tail, strlen(tail) + 1);
    return text;
}

static void test_the_bounds_of_a_token_are_exact(void **state)
{
    static const struct {
        const char *head, *part, *tail;
        size_t count;
        const char *refusal; /* or NULL */
    } cases[] = {
        {"", "a", "", 8192, NULL},
        {"", "a", "", 8193, "f:1: a value of more than 8192 bytes"},
        {"\n'", "a", "'", 8191, "f:2: a value of more than 8192 bytes"},
        {"\"", "${TEST_LONG}", "\"", 512, NULL},
        {"\"", "${TEST_LONG}", "\"", 513, "f:1: a value of more than 65536 bytes"},
    };

    (void)state;
    char *value = repeated("", "v", 128, "");
    setenv("TEST_LONG", value, 1);
    free(value);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = repeated(cases[i].head, cases[i].part, cases[i].count, cases[i].tail);
        struct grammar grammar = {0};
        struct problem problem = {.text = ""};

        assert_true(grammar_begin(&grammar, "f", text, strlen(text), &problem));
        assert_int_equal(grammar_next(&grammar, &problem), !cases[i].refusal);
        if (cases[i].refusal) {
            assert_says(&problem, cases[i].refusal);
        }
        grammar_clear(&grammar);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_token_has_its_line_and_column),
        cmocka_unit_test(test_comments_begin_where_a_word_could),
        cmocka_unit_test(test_signs_that_belong_to_nothing_are_blanks),
        cmocka_unit_test(test_escapes_are_replaced),
        cmocka_unit_test(test_variables_are_replaced_outside_of_single_quotes),
        cmocka_unit_test(test_the_bounds_of_a_token_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
