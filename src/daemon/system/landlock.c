#include "daemon/system/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"

/* <linux/landlock.h> is as old as the distribution; these are the kernel's and never change. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

struct ruleset {
    uint64_t files;
    uint64_t network; /* since version 4 */
    uint64_t scoped;  /* since version 6 */
};

struct rule {
    uint64_t allowed;
    int32_t file;
} __attribute__((packed));

#define BIT(number) (UINT64_C(1) << (number))

enum {
    VERSION_QUERY = 1,
    RULE_PATH_BENEATH = 1,
    READ_FILE = 2,
    READ_DIRECTORY = 3,
    REMOVE_FILE = 5,
    MAKE_SOCKET = 9,
    CONNECT_TCP = 1,
    ABSTRACT_UNIX_SOCKET = 0,
    SIGNAL = 1,
};

/* The rights on files that a version knows, of which each has those of the one before. */
static uint64_t known_rights(long version)
{
    static const unsigned counts[] = {0, 13, 14, 15, 15, 16};
    const long newest = ARRAY_SIZE(counts) - 1;

    return BIT(counts[version < newest ? version : newest]) - 1;
}

int landlock_new(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, VERSION_QUERY);
    struct ruleset ruleset = {0};
    size_t size = sizeof(ruleset.files);

    if (version < 1) {
        return -1;
    }
    ruleset.files = known_rights(version);
    if (version >= 4) {
        ruleset.network = BIT(CONNECT_TCP);
        size += sizeof(ruleset.network);
    }
    if (version >= 6) {
        ruleset.scoped = BIT(ABSTRACT_UNIX_SOCKET) | BIT(SIGNAL);
        size += sizeof(ruleset.scoped);
    }
    return (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
}

bool landlock_allow(int rules, const char *path, enum landlock_use use)
{
    static const uint64_t allowed[] = {
        [LANDLOCK_READ] = BIT(READ_FILE) | BIT(READ_DIRECTORY),
        [LANDLOCK_READ_FILE] = BIT(READ_FILE),
        [LANDLOCK_SOCKETS] = BIT(MAKE_SOCKET) | BIT(REMOVE_FILE),
    };
    int kind = use == LANDLOCK_READ_FILE ? 0 : O_DIRECTORY;
    struct rule rule = {.allowed = allowed[use], .file = open(path, O_PATH | O_CLOEXEC | kind)};
    long status;
    int error;

    if (rule.file < 0) {
        return false;
    }
    status = syscall(SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &rule, 0);
    error = errno;
    close(rule.file);
    errno = error;
    return status == 0;
}

bool landlock_enforce(int rules)
{
    bool good = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    int error = errno;

    close(rules);
    errno = error;
    return good;
}
