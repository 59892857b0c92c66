/* The pure part of reading a request: what its pieces are, and whether they are well-formed
   (RFC 9112 and RFC 9110). Knows nothing of connections. */
#ifndef DAEMON_HTTP_REQUEST_H
#define DAEMON_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "matrix/documents.h"

/* A request target taken apart (RFC 9112, section 3.2). Points into the text it came from. */
struct request_target {
    const char *authority; /* of a target in absolute form, not terminated; NULL for any other */
    size_t authority_length;
    const char *path; /* what nothing is found at where the form is neither origin nor absolute */
};

/* Takes a target apart that has lost its query: origin form "/path", or absolute form
   "http://host/path". */
struct request_target request_target_read(const char *target);

/* Whether a target is printable ASCII without blanks (RFC 3986): it goes into redirects and the
   log. What else the grammar forbids is let through: browsers send some of it, as "|". */
bool request_target_is_well_formed(const char *target);

/* Whether `text` is a token (RFC 9110, section 5.6.2), as methods and field names are. */
bool request_is_token(const char *text);

/* Whether a field's value has no control characters in it (RFC 9110, section 5.5). */
bool request_value_is_well_formed(const char *value);

/* Whether the path is that of a document, which is `*document` then. */
bool request_names_document(const char *path, enum document *document);

/* How a request says where its body ends (RFC 9112, section 6.3). Begin with {0}. */
struct request_framing {
    const char *length; /* the value of Content-Length, or NULL */
    bool chunked;
    bool broken;
};

/* Takes a field into account. A request whose framing is `broken` afterwards has two lengths, a
   length and chunks, or a coding other than chunks: what follows its headers cannot be told from
   another request. */
void request_framing_add(struct request_framing *framing, const char *name, const char *value);

#endif
