/* What the fuzz targets share. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/problem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Unlike assert(3), also where NDEBUG is set. */
#define MUST(condition)                                                                \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                   \
        }                                                                              \
    } while (0)

/* The bytes as a string, up to the first NUL; the caller frees it. Its memory is no longer than it
   has to be, so that reading beyond the end is found. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    size_t length = size > 0 ? strnlen((const char *)data, size) : 0;
    char *text = malloc(length + 1);

    MUST(text);
    memcpy(text, length > 0 ? (const char *)data : "", length);
    text[length] = '\0';
    return text;
}

/* What a failure said is fit to be shown: one line, not empty, without control characters. */
static inline void fuzz_check_problem(const struct problem *problem)
{
    MUST(problem->text[0] != '\0');
    MUST(strlen(problem->text) < sizeof(problem->text));
    MUST(problem->status == PROBLEM_FAILURE || problem->status == PROBLEM_USAGE);
    for (const char *c = problem->text; *c != '\0'; c++) {
        MUST((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
}

/* A file in memory, for what reads files by their path. */
struct fuzz_file {
    int descriptor;
    char path[32];
};

static inline struct fuzz_file fuzz_file_new(void)
{
    struct fuzz_file file = {.descriptor = memfd_create("fuzz", MFD_CLOEXEC)};

    MUST(file.descriptor >= 0);
    snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.descriptor);
    return file;
}

/* Makes the bytes the whole content of the file. */
static inline void fuzz_file_fill(const struct fuzz_file *file, const void *bytes, size_t size)
{
    MUST(ftruncate(file->descriptor, 0) == 0);
    MUST(pwrite(file->descriptor, bytes, size, 0) == (ssize_t)size);
}

#endif
