/* The settings as a whole: defaults, what wins over what, and what must fit together. */
#include "daemon/config/config_fixture.h"

#include "base/spelling.h"
#include "daemon/config/settings.h"

#define SERVER "m.example.com:1"

static void test_a_server_alone_is_enough_and_the_rest_has_defaults(void **state)
{
    struct config *config = load(ARGUMENTS("--server", SERVER));
    char text[ADDRESS_TEXT_SIZE];

    (void)state;
    assert_int_equal(config->listen.count, 1);
    assert_string_equal(address_format(&config->listen.items[0], text), "[::]:443");
    assert_int_equal(config->listen_http.count, 0);
    assert_int_equal(config->metrics_listen.count, 0);
    assert_null(config->certificate);
    assert_false(config->self_signed);
    assert_int_equal(config->max_age, 3600);
    assert_int_equal(config->max_connections, 1024);
    assert_int_equal(config->max_connections_per_ip, 64);
    assert_int_equal(config->request_timeout, 10);
    assert_int_equal(config->keepalive_timeout, 5);
    assert_int_equal(config->threads, 0);
    assert_false(config->access_log);
    assert_int_equal(config->log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->log_format, LOG_FORMAT_TEXT);
    assert_null(config->user);
    assert_int_equal(config->domain_count, 1);
    assert_string_equal(config->domains[0].name, "*");
    assert_string_equal(config->domains[0].server, SERVER);
    assert_null(config->domains[0].client);
    assert_null(config->domains[0].origin.file);
    assert_int_equal(config->warning_count, 0);
    assert_int_equal(config->file_count, 0);
    config_free(config);
}

static void test_nothing_at_all_asks_for_a_server_name(void **state)
{
    (void)state;
    if (access(OPTIONS_DEFAULT_CONFIG, F_OK) == 0) {
        skip();
    }
    assert_refused((const char *[]){"matrix-wellknownd", NULL}, PROBLEM_USAGE,
                   "no server name: give --server NAME[:PORT] or MATRIX_WELLKNOWND_SERVER, for "
                   "example matrix.example.com:8448, or write " OPTIONS_DEFAULT_CONFIG);
}

static void test_options_win_over_the_file(void **state)
{
    struct config *config;
    char text[ADDRESS_TEXT_SIZE];

    (void)state;
    write_file("all.conf", "listen = { 1, 2 } listen_http = 3 metrics_listen = 4\n"
                           "certificate = a.pem key = a.key max_age = 300 access_log = false\n"
                           "log_level = error log_format = text user = alice\n"
                           "acme_alpn_dir = a acme_webroot = a http_redirect = false\n"
                           "server = \"a.example.com:1\" client = \"https://a.example.com\"\n");
    config = load(ARGUMENTS("-c", "all.conf", "--listen", "11", "--metrics-listen", "3", "-p", "4",
                            "--certificate", "b.pem", "--key", "b.key", "--max-age", "400",
                            "--access-log", "--log-level", "debug", "--log-format", "json",
                            "--user", "bob", "--server", "b.example.com:1", "--acme-alpn-dir", "b",
                            "--acme-webroot", "c", "--http-redirect"));
    assert_int_equal(config->listen.count, 1);
    assert_string_equal(address_format(&config->listen.items[0], text), "[::]:11");
    assert_int_equal(config->listen_http.count, 1);
    assert_string_equal(address_format(&config->listen_http.items[0], text), "[::]:4");
    assert_string_equal(address_format(&config->metrics_listen.items[0], text), "[::]:3");
    assert_string_equal(config->certificate, "b.pem");
    assert_null(config_origin(config, &config->certificate)->file);
    assert_string_equal(config->key, "b.key");
    assert_int_equal(config->max_age, 400);
    assert_true(config->access_log);
    assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config->log_format, LOG_FORMAT_JSON);
    assert_string_equal(config->user, "bob");
    assert_string_equal(config->acme_alpn_dir, "b");
    assert_string_equal(config->acme_webroot, "c");
    assert_true(config->http_redirect);
    assert_int_equal(config->domain_count, 1);
    assert_string_equal(config->domains[0].server, "b.example.com:1");
    assert_string_equal(config->domains[0].client, "https://a.example.com");
    config_free(config);
}

static void test_the_environment_wins_over_the_file(void **state)
{
    const char *environment[] = {"MATRIX_WELLKNOWND_MAX_AGE=500", "MATRIX_WELLKNOWND_ACCESS_LOG=no",
                                 "MATRIX_WELLKNOWND_LISTEN_HTTP=8,9", NULL};
    struct problem problem;
    struct config *config;

    (void)state;
    write_file("env.conf", "server = \"a:1\" max_age = 300 access_log = true listen_http = 7\n");
    config = load_with(ARGUMENTS("-c", "env.conf"), environment, &problem);
    assert_non_null(config);
    assert_int_equal(config->max_age, 500);
    assert_false(config->access_log);
    assert_int_equal(config->listen_http.count, 2);
    config_free(config);
}

static void test_a_value_of_the_file_that_is_overridden_is_noted_with_both_places(void **state)
{
    const char *environment[] = {"MATRIX_WELLKNOWND_MAX_AGE=500",
                                 "MATRIX_WELLKNOWND_CLIENT=https://e", NULL};
    struct problem problem;
    struct config *config;

    (void)state;
    write_file("over.conf", "certificate = a.pem key = a.key\nmax_age = 300\n\nlisten = { 1,\n2 }\n"
                            "server = \"a:1\"\nclient = \"https://a\"\n");
    config = load_with(ARGUMENTS("-c", "over.conf", "-l", "3", "-s", "b:1", "--self-signed"),
                       environment, &problem);
    assert_non_null(config);
    assert_int_equal(config->note_count, 6);
    assert_notes(config, "over.conf:1: certificate is overridden by --self-signed");
    assert_notes(config, "over.conf:1: key is overridden by --self-signed");
    assert_notes(config, "over.conf:2: max_age is overridden by MATRIX_WELLKNOWND_MAX_AGE");
    assert_notes(config, "over.conf:4: listen is overridden by --listen");
    assert_notes(config, "over.conf:6: server is overridden by --server");
    assert_notes(config, "over.conf:7: client is overridden by MATRIX_WELLKNOWND_CLIENT");
    assert_int_equal(config->listen.count, 1);
    assert_string_equal(config->domains[0].client, "https://e");
    config_free(config);
    write_file("over.conf", "server = \"a:1\"\nmax_age = 1h\n");
    assert_refused(ARGUMENTS("-c", "over.conf", "--max-age", "1"), PROBLEM_FAILURE,
                   "over.conf:2: max_age: ");
}

static void test_every_value_keeps_its_origin(void **state)
{
    const char *environment[] = {"MATRIX_WELLKNOWND_MAX_AGE=500", NULL};
    char text[ORIGIN_TEXT_SIZE];
    struct problem problem;
    struct config *config;
    struct origin origin;

    (void)state;
    write_file("origin.conf", "user = nobody\nlisten = {\n1,\n2 }\ndomain \"a\" {\n server = "
                              "\"a:1\"\n client = \"https://a\" }\n");
    config = load_with(ARGUMENTS("-c", "origin.conf", "--threads", "2", "-d", "a", "-s", "b:1"),
                       environment, &problem);
    assert_non_null(config);
    assert_string_equal(origin_text(config_origin(config, &config->user), text), "origin.conf:1");
    assert_string_equal(origin_text(config_origin(config, &config->max_age), text),
                        "MATRIX_WELLKNOWND_MAX_AGE");
    assert_string_equal(origin_text(config_origin(config, &config->threads), text), "--threads");
    assert_string_equal(origin_text(config_origin(config, &config->log_level), text),
                        "the default");
    assert_string_equal(origin_text(&config->listen.origins[1], text), "origin.conf:4");
    origin = config_domain_origin(config, &config->domains[0], &config->domains[0].client);
    assert_string_equal(origin_text(&origin, text), "origin.conf:7");
    origin = config_domain_origin(config, &config->domains[0], &config->domains[0].server);
    assert_string_equal(origin_text(&origin, text), "--server");
    config_free(config);
}

static void test_what_is_wrong_is_said_of_where_it_stands(void **state)
{
    const char *plain[] = {"MATRIX_WELLKNOWND_LISTEN_HTTP=[::]:443", NULL};
    const char *misspelt[] = {"MATRIX_WELLKNOWND_SEVER=a:1", NULL};
    struct problem problem;
    struct config *config;

    (void)state;
    assert_null(load_with(ARGUMENTS("-s", SERVER, "--metrics-listen", "443"), plain, &problem));
    assert_int_equal(problem.status, PROBLEM_USAGE);
    assert_string_equal(problem.text, "--metrics-listen: [::]:443 is listened on already by "
                                      "MATRIX_WELLKNOWND_LISTEN_HTTP: give each address once");
    assert_text_refused("client = \"m.server\"", "test.conf:1: client: ");
    assert_text_refused("server = \"m.server/m.server\"", "test.conf:1: ");
    config = load_with(ARGUMENTS("-s", "m.example.com"), misspelt, &problem);
    assert_warns(config, "the environment variable MATRIX_WELLKNOWND_SEVER is unknown");
    assert_warns(config, "--server: m.server \"m.example.com\" has no port");
    config_free(config);
}

static void test_every_key_of_the_top_level_can_be_given_without_a_file(void **state)
{
    const char *environment[] = {"MATRIX_WELLKNOWND_REQUEST_TIMEOUT=7",
                                 "MATRIX_WELLKNOWND_DOMAINS_DIR=given.d", NULL};
    struct problem problem;
    struct config *config;

    (void)state;
    assert_int_equal(mkdir("given.d", 0700), 0);
    write_file("given.d/a.conf", "domain \"a.example\" { server = \"a:1\" }\n");
    write_file("given.json", "{\"a\": 1}");
    config = load_with(ARGUMENTS("--max-connections", "10", "--max-connections-per-ip", "3",
                                 "--keepalive-timeout", "8", "--threads", "2", "--client",
                                 "https://m", "--client-extra", "given.json", "--redirect",
                                 "https://www.example.com/", "--policy-server-ed25519",
                                 "6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s"),
                       environment, &problem);
    assert_non_null(config);
    assert_int_equal(config->max_connections, 10);
    assert_int_equal(config->max_connections_per_ip, 3);
    assert_int_equal(config->request_timeout, 7);
    assert_int_equal(config->keepalive_timeout, 8);
    assert_int_equal(config->threads, 2);
    assert_string_equal(domain_of(config, "a.example")->server, "a:1");
    assert_string_equal(domain_of(config, "*")->redirect, "https://www.example.com");
    assert_non_null(domain_of(config, "*")->client_extra);
    assert_non_null(domain_of(config, "*")->policy_server_ed25519);
    config_free(config);
}

static void test_a_plain_listener_alone_means_no_https(void **state)
{
    struct config *config = load(ARGUMENTS("-s", SERVER, "-p", "8080"));

    (void)state;
    assert_int_equal(config->listen.count, 0);
    assert_int_equal(config->listen_http.count, 1);
    config_free(config);
    config = load(ARGUMENTS("-s", SERVER, "--metrics-listen", "9090"));
    assert_int_equal(config->listen.count, 1);
    config_free(config);
}

static void test_domain_keeps_that_section_of_the_file_only(void **state)
{
    struct config *config;

    (void)state;
    write_file("two.conf",
               "domain \"a.example\" { server = \"a:1\" client = \"https://a.example\" }\n"
               "domain \"b.example\" { server = \"b:1\" }\n"
               "domain \"*\" { server = \"any:1\" }\n");
    config = load(ARGUMENTS("-c", "two.conf", "--domain", "A.example."));
    assert_int_equal(config->domain_count, 1);
    assert_string_equal(config->domains[0].name, "a.example");
    assert_string_equal(config->domains[0].server, "a:1");
    config_free(config);
    config = load(ARGUMENTS("-c", "two.conf", "--domain", "c.example"));
    assert_int_equal(config->domain_count, 1);
    assert_string_equal(config->domains[0].name, "c.example");
    assert_string_equal(config->domains[0].server, "any:1");
    config_free(config);
    config = load(ARGUMENTS("-c", "two.conf", "-d", "a.example", "-s", "new:1"));
    assert_string_equal(config->domains[0].server, "new:1");
    assert_string_equal(config->domains[0].client, "https://a.example");
    config_free(config);
}

static void test_domain_without_a_file_is_made_of_the_options(void **state)
{
    struct config *config = load(ARGUMENTS("-d", "Example.com", "-s", SERVER));

    (void)state;
    assert_int_equal(config->domain_count, 1);
    assert_string_equal(config->domains[0].name, "example.com");
    assert_string_equal(config->domains[0].server, SERVER);
    config_free(config);
}

static void test_a_domain_that_is_not_configured_is_named(void **state)
{
    struct config *config;

    (void)state;
    write_file("one.conf", "domain \"a.example\" { server = \"a:1\" }\n");
    assert_refused(ARGUMENTS("-c", "one.conf", "-d", "b.example"), PROBLEM_USAGE,
                   "--domain: one.conf does not configure \"b.example\"");
    config = load(ARGUMENTS("-c", "one.conf", "-d", "b.example", "-s", "b:1"));
    assert_int_equal(config->domain_count, 1);
    assert_string_equal(config->domains[0].name, "b.example");
    config_free(config);
}

static void test_delegation_options_are_for_any_host_beside_the_files_domains(void **state)
{
    struct config *config;

    (void)state;
    write_file("one.conf", "domain \"a.example\" { server = \"a:1\" }\n");
    config = load(ARGUMENTS("-c", "one.conf", "-s", "any:1"));
    assert_int_equal(config->domain_count, 2);
    assert_string_equal(domain_of(config, "a.example")->server, "a:1");
    assert_string_equal(domain_of(config, "*")->server, "any:1");
    config_free(config);
}

static void test_certificates_of_the_options_win_over_the_chosen_domains_own(void **state)
{
    struct config *config;

    (void)state;
    write_file("own.conf",
               "certificate = top.pem key = top.key\n"
               "domain \"a\" { server = \"a:1\" certificate = own.pem key = own.key }\n");
    config = load(ARGUMENTS("-c", "own.conf", "-d", "a", "-C", "new.pem", "-K", "new.key"));
    assert_string_equal(config->certificate, "new.pem");
    assert_string_equal(config->domains[0].certificate, "new.pem");
    assert_string_equal(config->domains[0].key, "new.key");
    config_free(config);
    config = load(ARGUMENTS("-c", "own.conf", "-C", "new.pem", "-K", "new.key"));
    assert_string_equal(config->domains[0].certificate, "own.pem");
    config_free(config);
}

static void test_self_signed_takes_the_place_of_the_files_certificate(void **state)
{
    struct config *config;

    (void)state;
    write_file("top.conf", "server = \"a:1\" certificate = top.pem key = top.key\n");
    config = load(ARGUMENTS("-c", "top.conf", "--self-signed"));
    assert_true(config->self_signed);
    assert_null(config->certificate);
    assert_null(config->key);
    config_free(config);
}

static void test_a_certificate_without_its_key_is_refused(void **state)
{
    struct config *config;

    (void)state;
    assert_refused(ARGUMENTS("-s", SERVER, "-C", "a.pem"), PROBLEM_USAGE,
                   "certificate is given without key");
    assert_refused(ARGUMENTS("-s", SERVER, "-K", "a.key"), PROBLEM_USAGE,
                   "key is given without certificate");
    assert_text_refused("server = \"a:1\"\ncertificate = a.pem\n",
                        "test.conf:2: certificate is given without key");
    assert_text_refused("\nkey = a.key\nserver = \"a:1\"",
                        "test.conf:2: key is given without certificate");
    assert_text_refused("\ndomain \"a\" {\n server = \"a:1\"\n certificate = a.pem }",
                        "test.conf:2: domain \"a\": certificate is given without key");
    write_file("half.conf", "server = \"a:1\" certificate = a.pem\n");
    config = load(ARGUMENTS("-c", "half.conf", "-K", "a.key"));
    assert_string_equal(config->key, "a.key");
    config_free(config);
}

static void test_a_domain_that_serves_nothing_is_refused(void **state)
{
    struct config *config;

    (void)state;
    assert_text_refused("\ndomain \"a\" { redirect = \"https://b\" }",
                        "test.conf:2: domain \"a\" has nothing to serve");
    assert_text_refused("redirect = \"https://b\"", "domain \"*\" has nothing to serve");
    assert_text_refused("domain \"a\" { }", "has nothing to serve");
    assert_text_refused("domain \"a\" { server = \"a:1\" identity_server = \"https://id\" }",
                        "has identity_server but no client");
    assert_refused(ARGUMENTS("-s", SERVER, "--identity-server", "https://id"), PROBLEM_USAGE,
                   "has identity_server but no client");
    config = load_text("domain \"a\" { client = \"https://a\" }\n"
                       "domain \"b\" { support { page = \"https://a\" } }\n"
                       "domain \"c\" { policy_server_ed25519 = "
                       "\"6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s\" }\n"
                       "domain \"d\" { support { contact { role = m.role.admin "
                       "email_address = \"a@b.c\" } } }\n");
    assert_int_equal(config->domain_count, 4);
    config_free(config);
}

static void test_a_redirect_of_a_domain_to_itself_is_refused(void **state)
{
    struct config *config;

    (void)state;
    assert_text_refused(
        "domain \"example.com\" {\n server = \"a:1\"\n redirect = \"https://EXAMPLE.com/a/\"\n}",
        "test.conf:1: domain \"example.com\" has a redirect to itself");
    assert_text_refused("domain \"a.b\" { server = \"a:1\" redirect = \"https://a.b:443\" }",
                        "redirect to itself");
    assert_text_refused("domain \"a.b\" { server = \"a:1\" redirect = \"http://a.b\" }",
                        "redirect to itself");
    assert_text_refused(
        "domain \"[2001:db8::1]\" { server = \"a:1\" redirect = \"https://[2001:db8::1]\" }",
        "redirect to itself");
    config = load_text("domain \"a.b\" { server = \"a:1\" redirect = \"https://www.a.b//\" }\n"
                       "domain \"b.b\" { server = \"a:1\" redirect = \"https://b.b:8443\" }\n"
                       "domain \"*\" { server = \"a:1\" redirect = \"https://b.b/x/\" }\n");
    assert_string_equal(domain_of(config, "a.b")->redirect, "https://www.a.b");
    assert_string_equal(domain_of(config, "*")->redirect, "https://b.b/x");
    config_free(config);
}

static void test_legal_values_that_are_probably_not_meant_get_warnings(void **state)
{
    struct config *config =
        load_text("\nserver = \"m.example.com\"\nclient = \"http://m.example.com\"\n"
                  "max_age = 299\nlisten_http = 80\ncertificate = a.pem\nkey = a.key\n");

    (void)state;
    assert_int_equal(config->warning_count, 4);
    assert_warns(config, "test.conf:2: m.server \"m.example.com\" has no port: other servers will "
                         "look for SRV records of m.example.com, then use port 8448");
    assert_warns(config, "test.conf:3: client \"http://m.example.com\" is not https");
    assert_warns(config, "test.conf:4: max_age 299 is below 300");
    assert_warns(config, "test.conf:6: a certificate is given, but there is no HTTPS listener");
    config_free(config);
    config = load_text("server = \"192.0.2.1\" max_age = 300\n"
                       "domain \"a.b\" { server = \"a.b:443\" }\n"
                       "domain \"c.d\" { server = \"[2001:db8::1]\" }\n");
    assert_int_equal(config->warning_count, 0);
    config_free(config);
    config = load(ARGUMENTS("-s", "m.example.com"));
    assert_int_equal(config->warning_count, 1);
    config_free(config);
}

static void test_a_flood_of_warnings_is_cut_off(void **state)
{
    FILE *file = fopen("flood.conf", "w");
    struct config *config;

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        fprintf(file, "domain \"d%d\" { server = \"a\" }\n", i);
    }
    assert_int_equal(fclose(file), 0);
    config = load(ARGUMENTS("-c", "flood.conf"));
    assert_int_equal(config->warning_count, 101);
    assert_non_null(strstr(config->warnings[100], "only the first are shown"));
    config_free(config);
}

static void test_an_address_in_two_lists_is_refused_across_options_and_file(void **state)
{
    (void)state;
    write_file("http.conf", "server = \"a:1\" listen_http = \"[::]:8443\"\n");
    assert_refused(ARGUMENTS("-c", "http.conf", "-l", "8443"), PROBLEM_USAGE,
                   "--listen: [::]:8443 is listened on already");
    assert_refused(ARGUMENTS("-s", SERVER, "-l", "1", "--metrics-listen", "1"), PROBLEM_USAGE,
                   "--metrics-listen: [::]:1 is listened on already");
}

static void test_loading_again_reads_the_file_anew(void **state)
{
    char *argv[] = {(char[]){"matrix-wellknownd"}, (char[]){"-c"}, (char[]){"again.conf"}, NULL};
    char *environment[] = {NULL};
    struct options options;
    struct problem problem;
    struct config *config;

    (void)state;
    assert_true(options_parse(&options, 3, argv, environment, &problem));
    write_file("again.conf", "server = \"a:1\"");
    config = config_load(&options, &problem);
    assert_string_equal(config->domains[0].server, "a:1");
    config_free(config);
    write_file("again.conf", "server = \"b:1");
    assert_null(config_load(&options, &problem));
    write_file("again.conf", "server = \"b:1\"");
    config = config_load(&options, &problem);
    assert_string_equal(config->domains[0].server, "b:1");
    config_free(config);
    options_clear(&options);
}

/* The sample in etc/: its path comes from the build. */
static char *read_sample(void)
{
    const char *sources = getenv("srcdir");
    char name[4096];
    char *text = calloc(1, 65536);
    FILE *file;

    snprintf(name, sizeof(name), "%s/etc/matrix-wellknownd.conf", sources != NULL ? sources : ".");
    file = fopen(name, "r");
    if (file == NULL || text == NULL || fread(text, 1, 65535, file) == 0) {
        fprintf(stderr, "%s cannot be read: set srcdir\n", name);
        exit(1);
    }
    fclose(file);
    return text;
}

static char *sample;

static void test_the_sample_configuration_loads(void **state)
{
    struct config *config = load_text(sample);
    const struct domain_config *domain = domain_of(config, "example.com");

    (void)state;
    assert_int_equal(config->domain_count, 1);
    assert_int_equal(config->warning_count, 0);
    assert_string_equal(domain->server, "matrix.example.com:8448");
    assert_string_equal(domain->client, "https://matrix.example.com");
    assert_string_equal(config->certificate, "/etc/letsencrypt/live/example.com/fullchain.pem");
    assert_string_equal(config->key, "/etc/letsencrypt/live/example.com/privkey.pem");
    config_free(config);
}

/* Whether the sample has the key at the beginning of a line, perhaps commented out. */
static bool sample_shows(const char *name)
{
    size_t length = strlen(name);

    for (const char *line = sample; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += strspn(line, "\n");
        for (const char *word = line; *word != '\n' && *word != '\0'; word++) {
            bool starts = word == line || strchr(" #{", word[-1]) != NULL;

            if (starts && strncmp(word, name, length) == 0 &&
                (strncmp(word + length + strspn(word + length, " "), "=", 1) == 0 ||
                 strncmp(word + length, " {", 2) == 0 || strncmp(word + length, " \"", 2) == 0)) {
                return true;
            }
        }
    }
    return false;
}

static void test_the_sample_configuration_shows_every_key(void **state)
{
    (void)state;
    for (size_t i = 0; setting_at(i); i++) {
        const struct setting *setting = setting_at(i);

        if ((setting->where & ~(unsigned)(ON_COMMAND_LINE | IN_ENVIRONMENT)) != 0 &&
            !sample_shows(setting->name)) {
            fail_msg("the sample does not show %s", setting->name);
        }
    }
}

/* Turns `#key…`, which is how the sample writes what is commented out, into `key…`. */
static void test_what_the_sample_has_commented_out_is_right_too(void **state)
{
    char *text = strdup(sample);
    struct config *config;

    (void)state;
    assert_non_null(text);
    for (char *hash = strchr(text, '#'); hash != NULL; hash = strchr(hash + 1, '#')) {
        char next = hash[1];

        if (next != ' ' && next != '\n') {
            *hash = ' ';
            hash += strspn(hash, " ");
            hash = strchr(hash, '\n');
        } else if (next == ' ' && strncmp(hash, "#    ", 5) == 0) {
            *hash = ' ';
        } else {
            hash = strchr(hash, '\n');
        }
    }
    assert_int_equal(mkdir("domains.d", 0700), 0);
    write_file("example.com.client.json", "{}");
    config = load_text(text);
    assert_int_equal(config->domain_count, 2);
    assert_int_equal(domain_of(config, "example.com")->contact_count, 2);
    assert_string_equal(config->user, "matrix-wellknownd");
    assert_int_equal(config->max_age, 3600);
    assert_int_equal(config->max_connections, 1024);
    assert_int_equal(config->max_connections_per_ip, 64);
    assert_int_equal(config->request_timeout, 10);
    assert_int_equal(config->keepalive_timeout, 5);
    assert_int_equal(config->threads, 0);
    assert_int_equal(config->warning_count, 0);
    config_free(config);
    free(text);
}

static void test_misspelt_words_are_near_and_others_far(void **state)
{
    (void)state;
    assert_int_equal(spelling_distance("server", "server"), 0);
    assert_int_equal(spelling_distance("sever", "server"), 1);
    assert_int_equal(spelling_distance("sevrer", "server"), 1);
    assert_int_equal(spelling_distance("servers", "server"), 1);
    assert_int_equal(spelling_distance("listen-htpt", "listen_http"), 2);
    assert_int_equal(spelling_distance("key", "page"), SPELLING_FAR);
    assert_int_equal(spelling_distance("a", "b"), SPELLING_FAR);
    assert_int_equal(spelling_distance("", "key"), SPELLING_FAR);
    assert_int_equal(spelling_distance("a-word-that-is-longer-than-any-key-is", "server"),
                     SPELLING_FAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server_alone_is_enough_and_the_rest_has_defaults),
        cmocka_unit_test(test_nothing_at_all_asks_for_a_server_name),
        cmocka_unit_test(test_options_win_over_the_file),
        cmocka_unit_test(test_the_environment_wins_over_the_file),
        cmocka_unit_test(test_a_value_of_the_file_that_is_overridden_is_noted_with_both_places),
        cmocka_unit_test(test_every_value_keeps_its_origin),
        cmocka_unit_test(test_what_is_wrong_is_said_of_where_it_stands),
        cmocka_unit_test(test_every_key_of_the_top_level_can_be_given_without_a_file),
        cmocka_unit_test(test_a_plain_listener_alone_means_no_https),
        cmocka_unit_test(test_domain_keeps_that_section_of_the_file_only),
        cmocka_unit_test(test_domain_without_a_file_is_made_of_the_options),
        cmocka_unit_test(test_a_domain_that_is_not_configured_is_named),
        cmocka_unit_test(test_delegation_options_are_for_any_host_beside_the_files_domains),
        cmocka_unit_test(test_certificates_of_the_options_win_over_the_chosen_domains_own),
        cmocka_unit_test(test_self_signed_takes_the_place_of_the_files_certificate),
        cmocka_unit_test(test_a_certificate_without_its_key_is_refused),
        cmocka_unit_test(test_a_domain_that_serves_nothing_is_refused),
        cmocka_unit_test(test_a_redirect_of_a_domain_to_itself_is_refused),
        cmocka_unit_test(test_legal_values_that_are_probably_not_meant_get_warnings),
        cmocka_unit_test(test_a_flood_of_warnings_is_cut_off),
        cmocka_unit_test(test_an_address_in_two_lists_is_refused_across_options_and_file),
        cmocka_unit_test(test_loading_again_reads_the_file_anew),
        cmocka_unit_test(test_the_sample_configuration_loads),
        cmocka_unit_test(test_the_sample_configuration_shows_every_key),
        cmocka_unit_test(test_what_the_sample_has_commented_out_is_right_too),
        cmocka_unit_test(test_misspelt_words_are_near_and_others_far),
    };
    int failed;

    sample = read_sample();
    failed = cmocka_run_group_tests(tests, fixture_open, fixture_close);
    free(sample);
    return failed;
}
