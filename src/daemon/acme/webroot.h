/* http-01 (RFC 8555, section 8.3): the files by which a CA sees that we answer for a host. */
#ifndef DAEMON_ACME_WEBROOT_H
#define DAEMON_ACME_WEBROOT_H

#include <stdbool.h>

#include "daemon/site/responses.h"

/* Whether `path` is that of a challenge, or would be if it were there. */
bool acme_webroot_owns(const char *path);

/* The answer to `method` at such a path: the file TOKEN in .well-known/acme-challenge beneath
   `directory`, or else in `directory` itself; 404 where there is none that can be served. Only
   regular files of 4 KiB at most are, under names that are tokens, and no symbolic link is followed
   beneath the directory. From any thread. */
struct answer acme_webroot_answer(const char *directory, const char *path, const char *method);

#endif
