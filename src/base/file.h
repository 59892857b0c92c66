/* Reading a small file whole. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/problem.h"

/* Reads the regular file `path`, at most `limit` bytes, into `content`, which the caller frees with
   file_wipe; `status` (or NULL) is what it was when it was opened. A missing, unreadable, empty or
   too long file and one that is no regular file are problems that name the path. Never blocks on a
   FIFO. */
bool file_read(const char *path, size_t limit, gnutls_datum_t *content, struct stat *status,
               struct problem *problem);

/* The same for the file `name` beneath `directory`, where neither the file nor a directory of
   `name` may be a symbolic link: for names that others have a say in. `name` must have no "..". A
   file that is not there is a problem with `*missing` set. */
bool file_read_beneath(const char *directory, const char *name, size_t limit,
                       gnutls_datum_t *content, bool *missing, struct problem *problem);

/* What problems say from now on where permission is denied; `text` is not copied. */
void file_set_denied_remedy(const char *text);

/* What to say where permission is denied. */
const char *file_denied_remedy(void);

/* Overwrites and frees what these returned: it may be a private key. */
void file_wipe(gnutls_datum_t *content);

#endif
