/* The command line and the environment. */
#include "daemon/config/config_fixture.h"
#include "daemon/config/settings.h"

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

/* The setting was given the values, comma-separated, or not at all (NULL). */
static void assert_given(const struct options *options, const char *name, const char *expected)
{
    char list[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < options->value_count; i++) {
        if (strcmp(options->values[i].setting->name, name) == 0) {
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used == 0 ? "" : ",",
                                     options->values[i].text);
        }
    }
    assert_int_equal(options_find(options, name) != NULL, expected != NULL);
    assert_string_equal(list, expected ? expected : "");
}

/* Refused when it is parsed, or when the values are read. */
static void assert_usage(const char **arguments, const char **environment, const char *expected)
{
    struct problem problem;
    struct config *config = load_with(arguments, environment, &problem);

    if (config != NULL) {
        config_free(config);
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
    assert_given(&options, "config", NULL);
    assert_given(&options, "server", NULL);
    assert_given(&options, "max_age", NULL);
    assert_given(&options, "access_log", NULL);
    assert_given(&options, "listen", NULL);
    assert_given(&options, "self_signed", NULL);
    assert_int_equal(options.unknown_count, 0);
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
    assert_given(&options, "config", "a.conf");
    assert_given(&options, "server", "matrix.example.com:8448");
    assert_given(&options, "client", "https://matrix.example.com");
    assert_given(&options, "identity_server", "https://id.example.com");
    assert_given(&options, "domain", "example.com");
    assert_given(&options, "listen", "443,[::1]:8443");
    assert_given(&options, "listen_http", "unix:/run/w.sock");
    assert_given(&options, "metrics_listen", "127.0.0.1:9090");
    assert_given(&options, "certificate", "chain.pem");
    assert_given(&options, "key", "key.pem");
    assert_given(&options, "max_age", "86400");
    assert_given(&options, "access_log", "true");
    assert_given(&options, "log_level", "debug");
    assert_given(&options, "log_format", "json");
    assert_given(&options, "user", "nobody");
    assert_given(&options, "acme_alpn_dir", "alpn");
    assert_given(&options, "acme_webroot", "www");
    assert_given(&options, "http_redirect", "true");
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
    assert_given(&options, "config", "a.conf");
    assert_given(&options, "server", "m.example.com");
    assert_given(&options, "client", "https://m.example.com");
    assert_given(&options, "domain", "*");
    assert_given(&options, "listen", "1");
    assert_given(&options, "listen_http", "2");
    assert_given(&options, "certificate", "chain.pem");
    assert_given(&options, "key", "key.pem");
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
    assert_usage(ARGUMENTS("--print", "servers"), NO_ENVIRONMENT,
                 "give server, client, support or policy_server");
    assert_usage(ARGUMENTS("--test", "--health-check"), NO_ENVIRONMENT,
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
    assert_given(&options, "acme_alpn_dir", "d");
    options_clear(&options);
    options = parse_good(ARGUMENTS("--acme-challenge=a", "--help", "--acme-challenge", "b", "c"),
                         NO_ENVIRONMENT);
    assert_int_equal(options.command, COMMAND_ACME_CHALLENGE);
    assert_string_equal(options.challenge_name, "b");
    assert_string_equal(options.key_authorization, "c");
    options_clear(&options);
    assert_usage(ARGUMENTS("--acme-challenge", "example.com"), NO_ENVIRONMENT,
                 "give NAME and KEY_AUTHORIZATION");
    assert_usage(ARGUMENTS("--acme-challenge"), NO_ENVIRONMENT, "needs a value");
    assert_usage(ARGUMENTS("--acme-challenge", "a", "b", "c"), NO_ENVIRONMENT,
                 "\"c\" belongs to no option");
    assert_usage(ARGUMENTS("--acme-challenge", "a", "b", "--test"), NO_ENVIRONMENT,
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
    assert_given(&options, "config", "a.conf");
    assert_given(&options, "server", "matrix.example.com:8448");
    assert_given(&options, "client", "https://matrix.example.com");
    assert_given(&options, "identity_server", "https://id.example.com");
    assert_given(&options, "domain", "example.com");
    assert_given(&options, "listen", "443");
    assert_given(&options, "listen_http", "80");
    assert_given(&options, "metrics_listen", "9090");
    assert_given(&options, "certificate", "chain.pem");
    assert_given(&options, "key", "key.pem");
    assert_given(&options, "max_age", "1");
    assert_given(&options, "access_log", "Yes");
    assert_given(&options, "log_level", "error");
    assert_given(&options, "log_format", "text");
    assert_given(&options, "user", "nobody");
    assert_given(&options, "acme_alpn_dir", "alpn");
    assert_given(&options, "acme_webroot", "www");
    assert_given(&options, "http_redirect", "no");
    assert_given(&options, "self_signed", "0");
    assert_int_equal(options.unknown_count, 0);
    options_clear(&options);
}

static void test_the_command_line_wins_over_the_environment_option_by_option(void **state)
{
    struct options options =
        parse_good(ARGUMENTS("--server", "a.example.com:1", "--listen", "1"),
                   ENVIRONMENT("MATRIX_WELLKNOWND_SERVER=https://broken/but/unused",
                               "MATRIX_WELLKNOWND_LISTEN=2,3", "MATRIX_WELLKNOWND_LISTEN_HTTP=4"));

    (void)state;
    assert_given(&options, "server", "a.example.com:1");
    assert_given(&options, "listen", "1");
    assert_given(&options, "listen_http", "4");
    options_clear(&options);
}

static void test_the_last_of_an_option_given_twice_counts(void **state)
{
    struct options options = parse_good(
        ARGUMENTS("--server", "a.example.com:1", "--server=b.example.com:2"), NO_ENVIRONMENT);

    (void)state;
    assert_given(&options, "server", "b.example.com:2");
    options_clear(&options);
}

static void test_lists_in_variables_are_separated_by_commas(void **state)
{
    struct options options =
        parse_good(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_LISTEN=, 443 ,,\t[::1]:8443,",
                                             "MATRIX_WELLKNOWND_LISTEN_HTTP=,"));

    (void)state;
    assert_given(&options, "listen", "443,[::1]:8443");
    assert_given(&options, "listen_http", NULL);
    options_clear(&options);
}

static void test_an_empty_variable_counts_as_not_set(void **state)
{
    struct options options = parse_good(
        NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SERVER=", "MATRIX_WELLKNOWND_ACCESS_LOG=",
                                  "MATRIX_WELLKNOWND_LISTEN=", "MATRIX_WELLKNOWND_SELF_SIGNED="));

    (void)state;
    assert_given(&options, "server", NULL);
    assert_given(&options, "access_log", NULL);
    assert_given(&options, "listen", NULL);
    assert_given(&options, "self_signed", NULL);
    options_clear(&options);
}

static void test_a_variable_of_an_unknown_name_gets_a_warning(void **state)
{
    struct options options =
        parse_good(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SEVER=x",
                                             "MATRIX_WELLKNOWND_=", "MATRIX_WELLKNOWN_OTHER=x"));

    (void)state;
    assert_int_equal(options.unknown_count, 2);
    assert_string_equal(options.unknown_variables[0], "MATRIX_WELLKNOWND_SEVER");
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
    assert_int_equal(options.unknown_count, 0);
    options_clear(&options);
}

static void test_a_bad_value_names_the_option(void **state)
{
    (void)state;
    assert_usage(ARGUMENTS("--server", "https://matrix.example.com"), NO_ENVIRONMENT,
                 "--server: \"https://matrix.example.com\" is a URL");
    assert_usage(ARGUMENTS("-s", "matrix.example.com:0"), NO_ENVIRONMENT, "--server: ");
    assert_usage(ARGUMENTS("--client", "matrix.example.com"), NO_ENVIRONMENT, "--client: ");
    assert_usage(ARGUMENTS("--identity-server", "x"), NO_ENVIRONMENT, "--identity-server: ");
    assert_usage(ARGUMENTS("--domain", "example.com:443"), NO_ENVIRONMENT, "--domain: ");
    assert_usage(ARGUMENTS("--domain", "*.example.com"), NO_ENVIRONMENT, "is a pattern");
    assert_usage(ARGUMENTS("--domain", "m\xc3\xbcnchen.example"), NO_ENVIRONMENT, "xn-- form");
    assert_usage(ARGUMENTS("--listen", "localhost:443"), NO_ENVIRONMENT, "--listen: ");
    assert_usage(ARGUMENTS("--certificate", ""), NO_ENVIRONMENT, "--certificate: the value is");
    assert_usage(ARGUMENTS("--max-age", "1h"), NO_ENVIRONMENT,
                 "--max-age: \"1h\" is not a whole number");
    assert_usage(ARGUMENTS("--max-age", "172801"), NO_ENVIRONMENT, "48 hours at most");
    assert_usage(ARGUMENTS("--max-age", "99999999999999999999"), NO_ENVIRONMENT, "too large");
    assert_usage(ARGUMENTS("--max-age", "-1"), NO_ENVIRONMENT, "is not a whole number");
    assert_usage(ARGUMENTS("--log-level", "verbose"), NO_ENVIRONMENT,
                 "give error, warning, info or debug");
    assert_usage(ARGUMENTS("--log-format", "xml"), NO_ENVIRONMENT, "give text or json");
}

static void test_a_bad_value_names_the_variable(void **state)
{
    (void)state;
    assert_usage(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SERVER=matrix.example.com/"),
                 "MATRIX_WELLKNOWND_SERVER: \"matrix.example.com/\" ");
    assert_usage(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_LISTEN=443,x"),
                 "MATRIX_WELLKNOWND_LISTEN: \"x\" is not an address");
    assert_usage(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_ACCESS_LOG=maybe"),
                 "MATRIX_WELLKNOWND_ACCESS_LOG: \"maybe\" is neither true nor false");
    assert_usage(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SELF_SIGNED=2"),
                 "MATRIX_WELLKNOWND_SELF_SIGNED: ");
}

static void test_getopts_mistakes_are_told_in_our_words(void **state)
{
    (void)state;
    assert_usage(ARGUMENTS("--bogus"), NO_ENVIRONMENT,
                 "the option \"--bogus\" is unknown: see --help");
    assert_usage(ARGUMENTS("--bogus=x"), NO_ENVIRONMENT, "\"--bogus=x\" is unknown");
    assert_usage(ARGUMENTS("--=x"), NO_ENVIRONMENT, "\"--=x\" is unknown");
    assert_usage(ARGUMENTS("-x"), NO_ENVIRONMENT, "the option \"-x\" is unknown");
    assert_usage(ARGUMENTS("-tx"), NO_ENVIRONMENT, "the option \"-x\" is unknown");
    assert_usage(ARGUMENTS("-\xc3\xa9"), NO_ENVIRONMENT, "is unknown");
    assert_usage(ARGUMENTS("--server"), NO_ENVIRONMENT, "--server needs a value");
    assert_usage(ARGUMENTS("-s"), NO_ENVIRONMENT, "--server needs a value");
    assert_usage(ARGUMENTS("--ser"), NO_ENVIRONMENT, "--server needs a value");
    assert_usage(ARGUMENTS("--log", "x"), NO_ENVIRONMENT,
                 "ambiguous: give one of --log-level, --log-format");
    assert_usage(ARGUMENTS("--test=1"), NO_ENVIRONMENT, "--test takes no value");
    assert_usage(ARGUMENTS("--access-log=no"), NO_ENVIRONMENT, "--access-log takes no value");
    assert_usage(ARGUMENTS("matrix.example.com"), NO_ENVIRONMENT,
                 "the argument \"matrix.example.com\" belongs to no option");
    assert_usage(ARGUMENTS("-t", "--", "-x"), NO_ENVIRONMENT, "\"-x\" belongs to no option");
}

static void test_self_signed_and_a_certificate_exclude_each_other(void **state)
{
    struct options options = parse_good(ARGUMENTS("--self-signed"), NO_ENVIRONMENT);

    (void)state;
    assert_given(&options, "self_signed", "true");
    options_clear(&options);
    assert_usage(ARGUMENTS("--self-signed", "-C", "c.pem", "-K", "k.pem"), NO_ENVIRONMENT,
                 "--self-signed and --certificate exclude each other");
    assert_usage(ARGUMENTS("-K", "k.pem"), ENVIRONMENT("MATRIX_WELLKNOWND_SELF_SIGNED=yes"),
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
    char *help = NULL, name[SETTING_NAME_SIZE];
    size_t size;
    FILE *stream = open_memstream(&help, &size);

    (void)state;
    assert_non_null(stream);
    settings_print_help(stream);
    assert_int_equal(fclose(stream), 0);
    for (size_t i = 0; setting_at(i); i++) {
        if (setting_at(i)->where & ON_COMMAND_LINE) {
            assert_non_null(strstr(help, setting_option(setting_at(i)->name, name)));
        }
    }
    assert_non_null(strstr(help, "(default:"));
    for (const char *line = help; *line != '\0'; line += line[0] == '\n') {
        size_t length = strcspn(line, "\n");

        if (memmem(line, length, OPTIONS_DEFAULT_CONFIG, strlen(OPTIONS_DEFAULT_CONFIG)) == NULL &&
            length > 80) {
            fail_msg("%zu columns: %.*s", length, (int)length, line);
        }
        line += length;
    }
    free(help);
}

static void test_every_setting_of_the_top_level_has_an_option_and_a_variable(void **state)
{
    (void)state;
    for (size_t i = 0; setting_at(i); i++) {
        const struct setting *setting = setting_at(i);

        assert_true(setting_domain_index(setting) < SETTING_DOMAIN_LIMIT);
        if ((setting->where & AT_TOP) && setting->kind != SETTING_SECTION) {
            assert_true(setting->where & ON_COMMAND_LINE);
            assert_true(setting->where & IN_ENVIRONMENT);
        }
        if (setting->where & ON_COMMAND_LINE) {
            assert_non_null(setting->help);
            assert_int_equal(setting->argument == NULL,
                             setting->kind == SETTING_FLAG ||
                                 (setting->kind == SETTING_COMMAND &&
                                  strcmp(setting->name, "print") != 0 &&
                                  strcmp(setting->name, "acme_challenge") != 0));
        }
    }
}

static void test_quotes_that_nothing_took_away_are_refused(void **state)
{
    (void)state;
    assert_usage(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_SERVER=\"example.com\""),
                 "MATRIX_WELLKNOWND_SERVER: the value \"example.com\" has quotation marks around "
                 "it: remove the quotes");
    assert_usage(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_CERTIFICATE='a.pem'"),
                 "remove the quotes");
    assert_usage(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_LISTEN=\"443,444\""),
                 "MATRIX_WELLKNOWND_LISTEN: ");
    assert_usage(NO_ARGUMENTS, ENVIRONMENT("MATRIX_WELLKNOWND_LISTEN=443, \"444\""),
                 "MATRIX_WELLKNOWND_LISTEN: ");
    assert_usage(ARGUMENTS("--server", "'example.com'"), NO_ENVIRONMENT, "--server: ");
}

static void test_the_logs_format_is_known_whatever_is_wrong(void **state)
{
    struct options options;
    struct problem problem;

    (void)state;
    assert_false(
        parse(&options, ARGUMENTS("--bogus", "--log-format", "json"), NO_ENVIRONMENT, &problem));
    assert_int_equal(options.log_format, LOG_FORMAT_JSON);
    assert_non_null(strstr(problem.text, "--bogus"));
    options_clear(&options);
    assert_false(parse(&options, ARGUMENTS("--bogus", "x"),
                       ENVIRONMENT("MATRIX_WELLKNOWND_LOG_FORMAT=json"), &problem));
    assert_int_equal(options.log_format, LOG_FORMAT_JSON);
    options_clear(&options);
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
        cmocka_unit_test(test_every_setting_of_the_top_level_has_an_option_and_a_variable),
        cmocka_unit_test(test_quotes_that_nothing_took_away_are_refused),
        cmocka_unit_test(test_the_logs_format_is_known_whatever_is_wrong),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
