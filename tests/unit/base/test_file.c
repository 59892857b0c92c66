/* Files beneath a directory, under names that strangers have a say in. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char directory[] = "/tmp/test_file-XXXXXX";
static int opened;

static void write_file(const char *name, const char *content)
{
    int file = openat(opened, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    close(file);
}

/* secret, inside/file, inside/deep/file, and three links beneath inside. */
static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(directory)) {
        return -1;
    }
    opened = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    mkdirat(opened, "inside", 0700);
    mkdirat(opened, "inside/deep", 0700);
    mkdirat(opened, "outside", 0700);
    write_file("outside/file", "secret");
    write_file("inside/file", "content");
    write_file("inside/deep/file", "deep");
    write_file("inside/empty", "");
    mkfifoat(opened, "inside/fifo", 0600);
    symlinkat("file", opened, "inside/link");
    symlinkat("../outside", opened, "inside/link_out");
    return 0;
}

static int remove_files(void **state)
{
    static const char *const files[] = {"outside/file",   "inside/file", "inside/deep/file",
                                        "inside/empty",   "inside/fifo", "inside/link",
                                        "inside/link_out"};
    static const char *const directories[] = {"inside/deep", "inside", "outside"};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        unlinkat(opened, files[i], 0);
    }
    for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
        unlinkat(opened, directories[i], AT_REMOVEDIR);
    }
    close(opened);
    return rmdir(directory);
}

static bool read_inside(const char *name, gnutls_datum_t *content, bool *missing,
                        struct problem *problem)
{
    char inside[64];

    snprintf(inside, sizeof(inside), "%s/inside", directory);
    return file_read_beneath(inside, name, 7, content, missing, problem);
}

static void assert_read(const char *name, const char *expected)
{
    gnutls_datum_t content;
    struct problem problem;
    bool missing;

    assert_true(read_inside(name, &content, &missing, &problem));
    assert_int_equal(content.size, strlen(expected));
    assert_memory_equal(content.data, expected, content.size);
    assert_false(missing);
    file_wipe(&content);
}

static void assert_refused(const char *name, const char *reason)
{
    gnutls_datum_t content;
    struct problem problem;
    bool missing;

    assert_false(read_inside(name, &content, &missing, &problem));
    assert_null(content.data);
    assert_says(&problem, reason);
    assert_true(missing == (strcmp(reason, "No such file") == 0));
}

static void test_a_file_is_read_through_real_directories(void **state)
{
    (void)state;
    assert_read("file", "content");
    assert_read("deep/file", "deep");
}

static void test_no_link_is_followed(void **state)
{
    (void)state;
    assert_refused("link", "is a symbolic link");
    assert_refused("link_out", "is a symbolic link");
    assert_refused("link_out/file", "Not a directory");
}

static void test_what_is_no_small_file_is_refused(void **state)
{
    (void)state;
    assert_refused("deep", "is a directory");
    assert_refused("fifo", "is not a regular file");
    assert_refused("empty", "is empty");
    write_file("inside/file", "content!");
    assert_refused("file", "has 8 bytes: 7 are the most");
    write_file("inside/file", "content");
}

static void test_what_is_not_there_is_missing(void **state)
{
    gnutls_datum_t content;
    struct problem problem;
    char long_name[300];
    bool missing;

    (void)state;
    assert_refused("none", "No such file");
    assert_refused("none/file", "No such file");
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_false(read_inside(long_name, &content, &missing, &problem));
    assert_true(missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_read_through_real_directories),
        cmocka_unit_test(test_no_link_is_followed),
        cmocka_unit_test(test_what_is_no_small_file_is_refused),
        cmocka_unit_test(test_what_is_not_there_is_missing),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
