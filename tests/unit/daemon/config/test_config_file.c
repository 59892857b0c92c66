/* Configuration files: the syntax, every key, and every mistake at its line. */
#include "daemon/config/config_fixture.h"

#define ONE_DOMAIN "domain \"example.com\" { server = \"m.example.com:1\" }\n"

static void test_every_key_of_a_domain_is_read(void **state)
{
    struct config *config;
    const struct domain_config *domain;

    (void)state;
    write_file("extra.json", "{\"org.example.extra\": 1}");
    config = load_text(
        "domain \"Example.COM.\" {\n"
        "    server          = \"matrix.example.com:8448\"\n"
        "    client          = \"https://matrix.example.com\"\n"
        "    identity_server = \"https://id.example.com\"\n"
        "    client_extra    = \"extra.json\"\n"
        "    redirect        = \"https://www.example.com/\"\n"
        "    certificate     = \"own/fullchain.pem\"\n"
        "    key             = \"/etc/own/privkey.pem\"\n"
        "    policy_server_ed25519 = \"6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s\"\n"
        "    support {\n"
        "        page = \"https://example.com/support?a=b\"\n"
        "        contact { role = \"m.role.admin\"  matrix_id = \"@admin:example.com\" }\n"
        "        contact { role = \"m.role.security\"  email_address = \"s@example.com\" }\n"
        "    }\n"
        "}\n");
    assert_int_equal(config->domain_count, 1);
    domain = domain_of(config, "example.com");
    assert_string_equal(domain->origin.file, "test.conf");
    assert_int_equal(domain->origin.line, 1);
    assert_string_equal(domain->server, "matrix.example.com:8448");
    assert_string_equal(domain->client, "https://matrix.example.com");
    assert_string_equal(domain->identity_server, "https://id.example.com");
    assert_int_equal(json_integer_value(json_object_get(domain->client_extra, "org.example.extra")),
                     1);
    assert_string_equal(domain->redirect, "https://www.example.com");
    assert_string_equal(domain->certificate, "own/fullchain.pem");
    assert_string_equal(domain->key, "/etc/own/privkey.pem");
    assert_string_equal(domain->policy_server_ed25519,
                        "6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s");
    assert_string_equal(domain->support_page, "https://example.com/support?a=b");
    assert_int_equal(domain->contact_count, 2);
    assert_string_equal(domain->contacts[0].role, "m.role.admin");
    assert_string_equal(domain->contacts[0].matrix_id, "@admin:example.com");
    assert_null(domain->contacts[0].email_address);
    assert_string_equal(domain->contacts[1].email_address, "s@example.com");
    assert_int_equal(config->warning_count, 0);
    config_free(config);
}

static void test_every_key_of_the_top_level_is_read(void **state)
{
    struct config *config;
    char text[ADDRESS_TEXT_SIZE];

    (void)state;
    assert_int_equal(mkdir("empty.d", 0700), 0);
    config = load_text("listen = { \"443\", \"[::1]:8443\", }\n"
                       "listen += \"127.0.0.1:8444\"\n"
                       "listen_http = \"unix:/run/w.sock\"\n"
                       "metrics_listen = { \"127.0.0.1:9090\" }\n"
                       "certificate = \"chain.pem\"\n"
                       "key = \"key.pem\"\n"
                       "domains_dir = \"empty.d\"\n"
                       "max_age = 86400\n"
                       "access_log = yes\n"
                       "log_level = \"debug\"\n"
                       "log_format = json\n"
                       "user = \"nobody\"\n"
                       "max_connections = 2048\n"
                       "max_connections_per_ip = 32\n"
                       "request_timeout = 20\n"
                       "keepalive_timeout = 6\n"
                       "threads = 3\n" ONE_DOMAIN);
    assert_int_equal(config->listen.count, 3);
    assert_string_equal(address_format(&config->listen.items[0], text), "[::]:443");
    assert_string_equal(address_format(&config->listen.items[1], text), "[::1]:8443");
    assert_string_equal(address_format(&config->listen.items[2], text), "127.0.0.1:8444");
    assert_int_equal(config->listen_http.count, 1);
    assert_string_equal(address_format(&config->listen_http.items[0], text), "unix:/run/w.sock");
    assert_int_equal(config->metrics_listen.count, 1);
    assert_string_equal(config->certificate, "chain.pem");
    assert_int_equal(config_origin(config, &config->certificate)->line, 5);
    assert_string_equal(config->key, "key.pem");
    assert_int_equal(config_origin(config, &config->key)->line, 6);
    assert_int_equal(config->max_age, 86400);
    assert_true(config->access_log);
    assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config->log_format, LOG_FORMAT_JSON);
    assert_string_equal(config->user, "nobody");
    assert_int_equal(config->max_connections, 2048);
    assert_int_equal(config->max_connections_per_ip, 32);
    assert_int_equal(config->request_timeout, 20);
    assert_int_equal(config->keepalive_timeout, 6);
    assert_int_equal(config->threads, 3);
    assert_int_equal(config->file_count, 1);
    config_free(config);
}

static void test_the_top_level_can_describe_the_delegation_of_any_host(void **state)
{
    struct config *config = load_text("\n# for everyone\nclient = \"https://m.example.com\"\n"
                                      "server = \"m.example.com:1\"\n"
                                      "support { page = \"https://example.com/\" }\n");
    const struct domain_config *domain = domain_of(config, "*");

    (void)state;
    assert_int_equal(config->domain_count, 1);
    assert_int_equal(domain->origin.line, 3);
    assert_string_equal(domain->server, "m.example.com:1");
    assert_string_equal(domain->support_page, "https://example.com/");
    config_free(config);
}

static void test_comments_strings_and_line_ends_of_every_kind_are_read(void **state)
{
    struct config *config =
        load_text("\xef\xbb\xbf# one # more\r\n"
                  "// two \"\r\n"
                  "/* three { \" \n * four } */ max_age = /* five */ 301 // six\r\n"
                  "log_level = 'info' # '\n"
                  "user = nobody\n"
                  "listen = { # comments may stand in lists\n  443, // here\n /* and */ 444 }\n"
                  "domain 'example.com'\n{\n"
                  "    client = https://m.example.com/a//b # a // in a word is no comment\n"
                  "    server = \"m.\\\nexample.com:1\"\n"
                  "}\n");

    (void)state;
    assert_int_equal(config->max_age, 301);
    assert_int_equal(config->listen.count, 2);
    assert_string_equal(config->user, "nobody");
    assert_int_equal(config->domains[0].origin.line, 11);
    assert_string_equal(config->domains[0].client, "https://m.example.com/a//b");
    assert_string_equal(config->domains[0].server, "m.example.com:1");
    config_free(config);
}

static void test_environment_variables_are_expanded(void **state)
{
    struct config *config;

    (void)state;
    setenv("TEST_SERVER", "m.example.com:1", 1);
    unsetenv("TEST_UNSET");
    config = load_text("server = \"${TEST_SERVER}\"\nuser = ${TEST_UNSET:-nobody}\n");
    assert_string_equal(config->domains[0].server, "m.example.com:1");
    assert_string_equal(config->user, "nobody");
    config_free(config);
    assert_text_refused("server = \"${TEST_UNSET}\"\n",
                        "test.conf:1: the value is empty: m.server");
    assert_text_refused("\nserver = \"${TEST_SERVER\"\n\nuser = \"}\"\n",
                        "test.conf:2: ${ has no end");
}

static void test_a_bad_value_is_reported_at_its_own_line(void **state)
{
    (void)state;
    assert_text_refused(
        "# a\n# b\ndomain \"example.com\" {\n\n  # c\n  server = \"https://m/\"\n}\n",
        "test.conf:6: \"https://m/\" is a URL");
    assert_text_refused("domain \"a\" {\n client = \"m.example.com\"\n}\n",
                        "test.conf:2: client: ");
    assert_text_refused("listen = {\n \"443\",\n \"localhost:1\"\n}\n",
                        "test.conf:3: listen: \"localhost:1\" has a name");
    assert_text_refused("max_age = 172801", "48 hours at most");
    assert_text_refused("max_age = 1h", "test.conf:1: max_age: \"1h\" is not a whole number");
    assert_text_refused("max_age = -1", "is not a whole number");
    assert_text_refused("max_connections = 0", "too small: give a number from 1 to 1000000");
    assert_text_refused("max_connections_per_ip = 1000001", "too large");
    assert_text_refused("request_timeout = 3601", "from 1 to 3600 seconds");
    assert_text_refused("keepalive_timeout = 99999999999999999999", "from 1 to 3600 seconds");
    assert_text_refused("threads = 257", "from 0 to 256, where 0 is");
    assert_text_refused("access_log = perhaps", "neither true nor false");
    assert_text_refused("log_level = loud", "error, warning, info or debug");
    assert_text_refused("log_format = xml", "text or json");
    assert_text_refused("user = ''", "test.conf:1: user: the value is empty");
    assert_text_refused("redirect = \"https://example.com/?a\"", "a query or a fragment");
    assert_text_refused("policy_server_ed25519 = \"abc\"", "test.conf:1: policy_server_ed25519: ");
    assert_text_refused("support {\n page = \"x\" }", "test.conf:2: page: ");
    assert_text_refused("client_extra = \"none.json\"", "test.conf:1: client_extra: ");
}

static void test_a_bad_contact_is_reported_at_its_section(void **state)
{
    (void)state;
    assert_text_refused("support {\n\n contact {\n role = \"m.role.admin\"\n }\n}\n",
                        "test.conf:3: ");
    assert_text_refused(
        "support {\n contact { role = \"m.role.admin\" matrix_id = \"admin\" }\n}\n",
        "test.conf:2: ");
    assert_text_refused("support {\n contact { matrix_id = \"@a:b.c\" }\n}\n", "test.conf:2: ");
    assert_text_refused("\nsupport {\n}\n", "test.conf:2: the support section is empty");
}

static void test_a_bad_domain_name_is_reported_at_its_section(void **state)
{
    (void)state;
    assert_text_refused("\ndomain \"example.com:443\" {\n server = \"a:1\"\n}\n",
                        "test.conf:2: domain: ");
    assert_text_refused("domain \"https://example.com\" { server = \"a:1\" }",
                        "test.conf:1: domain: ");
    assert_text_refused("domain \"*.example.com\" { server = \"a:1\" }", "is a pattern");
    assert_text_refused("domain \"m\xc3\xbcnchen.example\" { server = \"a:1\" }", "xn-- form");
    assert_text_refused("domain \"\" { server = \"a:1\" }", "test.conf:1: domain: ");
}

static void test_an_unknown_key_is_named_with_what_was_probably_meant(void **state)
{
    (void)state;
    assert_text_refused(
        "\nsever = \"a:1\"\n",
        "test.conf:2: \"sever\" is unknown outside of sections: did you mean \"server\"?");
    assert_text_refused("listen-http = 80", "did you mean \"listen_http\"?");
    assert_text_refused("server: a", "did you mean \"server\"?");
    assert_text_refused(
        "domain \"a\" {\n listen = 443 }",
        "test.conf:2: \"listen\" has no place in a domain section: it stands outside");
    assert_text_refused("page = \"https://a\"", "it stands in a support section");
    assert_text_refused(
        "support {\n colour = red }",
        "test.conf:2: \"colour\" is unknown in a support section: there are page, contact");
    assert_text_refused("max_age = 300;", "is not a whole number");
    assert_text_refused("user = \"a\";", "a semicolon");
    assert_text_refused("include(\"/etc/passwd\")", "\"include\" is unknown");
    assert_text_refused("\"domain|a\" = 1", "is unknown");
    assert_text_refused("\"domain=a|server\" = 1", "is unknown");
    assert_text_refused("\"\" = 1", "test.conf:1: a key without a name");
}

static void test_a_key_given_twice_is_reported_with_both_lines(void **state)
{
    (void)state;
    assert_text_refused("max_age = 300\n\nmax_age = 300\n",
                        "test.conf:3: \"max_age\" is given twice, first on line 1");
    assert_text_refused("domain \"a\" {\n server = \"a:1\"\n server = \"b:1\"\n}\n",
                        "test.conf:3: \"server\" is given twice, first on line 2");
    assert_text_refused("listen = { 1, 2 }\nlisten = 3\n",
                        "test.conf:2: \"listen\" is given twice, first on line 1");
    assert_text_refused("support { page = \"https://a\" }\nsupport { page = \"https://a\" }\n",
                        "test.conf:2: \"support\" is given twice, first on line 1");
}

static void test_a_token_out_of_place_is_refused_with_what_would_be_right(void **state)
{
    (void)state;
    assert_text_refused("\nserver \"a:1\"", "test.conf:2: \"server\" has no = after it");
    assert_text_refused("server =", "the file ends in the middle of a setting");
    assert_text_refused("max_age = { 300 }", "a { where none can be");
    assert_text_refused("max_age = = 300", "\"=\" has no place here");
    assert_text_refused("listen = { 1 2 }", "\"2\" has no place here");
    assert_text_refused("server { }", "\"server\" has no = after it");
    assert_text_refused("domain { }", "\"domain\" has no name after it");
    assert_text_refused("domain = \"a\"", "\"domain\" has no name after it");
    assert_text_refused("domain \"a\" = 1", "write domain \"example.com\" {");
    assert_text_refused("support = 1", "\"support\" has no { after it");
    assert_text_refused("max_age += 300", "\"max_age\" is no list");
}

static void test_strings_comments_and_braces_that_do_not_end_are_refused(void **state)
{
    (void)state;
    assert_text_refused("\n\"abc", "test.conf:2: the string is not closed");
    assert_text_refused("server = \"a:1\n\n", "test.conf:1: the string is not closed");
    assert_text_refused("server = 'a:1\n\n", "test.conf:1: the string is not closed");
    assert_text_refused("server = \"a:1\\\"\n", "test.conf:1: the string is not closed");
    assert_text_refused("server = \"a:1\\", "test.conf:1: the string is not closed");
    assert_text_refused("\n/* abc", "test.conf:2: the comment is not closed");
    assert_text_refused("/*/", "test.conf:1: the comment is not closed");
    assert_text_refused("domain \"a\" {\n server = \"a:1\"\n\ndomain \"b\" { server = \"a:1\" }\n",
                        "test.conf:1: the brace is not closed");
    assert_text_refused("listen = {\n 443\n", "test.conf:1: the brace is not closed");
    assert_text_refused("\n}\n", "test.conf:2: a } without a {");
    assert_text_refused("{{{{{{{{{", "test.conf:1: a { where none can be");
    assert_text_refused("user = \"a\\0b\"", "an escape by number");
    assert_text_refused("user = \"a\\999\"", "an escape by number");
    assert_text_refused("user = \"a\\x00\"", "an escape by number");
}

static void test_a_broken_file_leaves_nothing_behind_for_the_next(void **state)
{
    static const char *const broken[] = {"server = \"a",
                                         "server = 'a",
                                         "listen = { \"1\", ",
                                         "domain \"a\" { server = \"x y\"",
                                         "server = \"a\\q",
                                         "listen = { 1 { } }",
                                         "domain \"a\" { sever = 1 }"};

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        struct config *config;

        assert_text_refused(broken[i], "test.conf:1: ");
        config = load_text(ONE_DOMAIN);
        assert_int_equal(config->domain_count, 1);
        config_free(config);
    }
}

static void test_a_file_that_is_no_text_is_refused_at_once(void **state)
{
    size_t length = 10 * 1024 * 1024;
    char *bytes = malloc(length);
    unsigned seed = 1;

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (char)(seed >> 16);
    }
    write_bytes("test.conf", bytes, length);
    assert_refused(ARGUMENTS("-c", "test.conf"), PROBLEM_FAILURE, "is not text");
    memset(bytes, 'a', length);
    write_bytes("test.conf", bytes, length);
    assert_refused(ARGUMENTS("-c", "test.conf"), PROBLEM_FAILURE,
                   "test.conf:1: a value of more than 8192 bytes");
    bytes[0] = '\'';
    bytes[length - 1] = '\'';
    write_bytes("test.conf", bytes, length);
    assert_refused(ARGUMENTS("-c", "test.conf"), PROBLEM_FAILURE, "more than 8192 bytes");
    memset(bytes, '{', length);
    write_bytes("test.conf", bytes, length);
    assert_refused(ARGUMENTS("-c", "test.conf"), PROBLEM_FAILURE, "test.conf:1: a {");
    memset(bytes, ' ', length);
    write_bytes("test.conf", bytes, length);
    assert_refused(ARGUMENTS("-c", "test.conf"), PROBLEM_FAILURE, "configures no domain");
    memset(bytes, '\n', length);
    write_bytes("test.conf", bytes, length);
    assert_refused(ARGUMENTS("-c", "test.conf"), PROBLEM_FAILURE, "configures no domain");
    free(bytes);
    write_bytes("test.conf", "user = \"a\0b\"", 12);
    assert_refused(ARGUMENTS("-c", "test.conf"), PROBLEM_FAILURE, "test.conf:1: the byte 0x00");
    write_bytes("test.conf", "\xff\xfe\x73\x00", 4);
    assert_refused(ARGUMENTS("-c", "test.conf"), PROBLEM_FAILURE, "the byte 0x00");
}

static void test_a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    assert_refused(ARGUMENTS("-c", "none.conf"), PROBLEM_FAILURE, "none.conf: does not exist");
    assert_refused(ARGUMENTS("-c", "none/none.conf"), PROBLEM_FAILURE, "does not exist");
    assert_refused(ARGUMENTS("-c", "."), PROBLEM_FAILURE, "is a directory");
    assert_refused(ARGUMENTS("-c", "/dev/null"), PROBLEM_FAILURE, "is a device");
    assert_int_equal(mkfifo("pipe.conf", 0600), 0);
    assert_refused(ARGUMENTS("-c", "pipe.conf"), PROBLEM_FAILURE, "pipe.conf: is a pipe");
    write_file("empty.conf", "");
    assert_refused(ARGUMENTS("-c", "empty.conf"), PROBLEM_FAILURE,
                   "empty.conf: configures no domain");
    write_file("secret.conf", ONE_DOMAIN);
    assert_int_equal(chmod("secret.conf", 0), 0);
    if (geteuid() != 0) {
        assert_refused(ARGUMENTS("-c", "secret.conf"), PROBLEM_FAILURE, "permission denied");
    }
}

static void test_files_of_domains_dir_are_read_in_order_of_their_names(void **state)
{
    struct config *config;

    (void)state;
    assert_int_equal(mkdir("conf", 0700), 0);
    assert_int_equal(mkdir("conf/domains.d", 0700), 0);
    assert_int_equal(mkdir("conf/domains.d/folder.conf", 0700), 0);
    assert_int_equal(mkfifo("conf/domains.d/pipe.conf", 0600), 0);
    write_file("conf/domains.d/b.conf", "domain \"b.example\" { server = \"b:1\" "
                                        "certificate = \"b.pem\" key = \"/b.key\" }");
    write_file("conf/domains.d/a.conf", "# nothing\n\ndomain \"a.example\" { server = \"a:1\" }");
    write_file("conf/domains.d/empty.conf", "");
    write_file("conf/domains.d/.hidden.conf", "}");
    write_file("conf/domains.d/c.conf~", "}");
    write_file("conf/domains.d/#c.conf#", "}");
    write_file("conf/domains.d/c.conf.dpkg-old", "}");
    write_file("conf/main.conf", ONE_DOMAIN "domains_dir = \"domains.d\"\n");
    config = load(ARGUMENTS("-c", "conf/main.conf"));
    assert_int_equal(config->domain_count, 3);
    assert_string_equal(config->domains[0].name, "example.com");
    assert_string_equal(config->domains[1].name, "a.example");
    assert_string_equal(config->domains[1].origin.file, "conf/domains.d/a.conf");
    assert_int_equal(config->domains[1].origin.line, 3);
    assert_string_equal(config->domains[2].name, "b.example");
    assert_string_equal(config->domains[2].certificate, "conf/domains.d/b.pem");
    assert_string_equal(config->domains[2].key, "/b.key");
    assert_int_equal(config->file_count, 4);
    config_free(config);
}

static void test_a_file_of_domains_dir_holds_domain_sections_only(void **state)
{
    (void)state;
    assert_int_equal(mkdir("only.d", 0700), 0);
    write_file("main.conf", ONE_DOMAIN "domains_dir = \"only.d\"\n");
    write_file("only.d/a.conf", "\nlisten = 443\n");
    assert_refused(ARGUMENTS("-c", "main.conf"), PROBLEM_FAILURE,
                   "only.d/a.conf:2: \"listen\" outside of a domain section: a file of domains_dir "
                   "holds domain sections only");
    write_file("only.d/a.conf", "support { page = \"https://a\" }\n");
    assert_refused(ARGUMENTS("-c", "main.conf"), PROBLEM_FAILURE, "holds domain sections only");
    write_file("only.d/a.conf", "domian \"a\" { }\n");
    assert_refused(ARGUMENTS("-c", "main.conf"), PROBLEM_FAILURE, "did you mean \"domain\"?");
    write_file("only.d/a.conf", "domain \"a\" {\n server = \"\"\n}\n");
    assert_refused(ARGUMENTS("-c", "main.conf"), PROBLEM_FAILURE, "only.d/a.conf:2: ");
    assert_int_equal(remove("only.d/a.conf"), 0);
    assert_int_equal(symlink("nowhere", "only.d/a.conf"), 0);
    assert_refused(ARGUMENTS("-c", "main.conf"), PROBLEM_FAILURE, "only.d/a.conf: does not exist");
    assert_text_refused(ONE_DOMAIN "\ndomains_dir = \"none.d\"\n",
                        "test.conf:3: domains_dir: none.d cannot be read");
    assert_text_refused(ONE_DOMAIN "domains_dir = \"main.conf\"\n",
                        "test.conf:2: domains_dir: main.conf cannot be read");
}

static void test_a_domain_given_twice_is_reported_with_both_places(void **state)
{
    (void)state;
    assert_text_refused(ONE_DOMAIN "\ndomain \"EXAMPLE.com.\" { server = \"a:1\" }\n",
                        "test.conf:3: domain \"example.com\" is there already at test.conf:1");
    assert_int_equal(mkdir("twice.d", 0700), 0);
    write_file("twice.d/a.conf", "\n\ndomain \"example.com\" { server = \"a:1\" }");
    assert_text_refused(ONE_DOMAIN "domains_dir = \"twice.d\"\n",
                        "twice.d/a.conf:3: domain \"example.com\" is there already at test.conf:1");
    assert_text_refused("domain \"*\" { server = \"a:1\" }\nserver = \"b:1\"\n",
                        "test.conf:2: domain \"*\" is there already at test.conf:1");
}

static void test_an_address_given_twice_is_refused(void **state)
{
    struct config *config;

    (void)state;
    assert_text_refused("listen = 443\nlisten_http = \"[::]:443\"\n" ONE_DOMAIN,
                        "test.conf:2: listen_http: [::]:443 is listened on already");
    assert_text_refused("metrics_listen = 443\nlisten = 443\n" ONE_DOMAIN, "test.conf:2: ");
    assert_text_refused("listen = { 443, 443 }\n" ONE_DOMAIN, "is listened on already");
    config = load_text("listen = { 0, 0 }\n" ONE_DOMAIN);
    assert_int_equal(config->listen.count, 2);
    config_free(config);
}

static void test_ten_thousand_domains_keep_their_order_and_their_lines(void **state)
{
    enum {
        COUNT = 10000
    };
    FILE *file = fopen("many.conf", "w");
    struct config *config;
    char name[32];

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < COUNT; i++) {
        fprintf(file, "# %d\ndomain \"d%d.example\" { server = \"m%d.example:1\"\n}\n", i, i, i);
    }
    assert_int_equal(fclose(file), 0);
    config = load(ARGUMENTS("-c", "many.conf"));
    assert_int_equal(config->domain_count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "d%d.example", i);
        assert_string_equal(config->domains[i].name, name);
        assert_int_equal(config->domains[i].origin.line, 3 * i + 2);
    }
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_of_a_domain_is_read),
        cmocka_unit_test(test_every_key_of_the_top_level_is_read),
        cmocka_unit_test(test_the_top_level_can_describe_the_delegation_of_any_host),
        cmocka_unit_test(test_comments_strings_and_line_ends_of_every_kind_are_read),
        cmocka_unit_test(test_environment_variables_are_expanded),
        cmocka_unit_test(test_a_bad_value_is_reported_at_its_own_line),
        cmocka_unit_test(test_a_bad_contact_is_reported_at_its_section),
        cmocka_unit_test(test_a_bad_domain_name_is_reported_at_its_section),
        cmocka_unit_test(test_an_unknown_key_is_named_with_what_was_probably_meant),
        cmocka_unit_test(test_a_key_given_twice_is_reported_with_both_lines),
        cmocka_unit_test(test_a_token_out_of_place_is_refused_with_what_would_be_right),
        cmocka_unit_test(test_strings_comments_and_braces_that_do_not_end_are_refused),
        cmocka_unit_test(test_a_broken_file_leaves_nothing_behind_for_the_next),
        cmocka_unit_test(test_a_file_that_is_no_text_is_refused_at_once),
        cmocka_unit_test(test_a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(test_files_of_domains_dir_are_read_in_order_of_their_names),
        cmocka_unit_test(test_a_file_of_domains_dir_holds_domain_sections_only),
        cmocka_unit_test(test_a_domain_given_twice_is_reported_with_both_places),
        cmocka_unit_test(test_an_address_given_twice_is_refused),
        cmocka_unit_test(test_ten_thousand_domains_keep_their_order_and_their_lines),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
