#include "daemon/system/seccomp.h"

#include <config.h>

#include "base/array.h"
#include "base/log.h"

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

/* What opens for anything but reading. O_TRUNC truncates a file that is opened for reading, too. */
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

/* Whatever the arguments. Names that an architecture or an older libseccomp lacks are skipped. */
static const char *const allowed[] = {
    /* waiting, and waking up others */
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "poll",
    "ppoll", "ppoll_time64", "pselect6", "pselect6_time64", "restart_syscall",
    /* connections, and listeners that a reload adds; see below for their sockets and for sending.
       Not recvmsg, by which a descriptor could come in */
    "accept4", "bind", "getpeername", "getsockname", "getsockopt", "listen", "recv", "recvfrom",
    "shutdown",
    /* descriptors */
    "close", "pwritev2", "read", "readv", "write", "writev",
    /* files: certificates and configuration. Landlock decides which; see below for opening */
    "access", "faccessat", "faccessat2", "_llseek", "fstat", "fstat64", "fstatat64", "getcwd",
    "getdents64", "lseek", "lstat", "lstat64", "newfstatat", "pread64", "readlink", "readlinkat",
    "stat", "stat64", "statx",
    /* the watch */
    "inotify_add_watch", "inotify_init1", "inotify_rm_watch",
    /* memory; see below for the rest */
    "brk", "mremap", "munmap",
    /* threads, and their ends */
    "exit", "exit_group", "futex", "futex_time64", "rseq", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "sched_yield", "set_robust_list", "sigreturn",
    /* time and random numbers */
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "getrandom", "gettimeofday", "nanosleep", "time",
    /* what libraries ask of the system and of ourselves */
    "getegid", "geteuid", "getgid", "getpid", "getppid", "getrlimit", "getrusage", "gettid",
    "getuid", "sysinfo", "ugetrlimit", "uname"};

/* A system call that is allowed with such arguments only. */
struct conditional {
    const char *name;
    struct scmp_arg_cmp arguments[3]; /* those without an operator are not used */
};

#define IS(number, value)                                                    \
    {                                                                        \
        .arg = (number), .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)(value) \
    }
#define LACKS(number, bits)                                                                      \
    {                                                                                            \
        .arg = (number), .op = SCMP_CMP_MASKED_EQ, .datum_a = (scmp_datum_t)(bits), .datum_b = 0 \
    }
#define IS_BUT_FOR(number, bits, value)                                              \
    {                                                                                \
        .arg = (number), .op = SCMP_CMP_MASKED_EQ, .datum_a = ~(scmp_datum_t)(bits), \
        .datum_b = (value)                                                           \
    }
#define IS_NOT(number, value)                                                \
    {                                                                        \
        .arg = (number), .op = SCMP_CMP_NE, .datum_a = (scmp_datum_t)(value) \
    }
#define STREAM_SOCKET(family)                                                                 \
    {                                                                                         \
        "socket",                                                                             \
        {                                                                                     \
            IS(0, family), IS_BUT_FOR(1, SOCK_CLOEXEC | SOCK_NONBLOCK, SOCK_STREAM), IS(2, 0) \
        }                                                                                     \
    }

#define FCNTL(command)           \
    {"fcntl", {IS(1, command)}}, \
    {                            \
        "fcntl64",               \
        {                        \
            IS(1, command)       \
        }                        \
    }
#define OPTION(level, option)           \
    {                                   \
        "setsockopt",                   \
        {                               \
            IS(1, level), IS(2, option) \
        }                               \
    }

static const struct conditional conditionals[] = {
    /* Listeners that a reload adds. With no connect(2), no address with a message and no way to
       connect by sending (TCP Fast Open), none of these can call out. */
    STREAM_SOCKET(AF_INET),
    STREAM_SOCKET(AF_INET6),
    OPTION(SOL_SOCKET, SO_REUSEADDR),
    OPTION(SOL_SOCKET, SO_RCVBUF),
    OPTION(SOL_SOCKET, SO_SNDBUF),
    OPTION(IPPROTO_IPV6, IPV6_V6ONLY),
    /* Connections. TCP_CORK is libmicrohttpd's. */
    OPTION(IPPROTO_TCP, TCP_NODELAY),
    OPTION(IPPROTO_TCP, TCP_CORK),
    OPTION(IPPROTO_TCP, TCP_QUICKACK),
    {"send", {LACKS(3, MSG_FASTOPEN)}},
    {"sendto", {LACKS(3, MSG_FASTOPEN), IS(4, 0)}},
    /* How much a client has yet to acknowledge; see transport.c. */
    {"ioctl", {IS(1, SIOCOUTQ)}},
    /* Of what fcntl(2) can do: not signals (F_SETOWN, F_SETSIG, F_NOTIFY), locks, leases, or copies
       of a descriptor under another number. */
    FCNTL(F_GETFD),
    FCNTL(F_SETFD),
    FCNTL(F_GETFL),
    {"fcntl", {IS(1, F_SETFL), LACKS(2, O_ASYNC)}},
    {"fcntl64", {IS(1, F_SETFL), LACKS(2, O_ASYNC)}},
    /* Files are read. */
    {"open", {LACKS(1, WRITING)}},
    {"openat", {LACKS(2, WRITING)}},
    /* No memory becomes a program. */
    {"mmap", {LACKS(2, PROT_EXEC)}},
    {"mmap2", {LACKS(2, PROT_EXEC)}},
    {"mprotect", {LACKS(2, PROT_EXEC)}},
    {"madvise", {IS(2, MADV_DONTNEED)}},
    {"madvise", {IS(2, MADV_FREE)}},
    /* Asking for a limit, not setting one; for the CPUs of our own; naming memory (glibc); whether
       it is a terminal. */
    {"prlimit64", {IS(0, 0), IS(2, 0)}},
    {"sched_getaffinity", {IS(0, 0)}},
    {"prctl", {IS(0, PR_SET_VMA)}},
    {"ioctl", {IS(1, TCGETS)}},
};

/* Only where the configuration has Unix sockets: making them, and removing those that we made. */
static const struct conditional unix_sockets[] = {
    STREAM_SOCKET(AF_UNIX),
    {"unlink", {{0}}},
    {"unlinkat", {IS(2, 0)}},
};

static bool add(scmp_filter_ctx filter, const char *name, const struct scmp_arg_cmp *arguments,
                unsigned count)
{
    int number = seccomp_syscall_resolve_name(name);
    int status;

    if (number == __NR_SCMP_ERROR) {
        return true;
    }
    status = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, arguments);
    errno = -status;
    return status == 0;
}

static unsigned used_arguments(const struct conditional *conditional)
{
    unsigned count = 0;

    while (count < ARRAY_SIZE(conditional->arguments) &&
           conditional->arguments[count].op != _SCMP_CMP_MIN) {
        count++;
    }
    return count;
}

static bool add_conditionals(scmp_filter_ctx filter, const struct conditional *list, size_t count)
{
    bool good = true;

    for (size_t i = 0; good && i < count; i++) {
        good = add(filter, list[i].name, list[i].arguments, used_arguments(&list[i]));
    }
    return good;
}

static bool add_all(scmp_filter_ctx filter, const struct seccomp_needs *needs)
{
    /* abort(3) sends a signal, to itself. */
    const struct scmp_arg_cmp own_process = IS(0, getpid());
    /* A message could name any Unix socket of the machine as its receiver, on the one socket of
       this process that takes such a name. */
    const struct scmp_arg_cmp sendmsg[] = {LACKS(2, MSG_FASTOPEN), IS_NOT(0, needs->notify_socket)};
    bool good = add(filter, "tgkill", &own_process, 1) &&
                add(filter, "sendmsg", sendmsg, needs->notify_socket < 0 ? 1 : 2);

    for (size_t i = 0; good && i < ARRAY_SIZE(allowed); i++) {
        good = add(filter, allowed[i], NULL, 0);
    }
    return good && add_conditionals(filter, conditionals, ARRAY_SIZE(conditionals)) &&
           (!needs->unix_sockets ||
            add_conditionals(filter, unix_sockets, ARRAY_SIZE(unix_sockets)));
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

bool seccomp_allow_needed(const struct seccomp_needs *needs, struct problem *problem)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool good = filter && set_attributes(filter) && add_all(filter, needs);

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

bool seccomp_allow_needed(const struct seccomp_needs *needs, struct problem *problem)
{
    (void)needs;
    (void)problem;
    log_debug("confinement: built without libseccomp: any system call is allowed");
    return true;
}

#endif
