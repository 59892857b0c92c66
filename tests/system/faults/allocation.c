/* For LD_PRELOAD: makes one allocation of the main thread, or with $ALLOCATION_WORKERS one of the
   others, fail, as the test says through the file that $FAULTS_FILE names: when `countdown`
   (from above 0) has come down to 0. What libraries allocate that would crash does not fail: the
   daemon checks for memory before it calls them, see src/base/reserve.h and budget.c. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"

/* NOLINTBEGIN: the names are the C library's. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
/* NOLINTEND */

static _Atomic long *countdown;
static bool of_workers;

__attribute__((constructor)) static void begin(void)
{
    of_workers = getenv("ALLOCATION_WORKERS");
    countdown = control_open();
}

static bool is_fragile(const void *caller)
{
    static const char *const fragile[] = {"libtasn1", "libgmp", "libhogweed"};
    Dl_info info;

    if (dladdr(caller, &info) == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(fragile) / sizeof(*fragile); i++) {
        if (strstr(info.dli_fname, fragile[i])) {
            return true;
        }
    }
    return false;
}

static bool fails(const void *caller)
{
    if (!countdown || *countdown <= 0 || (gettid() == getpid()) == of_workers ||
        is_fragile(caller) || atomic_fetch_sub(countdown, 1) != 1) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) /* NOLINT */
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) /* NOLINT */
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

char *strdup(const char *text) /* NOLINT */
{
    size_t size = strlen(text) + 1;
    char *copy = fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}
