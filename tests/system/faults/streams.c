/* For LD_PRELOAD: makes one allocation of a stream in memory (open_memstream(3)) fail, as the test
   says through the file that $STREAMS_FILE names: two longs, a countdown and how many such streams
   are open. The allocation fails when the countdown, from above 0, has come down to 0. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* NOLINTBEGIN: the names are the C library's. */
extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *old, size_t size);
/* NOLINTEND */

struct control {
    long countdown;
    long open;
};

static struct control *control;
static __thread FILE *stream; /* that this thread has open */

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("STREAMS_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = file < 0
                    ? MAP_FAILED
                    : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    if (file >= 0) {
        close(file);
    }
    control = map == MAP_FAILED ? NULL : map;
}

static int fails(void)
{
    if (!control || !stream || control->countdown <= 0 || --control->countdown > 0) {
        return 0;
    }
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *realloc(void *old, size_t size) /* NOLINT */
{
    return fails() ? NULL : __libc_realloc(old, size);
}

FILE *open_memstream(char **text, size_t *size) /* NOLINT */
{
    FILE *(*next)(char **, size_t *) = dlsym(RTLD_NEXT, "open_memstream");

    stream = next(text, size);
    if (stream && control) {
        control->open++;
    }
    return stream;
}

int fclose(FILE *file) /* NOLINT */
{
    int (*next)(FILE *) = dlsym(RTLD_NEXT, "fclose");
    int result = next(file);

    if (file == stream && control) {
        control->open--;
        stream = NULL;
    }
    return result;
}
