#include "daemon/system/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY(number) (UINT64_C(1) << (number))

/* capget(2) and capset(2) have no wrappers in the C library, and libcap would be a dependency for
   these two calls. */

static bool permitted_capabilities(uint64_t *permitted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    if (syscall(SYS_capget, &header, data) != 0) {
        return false;
    }
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    return true;
}

/* Keeps these and no others; what is not inheritable is not ambient either. */
static bool keep_capabilities(uint64_t kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    for (int i = 0; i < 2; i++) {
        data[i].effective = data[i].permitted = (uint32_t)(kept >> (32 * i));
    }
    return syscall(SYS_capset, &header, data) == 0;
}

/* Which one lets us read any file. A container's root has only the one that lets it write too. */
static uint64_t reading_capability(uint64_t permitted)
{
    uint64_t least = CAPABILITY(CAP_DAC_READ_SEARCH);

    return (permitted & least) != 0 ? least : (permitted & CAPABILITY(CAP_DAC_OVERRIDE));
}

bool privileges_refused(const char *call, struct problem *problem)
{
    return problem_set(problem,
                       "cannot give up privileges: %s: %s: allow this process that system call (a "
                       "container's seccomp profile can refuse it)",
                       call, strerror(errno));
}

bool privileges_reduce(struct problem *problem)
{
    uint64_t permitted, kept;

    if (!permitted_capabilities(&permitted)) {
        return privileges_refused("capget", problem);
    }
    kept = reading_capability(permitted) | (permitted & CAPABILITY(CAP_NET_BIND_SERVICE));
    /* A service manager that has taken the others away may have taken capset(2) away, too. */
    return keep_capabilities(kept) || permitted == kept || privileges_refused("capset", problem);
}

/* To be called as the unprivileged user, with the capabilities that root had. */
static bool keep_reading_capability(void)
{
    uint64_t permitted;

    return permitted_capabilities(&permitted) && keep_capabilities(reading_capability(permitted));
}

/* NULL, or the system call that failed, with errno. */
static const char *become(const struct passwd *user)
{
    return prctl(PR_SET_KEEPCAPS, 1) != 0                             ? "prctl(PR_SET_KEEPCAPS)"
           : initgroups(user->pw_name, user->pw_gid) != 0             ? "setgroups"
           : setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ? "setresgid"
           : setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0 ? "setresuid"
           : !keep_reading_capability()                               ? "capset"
           : prctl(PR_SET_KEEPCAPS, 0) != 0                           ? "prctl(PR_SET_KEEPCAPS)"
                                                                      : NULL;
}

static const struct passwd *find_user(const char *name, struct problem *problem)
{
    const struct passwd *user;

    errno = 0;
    user = getpwnam(name);
    if (!user) {
        problem_set(problem, "user \"%s\": %s", name,
                    errno ? strerror(errno) : "there is no such user: create it first");
    } else if (user->pw_uid == 0) {
        problem_set(problem, "user \"%s\" is root: name an unprivileged user", name);
        user = NULL;
    }
    return user;
}

bool privileges_check(const char *name, struct problem *problem)
{
    return find_user(name, problem) != NULL;
}

bool privileges_drop(const char *name, struct problem *problem)
{
    const struct passwd *user = find_user(name, problem);
    const char *refused;

    if (!user) {
        return false;
    }
    if (geteuid() != 0) {
        return user->pw_uid == geteuid() ||
               problem_set(problem,
                           "cannot become user \"%s\": only root can: start as root, or "
                           "leave --user out",
                           name);
    }
    refused = become(user);
    return !refused || privileges_refused(refused, problem) ||
           problem_prefix(problem, "cannot become user \"%s\": ", name);
}
