#include "base/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* Reads the first word or two of a file beneath `root`. Returns how many numbers there were: none
   for "max", which is no limit. */
static int read_numbers(const char *root, const char *directory, const char *name,
                        long long numbers[static 2])
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/sys/fs/cgroup%s/%s", root, directory, name);
    FILE *file = length < (int)sizeof(path) ? fopen(path, "re") : NULL;
    int count;

    if (!file) {
        return 0;
    }
    /* What is no number counts as no quota, what is too large as all. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    count = fscanf(file, "%lld %lld", &numbers[0], &numbers[1]);
    fclose(file);
    return count < 0 ? 0 : count;
}

/* The CPUs that the quota of one group lasts for, rounded up; 0 where it has none. */
static unsigned quota_of(const char *root, const char *directory, int version)
{
    long long numbers[2] = {0, 0}, period[2] = {0, 0};

    if (version == 1) {
        if (read_numbers(root, directory, "cpu.cfs_quota_us", numbers) == 0 ||
            read_numbers(root, directory, "cpu.cfs_period_us", period) == 0) {
            return 0;
        }
        numbers[1] = period[0];
    } else if (read_numbers(root, directory, "cpu.max", numbers) < 2) {
        return 0;
    }
    return numbers[0] <= 0 || numbers[1] <= 0
               ? 0
               : (unsigned)((numbers[0] - 1) / numbers[1] % 65536) + 1;
}

/* The least quota of the group at `path` and of those around it. In a container, the path may be
   one that is not there: the group itself is what is mounted at the top. */
static unsigned least_quota(const char *root, const char *mount, char *path, int version)
{
    unsigned least = 0;

    for (;;) {
        char directory[PATH_MAX];
        unsigned quota;

        snprintf(directory, sizeof(directory), "%s%s", mount, path);
        quota = quota_of(root, directory, version);
        least = quota > 0 && (least == 0 || quota < least) ? quota : least;
        if (*path == '\0') {
            return least;
        }
        *strrchr(path, '/') = '\0';
    }
}

/* Whether "cpu" is one of the controllers between commas. */
static int has_cpu(const char *controllers)
{
    while (*controllers != '\0') {
        size_t length = strcspn(controllers, ",");

        if (length == 3 && strncmp(controllers, "cpu", 3) == 0) {
            return 1;
        }
        controllers += length + (controllers[length] == ',');
    }
    return 0;
}

unsigned cpus_by_quota(const char *root)
{
    char path[PATH_MAX], line[PATH_MAX];
    unsigned least = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    file = fopen(path, "re");
    /* HIERARCHY:CONTROLLERS:PATH; version 2 has no controllers there. */
    while (file && fgets(line, sizeof(line), file)) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        unsigned quota = 0;

        if (!group || group[1] != '/') {
            continue;
        }
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (controllers[1] == '\0') {
            quota = least_quota(root, "", group, 2);
        } else if (has_cpu(controllers + 1)) {
            quota = least_quota(root, "/cpu", group, 1);
        }
        least = quota > 0 && (least == 0 || quota < least) ? quota : least;
    }
    if (file) {
        fclose(file);
    }
    return least;
}

unsigned cpus_usable(void)
{
    cpu_set_t set;
    unsigned count = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
    unsigned quota = cpus_by_quota("");

    return quota > 0 && quota < count ? quota : count;
}
