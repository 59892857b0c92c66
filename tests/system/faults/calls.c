/* For LD_PRELOAD: makes calls of the C library fail, as the test says through the file that
   $CALLS_FILE names: for each of the functions below an array of three numbers, how many calls are
   still let through, how many fail after these (-1: all), and with which error. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum function {
    ACCEPT4,
    EPOLL_ADD, /* epoll_ctl(2) with EPOLL_CTL_ADD */
    GETRANDOM,
    LISTEN,
    BIND,
    FUNCTION_COUNT
};

struct order {
    _Atomic long passed;
    _Atomic long failing;
    long error;
};

static struct order *orders;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CALLS_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED
                         : mmap(NULL, FUNCTION_COUNT * sizeof(*orders), PROT_READ | PROT_WRITE,
                                MAP_SHARED, file, 0);

    if (file >= 0) {
        close(file);
    }
    orders = map == MAP_FAILED ? NULL : map;
}

static bool fails(enum function function)
{
    struct order *order = orders ? &orders[function] : NULL;

    if (!order || order->failing == 0 || (order->passed > 0 && order->passed-- > 0)) {
        return false;
    }
    if (order->failing > 0) {
        order->failing--;
    }
    errno = (int)order->error;
    return true;
}

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

/* NOLINTBEGIN: the C library names its parameters otherwise. */
int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags)
{
    return fails(ACCEPT4) ? -1 : NEXT(accept4)(socket, address, length, flags);
}

int epoll_ctl(int epoll, int operation, int file, struct epoll_event *event)
{
    return operation == EPOLL_CTL_ADD && fails(EPOLL_ADD)
               ? -1
               : NEXT(epoll_ctl)(epoll, operation, file, event);
}

ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    return fails(GETRANDOM) ? -1 : NEXT(getrandom)(bytes, size, flags);
}

int listen(int socket, int backlog)
{
    return fails(LISTEN) ? -1 : NEXT(listen)(socket, backlog);
}

int bind(int socket, const struct sockaddr *address, socklen_t length)
{
    return fails(BIND) ? -1 : NEXT(bind)(socket, address, length);
}
/* NOLINTEND */
