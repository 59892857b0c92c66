#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
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
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        unlinkat(opened, files[i], 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        unlinkat(opened, directories[i], AT_REMOVEDIR);
    }
    close(opened);
    return rmdir(directory);
}

static enum file_result read_inside(const char *name, struct file_content *content,
                                    struct problem *problem)
{
    char inside[64];

    snprintf(inside, sizeof(inside), "%s/inside", directory);
    return file_read_beneath(inside, name, 7, content, problem);
}

static void assert_read(const char *name, const char *expected)
{
    struct file_content content;
    struct problem problem;

    assert_int_equal(read_inside(name, &content, &problem), FILE_GOOD);
    assert_int_equal(content.size, strlen(expected));
    assert_string_equal(content.bytes, expected);
    file_wipe(&content);
    assert_null(content.bytes);
}

static void assert_refused(const char *name, enum file_result result, const char *reason)
{
    struct file_content content;
    struct problem problem;

    assert_int_equal(read_inside(name, &content, &problem), result);
    assert_null(content.bytes);
    assert_says(&problem, reason);
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
    assert_refused("link", FILE_FAILED, "is a symbolic link");
    assert_refused("link_out", FILE_FAILED, "is a symbolic link");
    assert_refused("link_out/file", FILE_FAILED, "Not a directory");
}

static void test_what_is_no_small_file_is_refused(void **state)
{
    (void)state;
    assert_refused("deep", FILE_NOT_REGULAR, "is a directory: a regular file is needed");
    assert_refused("fifo", FILE_NOT_REGULAR, "is a pipe: a regular file is needed");
    write_file("inside/file", "content!");
    assert_refused("file", FILE_FAILED, "has 8 bytes: the limit is 7");
    write_file("inside/file", "content");
}

static void test_an_empty_file_is_good(void **state)
{
    (void)state;
    assert_read("empty", "");
}

static void test_what_is_not_there_is_missing(void **state)
{
    char long_name[300];

    (void)state;
    assert_refused("none", FILE_MISSING, "cannot open it: No such file");
    assert_refused("none/file", FILE_MISSING, "cannot open it: No such file");
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_refused(long_name, FILE_MISSING, "cannot open it: File name too long");
}

static void test_a_path_may_lead_through_links(void **state)
{
    struct file_content content;
    struct problem problem;
    struct stat status;
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%s/inside/link", directory);
    assert_int_equal(file_read(path, 7, &content, &status, &problem), FILE_GOOD);
    assert_string_equal(content.bytes, "content");
    assert_int_equal(status.st_size, 7);
    file_wipe(&content);
    snprintf(path, sizeof(path), "%s/none", directory);
    assert_int_equal(file_read(path, 7, &content, NULL, &problem), FILE_MISSING);
    assert_says(&problem, "/none: cannot open it: No such file");
}

/* Files in /proc say that they are empty, and are not. */
static void test_a_file_without_a_size_is_read_whole(void **state)
{
    struct file_content content;
    struct problem problem;

    (void)state;
    assert_int_equal(file_read("/proc/self/smaps", SIZE_MAX, &content, NULL, &problem), FILE_GOOD);
    assert_true(content.size > 4096);
    assert_int_equal(strlen(content.bytes), content.size);
    file_wipe(&content);
    assert_int_equal(file_read("/proc/self/maps", 100, &content, NULL, &problem), FILE_FAILED);
    assert_says(&problem, "/proc/self/maps: has more than 100 bytes, which is the limit");
    assert_null(content.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_read_through_real_directories),
        cmocka_unit_test(test_no_link_is_followed),
        cmocka_unit_test(test_what_is_no_small_file_is_refused),
        cmocka_unit_test(test_an_empty_file_is_good),
        cmocka_unit_test(test_what_is_not_there_is_missing),
        cmocka_unit_test(test_a_path_may_lead_through_links),
        cmocka_unit_test(test_a_file_without_a_size_is_read_whole),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
