#include "daemon/seccomp.h"

#include <config.h>

#include "daemon/log.h"

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Whatever the arguments. Names that an architecture or an older libseccomp lacks are skipped. */
static const char *const allowed[] = {
    /* waiting, and waking up others */
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd2",
    "poll",
    "ppoll",
    "ppoll_time64",
    "pselect6",
    "pselect6_time64",
    "restart_syscall",
    /* connections: making them, answering; see below for sending */
    "accept4",
    "bind",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "recv",
    "recvfrom",
    "recvmsg",
    "shutdown",
    /* descriptors */
    "close",
    "dup3",
    "fcntl",
    "fcntl64",
    "read",
    "readv",
    "write",
    "writev",
    /* files: certificates and configuration. Landlock decides which */
    "_llseek",
    "fstat",
    "fstat64",
    "fstatat64",
    "getcwd",
    "getdents64",
    "lseek",
    "lstat",
    "lstat64",
    "newfstatat",
    "open",
    "openat",
    "pread64",
    "readlink",
    "readlinkat",
    "stat",
    "stat64",
    "statx",
    /* Unix sockets that we made */
    "unlink",
    "unlinkat",
    /* the watch */
    "inotify_add_watch",
    "inotify_init1",
    "inotify_rm_watch",
    /* memory; see below for the rest */
    "brk",
    "madvise",
    "mremap",
    "munmap",
    /* threads, and their ends */
    "exit",
    "exit_group",
    "futex",
    "futex_time64",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "sigreturn",
    /* time and chance */
    "clock_getres",
    "clock_getres_time64",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "getrandom",
    "gettimeofday",
    "nanosleep",
    "time",
    /* what libraries ask of the system and of ourselves */
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrlimit",
    "getrusage",
    "gettid",
    "getuid",
    "sysinfo",
    "ugetrlimit",
    "uname",
};

#define ARGUMENTS(...) \
    {__VA_ARGS__}, sizeof((struct scmp_arg_cmp[]){__VA_ARGS__}) / sizeof(struct scmp_arg_cmp)

/* A system call that is allowed only so. */
struct conditional {
    const char *name;
    struct scmp_arg_cmp arguments[3];
    size_t count;
};

static const int stream_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;

static bool add(scmp_filter_ctx filter, const char *name, const struct scmp_arg_cmp *arguments,
                size_t count)
{
    int number = seccomp_syscall_resolve_name(name);
    int status;

    if (number == __NR_SCMP_ERROR) {
        return true;
    }
    status = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, (unsigned)count, arguments);
    errno = -status;
    return status == 0;
}

static bool add_conditional(scmp_filter_ctx filter)
{
    const struct conditional conditionals[] = {
        /* Listeners that a reload adds. With no connect(2), no address in a message and no way to
           connect by sending (TCP Fast Open), none of these can call out. */
        {"socket",
         ARGUMENTS(SCMP_A0(SCMP_CMP_EQ, AF_INET),
                   SCMP_A1(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)stream_flags, SOCK_STREAM))},
        {"socket",
         ARGUMENTS(SCMP_A0(SCMP_CMP_EQ, AF_INET6),
                   SCMP_A1(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)stream_flags, SOCK_STREAM))},
        {"socket",
         ARGUMENTS(SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
                   SCMP_A1(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)stream_flags, SOCK_STREAM))},
        {"send", ARGUMENTS(SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0))},
        {"sendto",
         ARGUMENTS(SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0), SCMP_A4(SCMP_CMP_EQ, 0))},
        {"sendmsg", ARGUMENTS(SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0))},
        {"setsockopt", ARGUMENTS(SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET))},
        {"setsockopt", ARGUMENTS(SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP))},
        {"setsockopt", ARGUMENTS(SCMP_A1(SCMP_CMP_EQ, IPPROTO_IPV6))},
        /* No memory becomes a program. */
        {"mmap", ARGUMENTS(SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))},
        {"mmap2", ARGUMENTS(SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))},
        {"mprotect", ARGUMENTS(SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))},
        /* abort(3) */
        {"tgkill", ARGUMENTS(SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()))},
        /* Asking for a limit, not setting one; naming memory (glibc); whether it is a terminal. */
        {"prlimit64", ARGUMENTS(SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0))},
        {"prctl", ARGUMENTS(SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA))},
        {"ioctl", ARGUMENTS(SCMP_A1(SCMP_CMP_EQ, TCGETS))},
    };

    for (size_t i = 0; i < sizeof(conditionals) / sizeof(conditionals[0]); i++) {
        if (!add(filter, conditionals[i].name, conditionals[i].arguments, conditionals[i].count)) {
            return false;
        }
    }
    return true;
}

static bool add_all(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (!add(filter, allowed[i], NULL, 0)) {
            return false;
        }
    }
    return add_conditional(filter);
}

/* A system call of another architecture kills too; all threads take the filter on at once. */
static bool set_attributes(scmp_filter_ctx filter)
{
    int status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

    if (status == 0) {
        status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    }
    if (status == 0) {
        /* A binary tree in place of a list; older versions of the library go without. */
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    }
    errno = -status;
    return status == 0;
}

bool seccomp_allow_needed(struct problem *problem)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool good = filter && set_attributes(filter) && add_all(filter);

    if (good) {
        int status = seccomp_load(filter);

        good = status == 0;
        errno = -status;
    }
    if (!good) {
        problem_set(problem, "the seccomp filter cannot be loaded (%s): any system call is allowed",
                    strerror(errno));
    }
    if (filter) {
        seccomp_release(filter);
    }
    return good;
}

#else

bool seccomp_allow_needed(struct problem *problem)
{
    (void)problem;
    log_debug("confinement: built without libseccomp: any system call is allowed");
    return true;
}

#endif
