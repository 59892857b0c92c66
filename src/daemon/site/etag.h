/* Entity tags: how clients ask whether a document is still the one that they have (RFC 9110,
   section 8.8.3). */
#ifndef DAEMON_SITE_ETAG_H
#define DAEMON_SITE_ETAG_H

#include <stdbool.h>

enum {
    ETAG_SIZE = 2 + 32 + 1 /* bytes: quotes, digits, NUL */
};

/* The strong entity tag of a document, with its quotes: the first 128 bits of its SHA-256. False
   where memory ran out. */
bool etag_of(const char *text, char etag[static ETAG_SIZE]);

/* Whether an If-None-Match field (RFC 9110, section 13.1.2) names the tag, which is given with its
   quotes. The comparison is the weak one. */
bool etag_matches(const char *field, const char *etag);

#endif
