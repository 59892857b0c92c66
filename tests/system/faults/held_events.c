/* For LD_PRELOAD: has a worker be preempted where it holds events, and ends the process where what
   one of them points to is freed meanwhile. Events are held from the return of epoll_wait(2) to the
   next call, or the end of the thread. The worker sleeps for $HOLD_MILLISECONDS before epoll_wait
   returns, and again where it asks for the time next, which it does before it looks at the events.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* NOLINTBEGIN: the names are the C library's. */
extern void __libc_free(void *memory);
/* NOLINTEND */

enum {
    WORKER_EVENTS = 64, /* how many a worker asks for; libmicrohttpd asks for more */
    THREADS = 8,
    EVENTS = 4 /* of a round that are remembered */
};

static _Atomic(void *) held[THREADS][EVENTS];
static atomic_int threads;
static _Thread_local int thread; /* from 1 on */
static _Thread_local bool asleep_again;
static pthread_key_t thread_key;

static void hold_nothing(void *of_thread)
{
    _Atomic(void *) *events = of_thread;

    for (int i = 0; i < EVENTS; i++) {
        events[i] = NULL;
    }
}

__attribute__((constructor)) static void begin(void)
{
    pthread_key_create(&thread_key, hold_nothing);
}

static void sleep_for_a_while(void)
{
    const char *text = getenv("HOLD_MILLISECONDS");
    struct timespec time = {.tv_nsec = (text ? strtol(text, NULL, 10) : 0) * 1000000};

    nanosleep(&time, NULL);
}

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    int count;

    if (most != WORKER_EVENTS) {
        return NEXT(epoll_wait)(epoll, events, most, timeout);
    }
    if (thread == 0) {
        thread = ++threads;
        pthread_setspecific(thread_key, held[thread - 1]);
    }
    hold_nothing(held[thread - 1]);
    count = NEXT(epoll_wait)(epoll, events, most, timeout);
    for (int i = 0; i < count && i < EVENTS; i++) {
        held[thread - 1][i] = events[i].data.ptr;
    }
    if (count > 0) {
        sleep_for_a_while();
        asleep_again = true;
    }
    return count;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (asleep_again) {
        asleep_again = false;
        sleep_for_a_while();
    }
    return (int)syscall(SYS_clock_gettime, clock, time);
}

void free(void *memory)
{
    static const char message[] = "freed while a worker holds an event of it\n";

    for (int i = 0; memory && i < THREADS * EVENTS; i++) {
        if (held[i / EVENTS][i % EVENTS] == memory) {
            syscall(SYS_write, STDERR_FILENO, message, sizeof(message) - 1);
            syscall(SYS_exit_group, 99);
        }
    }
    __libc_free(memory);
}
