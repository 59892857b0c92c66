/* Challenge certificates: what is written for hooks is what handshakes take. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "daemon/acme/challenge.h"
#include "daemon/acme/issue.h"
#include "daemon/tls/self_signed.h"

static char directory[] = "/tmp/test_acme_challenge-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static void path_of(const char *name, char path[static 512])
{
    snprintf(path, 512, "%s/%s", directory, name);
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"example.com.crt.pem", "example.com.key.pem",
                                        "example.org.crt.pem", "example.org.key.pem"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char path[512];

        path_of(names[i], path);
        unlink(path);
    }
    return rmdir(directory); /* nothing else may be left in it */
}

static void write_challenge(const char *name)
{
    struct problem problem;

    if (!acme_certificate_write(directory, name, "token.thumbprint", &problem)) {
        fail_msg("%s", problem.text);
    }
}

static void assert_served(const char *name, bool expected)
{
    struct credentials *credentials = acme_challenge_load(directory, name);

    assert_true((credentials != NULL) == expected);
    credentials_release(credentials);
}

static void test_what_is_written_for_a_name_is_served_for_that_name(void **state)
{
    (void)state;
    write_challenge("Example.com.");
    assert_served("example.com", true);
    assert_served("EXAMPLE.COM.", true);
    assert_served("example.org", false);
    assert_served("www.example.com", false);
    assert_served("../example.com", false);
    assert_served("", false);
}

static void test_it_can_be_written_anew(void **state)
{
    (void)state;
    write_challenge("example.com");
    write_challenge("example.com");
    assert_served("example.com", true);
}

static void test_the_certificate_of_another_name_is_refused(void **state)
{
    char from[512], to[512];

    (void)state;
    write_challenge("example.com");
    write_challenge("example.org");
    path_of("example.com.crt.pem", from);
    path_of("example.org.crt.pem", to);
    assert_int_equal(rename(from, to), 0);
    path_of("example.com.key.pem", from);
    path_of("example.org.key.pem", to);
    assert_int_equal(rename(from, to), 0);
    assert_served("example.org", false);
    assert_served("example.com", false);
}

static void test_an_ordinary_certificate_is_no_challenge(void **state)
{
    static const char *const names[] = {"example.com"};
    struct problem problem;
    struct credentials *credentials = self_signed_new(names, 1, &problem);

    (void)state;
    assert_non_null(credentials);
    assert_false(acme_challenge_check(credentials, "example.com", "a.pem", &problem));
    assert_says(&problem, "a.pem: ");
    assert_says(&problem, "--acme-challenge");
    credentials_release(credentials);
}

static void test_where_it_cannot_be_written_the_directory_is_named(void **state)
{
    struct problem problem;

    (void)state;
    assert_false(acme_certificate_write("/nonexistent", "example.com", "a.b", &problem));
    assert_says(&problem, "/nonexistent: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_for_a_name_is_served_for_that_name),
        cmocka_unit_test(test_it_can_be_written_anew),
        cmocka_unit_test(test_the_certificate_of_another_name_is_refused),
        cmocka_unit_test(test_an_ordinary_certificate_is_no_challenge),
        cmocka_unit_test(test_where_it_cannot_be_written_the_directory_is_named),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
