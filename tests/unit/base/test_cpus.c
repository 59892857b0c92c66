/* A container's CPU quota, in either version of control groups. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpus.h"
#include "unit.h"

static char folder[] = "/tmp/cpus-test-XXXXXX";

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

static int open_folder(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

static int close_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file beneath the folder, with the directories that it takes. */
static void put(const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_without_control_groups_there_is_no_quota(void **state)
{
    (void)state;
    assert_int_equal(cpus_by_quota(folder), 0);
    put("proc/self/cgroup", "0::/a\nnonsense\n1:\n");
    assert_int_equal(cpus_by_quota(folder), 0);
    assert_true(cpus_usable() >= 1);
}

static void test_a_quota_of_version_2_is_rounded_up(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/a/b\n");
    put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    assert_int_equal(cpus_by_quota(folder), 0);
    put("sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
    assert_int_equal(cpus_by_quota(folder), 2);
    put("sys/fs/cgroup/a/b/cpu.max", "5000 100000\n");
    assert_int_equal(cpus_by_quota(folder), 1);
}

static void test_the_least_quota_of_the_groups_around_counts(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/a/b\n");
    put("sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
    put("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    assert_int_equal(cpus_by_quota(folder), 3);
    put("proc/self/cgroup", "0::/\n");
    put("sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_int_equal(cpus_by_quota(folder), 2);
}

static void test_a_quota_of_version_1_counts_also_where_the_path_is_the_hosts(void **state)
{
    (void)state;
    put("proc/self/cgroup", "9:memory:/x\n4:cpu,cpuacct:/docker/1234\n0::/\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cpus_by_quota(folder), 0);
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    assert_int_equal(cpus_by_quota(folder), 2);
    put("proc/self/cgroup", "4:cpuset:/\n");
    assert_int_equal(cpus_by_quota(folder), 0);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_without_control_groups_there_is_no_quota),
        WITH_FOLDER(test_a_quota_of_version_2_is_rounded_up),
        WITH_FOLDER(test_the_least_quota_of_the_groups_around_counts),
        WITH_FOLDER(test_a_quota_of_version_1_counts_also_where_the_path_is_the_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
