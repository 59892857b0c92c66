#include "check/options.h"

#include <sys/socket.h>

#include "unit.h"

enum {
    WORD_LIMIT = 32,
};

/* Parses a command line whose words are separated by spaces; cuts `line` up. */
static bool parse(struct options *options, char *line)
{
    char *words[WORD_LIMIT] = {NULL};
    int count = 0;
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    static char *argv[WORD_LIMIT]; /* options point into it */
    memcpy(argv, words, sizeof(argv));
    struct problem problem;
    return options_parse(options, count, argv, &problem);
}

static void test_everything_that_can_be_given_is_read(void **state)
{
    (void)state;
    char line[] = "x --json a.example --dns 192.0.2.1 --dns [::1]:5353 --ca ca.pem --resolve "
                  "a:1.2.3.4 -6 --timeout=5 -q --no-client --color always b.example";
    struct options options;
    assert_true(parse(&options, line));
    assert_true(options.json && options.quiet && !options.check_client);
    assert_int_equal(options.dns_count, 2);
    assert_string_equal(options.dns[1], "[::1]:5353");
    assert_int_equal(options.resolve_count, 1);
    assert_string_equal(options.ca, "ca.pem");
    assert_int_equal(options.family, AF_INET6);
    assert_int_equal(options.timeout, 5);
    assert_int_equal(options.color, COLOR_ALWAYS);
    assert_int_equal(options.name_count, 2);
    assert_string_equal(options.names[1], "b.example");
    options_clear(&options);
}

static void test_defaults(void **state)
{
    (void)state;
    char line[] = "x a.example";
    struct options options;
    assert_true(parse(&options, line));
    assert_true(!options.json && !options.quiet && options.check_client);
    assert_int_equal(options.family, AF_UNSPEC);
    assert_int_equal(options.timeout, 10);
    assert_null(options.ca);
    options_clear(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_that_can_be_given_is_read),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
