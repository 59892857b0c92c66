/* Reading a file whole. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/problem.h"

/* What is in a file. Initialize with `= {0}`. */
struct file_content {
    char *bytes; /* with a '\0' behind them, which does not count; NULL where none was read */
    size_t size;
};

enum file_result {
    FILE_GOOD,
    FILE_MISSING,     /* there is no such file */
    FILE_NOT_REGULAR, /* a directory, a pipe, a socket or a device */
    FILE_FAILED,
};

/* Reads the regular file `path`, at most `limit` bytes, into `content`, which the caller frees with
   file_wipe; `status` (or NULL) is what it was when it was opened. Whatever is not FILE_GOOD is a
   problem that names the path. An empty file is good. Never blocks on a pipe. */
enum file_result file_read(const char *path, size_t limit, struct file_content *content,
                           struct stat *status, struct problem *problem);

/* The same for the file `name` beneath `directory`, where neither the file nor a directory of
   `name` may be a symbolic link: for names that others have a say in. `name` must have no "..". */
enum file_result file_read_beneath(const char *directory, const char *name, size_t limit,
                                   struct file_content *content, struct problem *problem);

/* What problems say from now on where permission is denied; `text` is not copied. */
void file_set_denied_remedy(const char *text);

/* What to say where permission is denied. */
const char *file_denied_remedy(void);

/* Overwrites and frees what these returned: it may be a private key. */
void file_wipe(struct file_content *content);

#endif
