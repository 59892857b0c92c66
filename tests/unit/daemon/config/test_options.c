/* The command line and the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config/options.h"

#define ARGUMENTS(...) ((const char *[]){"matrix-wellknownd", __VA_ARGS__, NULL})
#define NO_ARGUMENTS ((const char *[]){"matrix-wellknownd", NULL})
#define ENVIRONMENT(...) ((const char *[]){__VA_ARGS__, NULL})
#define NO_ENVIRONMENT ((const char *[]){NULL})

enum {
    ARGUMENT_LIMIT = 64
};

/* options_parse may reorder argv: give it a copy. */
static bool parse(struct options *options, const char **arguments, const char **environment,
                  struct problem *problem)
{
    char *argv[ARGUMENT_LIMIT];
    int argc = 0;

    while (arguments[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)arguments[argc];
        argc++;
    }
    argv[argc] = NULL;
    return options_parse(options, argc, argv, (char **)(uintptr_t)environment, problem);
}

static struct options parse_good(const char **arguments, const char **environment)
{
    struct options options;
    struct problem problem = {.text = ""};

    if (!parse(&options, arguments, environment, &problem)) {
        fail_msg("refused: %s", problem.text);
    }
    return options;
}

static void assert_refused(const char **arguments, const char **environment, const char *expected)
{
    struct options options;
    struct problem problem = {.text = ""};
    bool accepted = parse(&options, arguments, environment, &problem);

    options_clear(&options);
    if (accepted) {
        fail_msg("accepted, though it should say \"%s\"", expected);
    }
    if (strstr(problem.text, expected) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", problem.text, expected);
    }
    assert_int_equal(problem.status, PROBLEM_USAGE);
    assert_non_null(strstr(problem.text, ": "));
    assert_null(strchr(problem.text, '\n'));
}

static void test_nothing_given_means_run_with_everything_unset(void **state)
{
    struct options options = parse_good(NO_ARGUMENTS, NO_ENVIRONMENT);

    (void)state;
    assert_int_equal(options.command, COMMAND_RUN);
    assert_null(options.config);
    assert_null(options.server);
    assert_null(options.max_age);
    assert_null(options.access_log);
    assert_int_equal(options.listen.count, 0);
    assert_false(options.self_signed);
    assert_int_equal(options.warnings.count, 0);
    options_clear(&options);
}

static void test_every_long_option_is_read(void **state)
{
    struct options options = parse_good(
        ARGUMENTS("--config", "a.conf", "--server", "matrix.example.com:8448", "--client",
                  "https://matrix.example.com", "--identity-server", "https://id.example.com",
                  "--domain", "example.com", "--listen", "443", "--listen", "[::1]:8443",
                  "--listen-http", "unix:/run/w.sock", "--metrics-listen", "127.0.0.1:9090",
                  "--certificate", "chain.pem", "--key", "key.pem", "--max-age", "86400",
                  "--access-log", "--log-level", "debug", "--log-format", "json", "--user",
                  "nobody", "--acme-alpn-dir", "alpn", "--acme-webroot", "www", "--http-redirect"),
        NO_ENVIRONMENT);

    (void)state;
    assert_string_equal(options.config, "a.conf");
    assert_string_equal(options.server, "matrix.example.com:8448");
    assert_string_equal(options.client, "https://matrix.example.com");
    assert_string_equal(options.identity_server, "https://id.example.com");
    assert_string_equal(options.domain, "example.com");
    assert_int_equal(options.listen.count, 2);
    assert_string_equal(options.listen.items[0], "443");
    assert_string_equal(options.listen.items[1], "[::1]:8443");
    assert_int_equal(options.listen_http.count, 1);
    assert_string_equal(options.listen_http.items[0], "unix:/run/w.sock");
    assert_int_equal(options.metrics_listen.count, 1);
    assert_string_equal(options.metrics_listen.items[0], "127.0.0.1:9090");
    assert_string_equal(options.certificate, "chain.pem");
    assert_string_equal(options.key, "key.pem");
    assert_string_equal(options.max_age, "86400");
    assert_string_equal(options.access_log, "true");
    assert_string_equal(options.log_level, "debug");
    assert_string_equal(options.log_format, "json");
    assert_string_equal(options.user, "nobody");
    assert_string_equal(options.acme_alpn_dir, "alpn");
    assert_string_equal(options.acme_webroot, "www");
    assert_string_equal(options.http_redirect, "true");
    options_clear(&options);
}

static void test_every_letter_is_read(void **state)
{
    struct options options =
        parse_good(ARGUMENTS("-ca.conf", "-s", "m.example.com", "-u", "https://m.example.com", "-d",
                             "*", "-l", "1", "-p", "2", "-C", "chain.pem", "-K", "key.pem", "-t"),
                   NO_ENVIRONMENT);

    (void)state;
    assert_int_equal(options.command, COMMAND_TEST);
    assert_string_equal(options.config, "a.conf");
    assert_string_equal(options.server, "m.example.com");
    assert_string_equal(options.client, "https://m.example.com");
    assert_string_equal(options.domain, "*");
    assert_string_equal(options.listen.items[0], "1");
    assert_string_equal(options.listen_http.items[0], "2");
    assert_string_equal(options.certificate, "chain.pem");
    assert_string_equal(options.key, "key.pem");
    options_clear(&options);
}

static void test_commands_are_read(void **state)
{
    struct options options = parse_good(ARGUMENTS("--print", "policy_server"), NO_ENVIRONMENT);

    (void)state;
    assert_int_equal(options.command, COMMAND_PRINT);
    assert_int_equal(options.print, DOCUMENT_POLICY_SERVER);
    options_clear(&options);
    options = parse_good(ARGUMENTS("--health-check"), NO_ENVIRONMENT);
    assert_int_equal(options.command, COMMAND_HEALTH_CHECK);
    options_clear(&options);
    assert_refused(ARGUMENTS("--print", "servers"), NO_ENVIRONMENT,
                   "give server, client, support or policy_server");
    assert_refused(ARGUMENTS("--test", "--health-check"), NO_ENVIRONMENT,
                   "--test and --health-check exclude each other");
}

static void test_a_challenge_takes_two_values_whatever_they_begin_with(void **state)
{
    struct options options =
        parse_good(ARGUMENTS("--acme-challenge", "example.com", "-t.-x", "--acme-alpn-dir", "d"),
                   NO_ENVIRONMENT);

    (void)state;
    assert_int_equal(options.command, COMMAND_ACME_CHALLENGE);
    assert_string_equal(options.challenge_name, "example.com");
    assert_string_equal(options.key_authorization, "-t.-x");
    assert_string_equal(options.acme_alpn_dir, "d");
    options_clear(&options);
    options = parse_good(ARGUMENTS("--acme-challenge=a", "--help", "--acme-challenge", "b", "c"),
                         NO_ENVIRONMENT);
    assert_int_equal(options.command, COMMAND_ACME_CHALLENGE);
    assert_string_equal(options.challenge_name, "b");
    assert_string_equal(options.key_authorization, "c");
    options_clear(&options);
    assert_refused(ARGUMENTS("--acme-challenge", "example.com"), NO_ENVIRONMENT,
                   "give NAME and KEY_AUTHORIZATION");
    assert_refused(ARGUMENTS("--acme-challenge"), NO_ENVIRONMENT, "needs a value");
    assert_refused(ARGUMENTS("--acme-challenge", "a", "b", "c"), NO_ENVIRONMENT,
                   "\"c\" belongs to no option");
    assert_refused(ARGUMENTS("--acme-challenge", "a", "b", "--test"), NO_ENVIRONMENT,
                   "exclude each other");
}

static void test_help_and_version_are_answered_whatever_follows(void **state)
{
    struct options options = parse_good(ARGUMENTS("--help", "--bogus"), NO_ENVIRONMENT);

    (void)state;
    assert_int_equal(options.command, COMMAND_HELP);
    options_clear(&options);
    options = parse_good(ARGUMENTS("-V"), ENVIRONMENT("MATRIX_WELLKNOWND_MAX_AGE=bad"));
    assert_int_equal(options.command, COMMAND_VERSION);
    options_clear(&options);
}

static void test_every_variable_is_read(void **state)
{
    struct options options = parse_good(
        NO_ARGUMENTS,
        ENVIRONMENT("HOME=/", "MATRIX_WELLKNOWND_CONFIG=a.conf",
                    "MATRIX_WELLKNOWND_SERVER=matrix.example.com:8448",
                    "MATRIX_WELLKNOWND_CLIENT=https://matrix.example.com",
                    "MATRIX_WELLKNOWND_IDENTITY_SERVER=https://id.example.com",
                    "MATRIX_WELLKNOWND_DOMAIN=example.com", "MATRIX_WELLKNOWND_LISTEN=443",
                    "MATRIX_WELLKNOWND_LISTEN_HTTP=80", "MATRIX_WELLKNOWND_METRICS_LISTEN=9090",
                    "MATRIX_WELLKNOWND_CERTIFICATE=chain.pem", "MATRIX_WELLKNOWND_KEY=key.pem",
                    "MATRIX_WELLKNOWND_MAX_AGE=1", "MATRIX_WELLKNOWND_ACCESS_LOG=Yes",
                    "MATRIX_WELLKNOWND_LOG_LEVEL=error", "MATRIX_WELLKNOWND_LOG_FORMAT=text",
                    "MATRIX_WELLKNOWND_USER=nobody", "MATRIX_WELLKNOWND_SELF_SIGNED=0",
                    "MATRIX_WELLKNOWND_ACME_ALPN_DIR=alpn", "MATRIX_WELLKNOWND_ACME_WEBROOT=www",
                    "MATRIX_WELLKNOWND_HTTP_REDIRECT=no"));

    (void)state;
    assert_string_equal(options.config, "a.conf");
    assert_string_equal(options.server, "matrix.example.com:8448");
    assert_string_equal(options.client, "https://matrix.example.com");
    assert_string_equal(options.identity_server, "https://id.example.com");
    assert_string_equal(options.domain, "example.com");
    assert_string_equal(options.listen.items[0], "443");
    assert_string_equal(options.listen_http.items[0], "80");
    assert_string_equal(options.metrics_listen.items[0], "9090");
    assert_string_equal(options.certificate, "chain.pem");
    assert_string_equal(options.key, "key.pem");
    assert_string_equal(options.max_age, "1");
    assert_string_equal(options.access_log, "true");
    assert_string_equal(options.log_level, "error");
    assert_string_equal(options.log_format, "text");
    assert_string_equal(options.user, "nobody");
    assert_string_equal(options.acme_alpn_dir, "alpn");
    assert_string_equal(options.acme_webroot, "www");
    assert_string_equal(options.http_redirect, "false");
    assert_false(options.self_signed);
    assert_int_equal(options.warnings.count, 0);
    options_clear(&options);
}

static void test_the_command_line_wins_over_the_environment_option_by_option(void **state)
{
    struct options options =
        parse_good(ARGUMENTS("--server", "a.example.com:1", "--listen", "1"),
                   ENVIRONMENT("MATRIX_WELLKNOWND_SERVER=https://broken/but/unused",
                               "MATRIX_WELLKNOWND_LISTEN=2,3", "MATRIX_WELLKNOWND_LISTEN_HTTP=4"));

    (void)state;
    assert_string_equal(options.server, "a.example.com:1");
    assert_int_equal(options.listen.count, 1);
    assert_string_equal(options.listen.items[0], "1");
    assert_int_equal(options.listen_http.count, 1);
    assert_string_equal(options.listen_http.items[0], "4");
    options_clear(&options);
}

static void test_the_last_of_an_option_given_twice_counts(void **state)
{
    struct options options = parse_good(
        ARGUMENTS("--server", "a.example.com:1", "--server=b.example.com:2"), NO_ENVIRONMENT);

    (void)state;
    assert_string_equal(options.server, "b.example.com:2");
    options_clear(&options);
}

static void test_lists_in_variables_are_separated_by_commas(void **state)
{
    struct options options =
        parse_good(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_LISTEN=, 443 ,,\t[::1]:8443,",
                                             "MATRIX_WELLKNOWND_LISTEN_HTTP=,"));

    (void)state;
    assert_int_equal(options.listen.count, 2);
    assert_string_equal(options.listen.items[0], "443");
    assert_string_equal(options.listen.items[1], "[::1]:8443");
    assert_int_equal(options.listen_http.count, 0);
    options_clear(&options);
}

static void test_an_empty_variable_counts_as_not_set(void **state)
{
    struct options options = parse_good(
        NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SERVER=", "MATRIX_WELLKNOWND_ACCESS_LOG=",
                                  "MATRIX_WELLKNOWND_LISTEN=", "MATRIX_WELLKNOWND_SELF_SIGNED="));

    (void)state;
    assert_null(options.server);
    assert_null(options.access_log);
    assert_int_equal(options.listen.count, 0);
    assert_false(options.self_signed);
    options_clear(&options);
}

static void test_a_variable_of_an_unknown_name_gets_a_warning(void **state)
{
    struct options options =
        parse_good(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SEVER=x",
                                             "MATRIX_WELLKNOWND_=", "MATRIX_WELLKNOWN_OTHER=x"));

    (void)state;
    assert_int_equal(options.warnings.count, 2);
    assert_non_null(strstr(options.warnings.items[0], "MATRIX_WELLKNOWND_SEVER is unknown"));
    options_clear(&options);
}

static void test_variables_that_kubernetes_sets_for_a_service_are_left_alone(void **state)
{
    struct options options =
        parse_good(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SERVICE_HOST=10.0.0.1",
                                             "MATRIX_WELLKNOWND_SERVICE_PORT=443",
                                             "MATRIX_WELLKNOWND_SERVICE_PORT_HTTPS=443",
                                             "MATRIX_WELLKNOWND_PORT=tcp://10.0.0.1:443",
                                             "MATRIX_WELLKNOWND_PORT_443_TCP_ADDR=10.0.0.1"));

    (void)state;
    assert_int_equal(options.warnings.count, 0);
    options_clear(&options);
}

static void test_a_bad_value_names_the_option(void **state)
{
    (void)state;
    assert_refused(ARGUMENTS("--server", "https://matrix.example.com"), NO_ENVIRONMENT,
                   "--server: \"https://matrix.example.com\" is a URL");
    assert_refused(ARGUMENTS("-s", "matrix.example.com:0"), NO_ENVIRONMENT, "--server: ");
    assert_refused(ARGUMENTS("--client", "matrix.example.com"), NO_ENVIRONMENT, "--client: ");
    assert_refused(ARGUMENTS("--identity-server", "x"), NO_ENVIRONMENT, "--identity-server: ");
    assert_refused(ARGUMENTS("--domain", "example.com:443"), NO_ENVIRONMENT, "--domain: ");
    assert_refused(ARGUMENTS("--domain", "*.example.com"), NO_ENVIRONMENT, "is a pattern");
    assert_refused(ARGUMENTS("--domain", "m\xc3\xbcnchen.example"), NO_ENVIRONMENT, "xn-- form");
    assert_refused(ARGUMENTS("--listen", "localhost:443"), NO_ENVIRONMENT, "--listen: ");
    assert_refused(ARGUMENTS("--certificate", ""), NO_ENVIRONMENT, "--certificate: the value is");
    assert_refused(ARGUMENTS("--max-age", "1h"), NO_ENVIRONMENT,
                   "--max-age: \"1h\" is not a whole number");
    assert_refused(ARGUMENTS("--max-age", "172801"), NO_ENVIRONMENT, "48 hours at most");
    assert_refused(ARGUMENTS("--max-age", "99999999999999999999"), NO_ENVIRONMENT, "too large");
    assert_refused(ARGUMENTS("--max-age", "-1"), NO_ENVIRONMENT, "is not a whole number");
    assert_refused(ARGUMENTS("--log-level", "verbose"), NO_ENVIRONMENT,
                   "give error, warning, info or debug");
    assert_refused(ARGUMENTS("--log-format", "xml"), NO_ENVIRONMENT, "give text or json");
}

static void test_a_bad_value_names_the_variable(void **state)
{
    (void)state;
    assert_refused(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SERVER=matrix.example.com/"),
                   "MATRIX_WELLKNOWND_SERVER: \"matrix.example.com/\" ");
    assert_refused(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_LISTEN=443,x"),
                   "MATRIX_WELLKNOWND_LISTEN: \"x\" is not an address");
    assert_refused(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_ACCESS_LOG=maybe"),
                   "MATRIX_WELLKNOWND_ACCESS_LOG: \"maybe\" is neither true nor false");
    assert_refused(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SELF_SIGNED=2"),
                   "MATRIX_WELLKNOWND_SELF_SIGNED: ");
}

static void test_getopts_mistakes_are_told_in_our_words(void **state)
{
    (void)state;
    assert_refused(ARGUMENTS("--bogus"), NO_ENVIRONMENT,
                   "the option \"--bogus\" is unknown: see --help");
    assert_refused(ARGUMENTS("--bogus=x"), NO_ENVIRONMENT, "\"--bogus=x\" is unknown");
    assert_refused(ARGUMENTS("--=x"), NO_ENVIRONMENT, "\"--=x\" is unknown");
    assert_refused(ARGUMENTS("-x"), NO_ENVIRONMENT, "the option \"-x\" is unknown");
    assert_refused(ARGUMENTS("-tx"), NO_ENVIRONMENT, "the option \"-x\" is unknown");
    assert_refused(ARGUMENTS("-\xc3\xa9"), NO_ENVIRONMENT, "is unknown");
    assert_refused(ARGUMENTS("--server"), NO_ENVIRONMENT, "--server needs a value");
    assert_refused(ARGUMENTS("-s"), NO_ENVIRONMENT, "--server needs a value");
    assert_refused(ARGUMENTS("--ser"), NO_ENVIRONMENT, "--server needs a value");
    assert_refused(ARGUMENTS("--log", "x"), NO_ENVIRONMENT,
                   "ambiguous: give one of --log-level, --log-format");
    assert_refused(ARGUMENTS("--test=1"), NO_ENVIRONMENT, "--test takes no value");
    assert_refused(ARGUMENTS("--access-log=no"), NO_ENVIRONMENT, "--access-log takes no value");
    assert_refused(ARGUMENTS("matrix.example.com"), NO_ENVIRONMENT,
                   "the argument \"matrix.example.com\" belongs to no option");
    assert_refused(ARGUMENTS("-t", "--", "-x"), NO_ENVIRONMENT, "\"-x\" belongs to no option");
}

static void test_self_signed_and_a_certificate_exclude_each_other(void **state)
{
    struct options options = parse_good(ARGUMENTS("--self-signed"), NO_ENVIRONMENT);

    (void)state;
    assert_true(options.self_signed);
    options_clear(&options);
    assert_refused(ARGUMENTS("--self-signed", "-C", "c.pem", "-K", "k.pem"), NO_ENVIRONMENT,
                   "--self-signed and --certificate exclude each other");
    assert_refused(ARGUMENTS("-K", "k.pem"), ENVIRONMENT("MATRIX_WELLKNOWND_SELF_SIGNED=yes"),
                   "MATRIX_WELLKNOWND_SELF_SIGNED and --key exclude each other");
}

static void test_no_argument_vector_at_all_is_survived(void **state)
{
    char *argv[] = {NULL};
    char *environment[] = {NULL};
    struct options options;
    struct problem problem;

    (void)state;
    assert_true(options_parse(&options, 0, argv, environment, &problem));
    options_clear(&options);
}

static void test_the_help_is_at_most_80_columns_wide_and_names_every_option(void **state)
{
    static const char *const names[] = {
        "--config",     "--server",  "--client",         "--identity-server", "--domain",
        "--listen",     "--key",     "--listen-http",    "--certificate",     "--self-signed",
        "--max-age",    "--user",    "--metrics-listen", "--access-log",      "--log-level",
        "--log-format", "--test",    "--print",          "--health-check",    "--version",
        "--help",       "(default:",
    };
    const char *line = options_help;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_non_null(strstr(options_help, names[i]));
    }
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");

        if (memmem(line, length, OPTIONS_DEFAULT_CONFIG, strlen(OPTIONS_DEFAULT_CONFIG)) == NULL &&
            length > 80) {
            fail_msg("%zu columns: %.*s", length, (int)length, line);
        }
        line += length + (line[length] == '\n');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_given_means_run_with_everything_unset),
        cmocka_unit_test(test_every_long_option_is_read),
        cmocka_unit_test(test_every_letter_is_read),
        cmocka_unit_test(test_commands_are_read),
        cmocka_unit_test(test_a_challenge_takes_two_values_whatever_they_begin_with),
        cmocka_unit_test(test_help_and_version_are_answered_whatever_follows),
        cmocka_unit_test(test_every_variable_is_read),
        cmocka_unit_test(test_the_command_line_wins_over_the_environment_option_by_option),
        cmocka_unit_test(test_the_last_of_an_option_given_twice_counts),
        cmocka_unit_test(test_lists_in_variables_are_separated_by_commas),
        cmocka_unit_test(test_an_empty_variable_counts_as_not_set),
        cmocka_unit_test(test_a_variable_of_an_unknown_name_gets_a_warning),
        cmocka_unit_test(test_variables_that_kubernetes_sets_for_a_service_are_left_alone),
        cmocka_unit_test(test_a_bad_value_names_the_option),
        cmocka_unit_test(test_a_bad_value_names_the_variable),
        cmocka_unit_test(test_getopts_mistakes_are_told_in_our_words),
        cmocka_unit_test(test_self_signed_and_a_certificate_exclude_each_other),
        cmocka_unit_test(test_no_argument_vector_at_all_is_survived),
        cmocka_unit_test(test_the_help_is_at_most_80_columns_wide_and_names_every_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
