#include "unit.h"

#include "daemon/site/site_table.h"

static void assert_host(const char *authority, const char *expected)
{
    char host[SITE_HOST_SIZE];
    bool good = site_host_normalize(authority, strlen(authority), host);

    if (!expected) {
        assert_false(good);
    } else {
        assert_true(good);
        assert_string_equal(host, expected);
    }
}

static void test_hosts_compare_without_case_port_and_trailing_dot(void **state)
{
    (void)state;
    assert_host("example.com", "example.com");
    assert_host("EXAMPLE.com:443", "example.com");
    assert_host("example.com.", "example.com");
    assert_host("example.com.:8443", "example.com");
    assert_host("example.com:", "example.com");
    assert_host("[2001:DB8::1]:443", "[2001:db8::1]");
    assert_host("192.0.2.1:80", "192.0.2.1");
}

static void test_what_is_no_host_is_refused(void **state)
{
    char long_name[301];

    (void)state;
    assert_host("", NULL);
    assert_host(":443", NULL);
    assert_host("a b", NULL);
    assert_host("user@example.com", NULL);
    assert_host("example.com:44x", NULL);
    assert_host("example.com/x", NULL);
    assert_host("[::1", NULL);
    assert_host("[::1]x", NULL);
    assert_host("gr\xc3\xbc.example", NULL);
    assert_host("a\x01", NULL);
    memset(long_name, 'a', 300);
    long_name[300] = '\0';
    assert_host(long_name, NULL);
    long_name[255] = '\0';
    assert_host(long_name, long_name);
}

static struct domain_config domains[3];

/* A configuration for plain HTTP with these domains, all delegated to `server`. */
static struct config config_of(const char *const *names, size_t count, char *server)
{
    memset(domains, 0, sizeof(domains));
    for (size_t i = 0; i < count; i++) {
        domains[i].name = (char *)names[i];
        domains[i].server = server;
    }
    return (struct config){.domains = domains, .domain_count = count, .max_age = 3600};
}

static struct site_table *build(const struct config *config, enum site_certificates certificates)
{
    struct problem problem;
    struct site_table *table = site_table_build(config, NULL, certificates, &problem);

    assert_non_null(table);
    return table;
}

static void test_a_host_gets_its_own_site_or_the_one_for_any(void **state)
{
    const char *const names[] = {"example.com", "*", "example.org"};
    struct config config = config_of(names, 3, (char *)"m.example:443");
    struct site_table *table = build(&config, SITE_CERTIFICATES_NONE);

    (void)state;
    assert_string_equal(site_table_lookup(table, "example.org")->host, "example.org");
    assert_string_equal(site_table_lookup(table, "example.com")->host, "example.com");
    assert_string_equal(site_table_lookup(table, "example.net")->host, "*");
    site_table_free(table);
}

static void test_without_a_site_for_any_host_others_get_none(void **state)
{
    const char *const names[] = {"example.com"};
    struct config config = config_of(names, 1, (char *)"m.example:443");
    struct site_table *table = build(&config, SITE_CERTIFICATES_NONE);

    (void)state;
    assert_null(site_table_lookup(table, "example.net"));
    assert_null(site_table_lookup(table, "sub.example.com"));
    site_table_free(table);
}

static void test_domains_with_the_same_document_share_one_answer(void **state)
{
    const char *const names[] = {"example.com", "example.org", "example.net"};
    struct config config = config_of(names, 3, (char *)"m.example:443");
    struct site_table *table;

    (void)state;
    domains[2].server = (char *)"other.example:443";
    table = build(&config, SITE_CERTIFICATES_NONE);
    assert_int_equal(table->answer_count, 2);
    assert_ptr_equal(site_table_lookup(table, "example.com")->documents[DOCUMENT_SERVER],
                     site_table_lookup(table, "example.org")->documents[DOCUMENT_SERVER]);
    assert_ptr_not_equal(site_table_lookup(table, "example.com")->documents[DOCUMENT_SERVER],
                         site_table_lookup(table, "example.net")->documents[DOCUMENT_SERVER]);
    assert_null(site_table_lookup(table, "example.com")->documents[DOCUMENT_CLIENT]);
    site_table_free(table);
}

static void test_the_throwaway_certificate_is_for_every_name(void **state)
{
    const char *const names[] = {"example.com"};
    struct config config = config_of(names, 1, (char *)"m.example:443");
    struct site_table *table;

    (void)state;
    config.self_signed = true;
    table = build(&config, SITE_CERTIFICATES_ALL);
    assert_non_null(site_table_certificate(table, NULL));
    assert_ptr_equal(site_table_certificate(table, "EXAMPLE.com."),
                     site_table_certificate(table, NULL));
    assert_ptr_equal(site_table_certificate(table, "other.example"),
                     site_table_certificate(table, NULL));
    assert_null(site_table_certificate(table, "not a name"));
    assert_true(credentials_are_for(atomic_load(&site_table_certificate(table, NULL)->current),
                                    "example.com"));
    site_table_free(table);
}

static void test_a_reload_keeps_the_certificates_that_are_still_named(void **state)
{
    const char *const names[] = {"example.com"};
    struct config config = config_of(names, 1, (char *)"m.example:443");
    struct site_table *old, *new;
    struct problem problem;

    (void)state;
    config.self_signed = true;
    old = build(&config, SITE_CERTIFICATES_ALL);
    new = site_table_build(&config, old, SITE_CERTIFICATES_ALL, &problem);
    assert_non_null(new);
    assert_ptr_equal(site_table_certificate(new, NULL), site_table_certificate(old, NULL));
    site_table_free(old);
    assert_non_null(atomic_load(&site_table_certificate(new, NULL)->current));
    site_table_free(new);
}

static void test_https_without_any_certificate_is_a_problem_that_says_what_to_do(void **state)
{
    const char *const names[] = {"example.com"};
    struct config config = config_of(names, 1, (char *)"m.example:443");
    struct problem problem;

    (void)state;
    assert_null(site_table_build(&config, NULL, SITE_CERTIFICATES_AS_NEEDED, &problem));
    assert_says(&problem, "--certificate");
    config.certificate = (char *)"/nonexistent/fullchain.pem";
    config.key = (char *)"/nonexistent/privkey.pem";
    assert_null(site_table_build(&config, NULL, SITE_CERTIFICATES_AS_NEEDED, &problem));
    assert_says(&problem, "no domain has a certificate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_compare_without_case_port_and_trailing_dot),
        cmocka_unit_test(test_what_is_no_host_is_refused),
        cmocka_unit_test(test_a_host_gets_its_own_site_or_the_one_for_any),
        cmocka_unit_test(test_without_a_site_for_any_host_others_get_none),
        cmocka_unit_test(test_domains_with_the_same_document_share_one_answer),
        cmocka_unit_test(test_the_throwaway_certificate_is_for_every_name),
        cmocka_unit_test(test_a_reload_keeps_the_certificates_that_are_still_named),
        cmocka_unit_test(test_https_without_any_certificate_is_a_problem_that_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
