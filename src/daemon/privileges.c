#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* capset(2) has no wrapper in the C library, and libcap would be a dependency for this one call. */
static bool keep_capability(unsigned capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    data[capability / 32].effective = 1u << (capability % 32);
    data[capability / 32].permitted = 1u << (capability % 32);
    return syscall(SYS_capset, &header, data) == 0;
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
    if (prctl(PR_SET_KEEPCAPS, 1) != 0 || initgroups(name, user->pw_gid) != 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0 ||
        !keep_capability(CAP_DAC_READ_SEARCH) || prctl(PR_SET_KEEPCAPS, 0) != 0) {
        return problem_set(problem, "cannot become user \"%s\": %s", name, strerror(errno));
    }
    return true;
}
