#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"

/* How a line gets to standard error without waiting for its reader. */
enum kind {
    KIND_WAITING, /* a regular file; or no limit has been set yet */
    KIND_SOCKET,  /* each send can say that it must not wait */
    KIND_OWN,     /* a pipe or terminal, opened once more with O_NONBLOCK, for us alone */
    KIND_SHARED,  /* one that could not be opened: each write says that it must not wait */
    KIND_POLLED,  /* one where a write cannot say that: asked each time whether there is room */
};

enum {
    ATTEMPTS = 100 /* to be the thread that asks */
};

static _Atomic enum kind kind = KIND_WAITING;
static int sink_file = STDERR_FILENO;
static unsigned patience;                        /* milliseconds of waiting that are left */
static atomic_bool is_torn;                      /* the last line was written in part */
static atomic_flag is_asking = ATOMIC_FLAG_INIT; /* some thread, of KIND_POLLED */

static void open_sink(void)
{
    struct stat status;

    if (fstat(STDERR_FILENO, &status) != 0 || S_ISREG(status.st_mode)) {
        return;
    }
    if (S_ISSOCK(status.st_mode)) {
        kind = KIND_SOCKET;
        return;
    }
    /* O_NONBLOCK on the descriptor that we were given would be one for its other users, too. */
    int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (own >= 0) {
        sink_file = own;
    }
    kind = own >= 0 ? KIND_OWN : KIND_SHARED;
}

void sink_limit_waiting(unsigned milliseconds)
{
    if (kind == KIND_WAITING) {
        open_sink();
    }
    patience = milliseconds;
}

/* A pipe that has room takes a line without waiting, unless another process fills it meanwhile; of
   our own threads one at a time asks and writes. Only where the kernel leaves no other way. */
static ssize_t write_polled(const char *line, size_t length)
{
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t written = -1;
    int attempts = 0;

    while (atomic_flag_test_and_set_explicit(&is_asking, memory_order_acquire)) {
        if (++attempts == ATTEMPTS) {
            errno = EAGAIN;
            return -1;
        }
        sched_yield();
    }
    errno = EAGAIN;
    if (poll(&room, 1, 0) == 1) {
        written = write(STDERR_FILENO, line, length);
    }
    atomic_flag_clear_explicit(&is_asking, memory_order_release);
    return written;
}

/* Pipes since Linux 6.4. */
static ssize_t write_shared(const char *line, size_t length)
{
    const struct iovec bytes = {.iov_base = (char *)line, .iov_len = length};
    ssize_t written = pwritev2(STDERR_FILENO, &bytes, 1, -1, RWF_NOWAIT);

    if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
        kind = KIND_POLLED;
        return write_polled(line, length);
    }
    return written;
}

static ssize_t write_once(const char *line, size_t length)
{
    switch (atomic_load(&kind)) {
    case KIND_WAITING:
        break;
    case KIND_SOCKET:
        return send(STDERR_FILENO, line, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    case KIND_OWN:
        return write(sink_file, line, length);
    case KIND_SHARED:
        return write_shared(line, length);
    case KIND_POLLED:
        return write_polled(line, length);
    }
    return write(STDERR_FILENO, line, length);
}

/* Waits until there may be room. False where no patience is left. */
static bool wait_for_room(void)
{
    struct pollfd room = {.fd = sink_file, .events = POLLOUT};
    uint64_t start = monotonic_milliseconds();
    unsigned spent;

    if (patience == 0) {
        return false;
    }
    poll(&room, 1, (int)patience);
    /* At least one, so that a wrong answer does not make it wait for ever. */
    spent = (unsigned)(monotonic_milliseconds() - start) + 1;
    patience -= spent < patience ? spent : patience;
    return true;
}

static bool write_whole(const char *line, size_t length)
{
    ssize_t written;

    do {
        written = write_once(line, length);
    } while (written < 0 && (errno == EINTR || (errno == EAGAIN && wait_for_room())));
    if (written > 0 && (size_t)written < length) {
        is_torn = true;
    }
    return written == (ssize_t)length;
}

bool sink_write(const char *line, size_t length)
{
    if (atomic_exchange(&is_torn, false) && !write_whole("\n", 1)) {
        is_torn = true;
        return false;
    }
    return write_whole(line, length);
}
