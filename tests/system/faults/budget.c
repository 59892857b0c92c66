/* For LD_PRELOAD: the main thread may allocate so many bytes more than it frees as the file that
   $BUDGET_FILE names holds in a long; further allocations fail, whoever makes them. 0: no limit. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* NOLINTBEGIN: the names are the C library's. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *block);
/* NOLINTEND */

static _Atomic long *budget;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("BUDGET_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED
                         : mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    if (file >= 0) {
        close(file);
    }
    budget = map == MAP_FAILED ? NULL : map;
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
