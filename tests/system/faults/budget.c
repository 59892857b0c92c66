/* For LD_PRELOAD: the main thread may allocate so many bytes more than it frees as the file that
   $FAULTS_FILE names holds in a long; further allocations fail, whoever makes them. 0: no limit. */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"

/* NOLINTBEGIN: the names are the C library's. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *block);
/* NOLINTEND */

static _Atomic long *budget;

__attribute__((constructor)) static void begin(void)
{
    budget = control_open();
}

static int is_limited(void)
{
    return budget && *budget > 0 && gettid() == getpid();
}

/* Whether there are `size` bytes left; 1 is what stays of a budget that is used up. */
static int take(size_t size)
{
    if (is_limited()) {
        if (size >= (size_t)*budget) {
            errno = ENOMEM;
            return 0;
        }
        *budget -= (long)size;
    }
    return 1;
}

static void give_back(void *block)
{
    if (block && is_limited()) {
        *budget += (long)malloc_usable_size(block);
    }
}

void *malloc(size_t size)
{
    return take(size) ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size) /* NOLINT */
{
    return take(count * size) ? __libc_calloc(count, size) : NULL;
}

void *realloc(void *old, size_t size) /* NOLINT */
{
    size_t before = old ? malloc_usable_size(old) : 0;

    return take(size > before ? size - before : 0) ? __libc_realloc(old, size) : NULL;
}

void free(void *block) /* NOLINT */
{
    give_back(block);
    __libc_free(block);
}
