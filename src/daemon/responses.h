/* libmicrohttpd responses, built before they are needed. */
#ifndef DAEMON_RESPONSES_H
#define DAEMON_RESPONSES_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "matrix/documents.h"

/* What a request is answered with. */
struct answer {
    struct MHD_Response *response;
    unsigned status;
    size_t length; /* of the body, in bytes */
};

enum {
    ETAG_SIZE = 2 + 32 + 1, /* quotes, 128 bits in hexadecimal, end */
};

/* A document as it is sent. Shared by all sites of a table with the same text. */
struct document_answer {
    struct answer ok;           /* 200 with the document */
    struct answer not_modified; /* 304 */
    char etag[ETAG_SIZE];       /* strong, with its quotes (RFC 9110, section 8.8.3) */
};

/* The answers that are the same for every site. */
enum fixed_answer {
    ANSWER_OPTIONS,
    ANSWER_METHOD_NOT_ALLOWED,
    ANSWER_UNRECOGNIZED,
    ANSWER_NO_SERVER_DOCUMENT, /* and the other documents, in the order of enum document */
    ANSWER_NO_CLIENT_DOCUMENT,
    ANSWER_NO_SUPPORT_DOCUMENT,
    ANSWER_NO_POLICY_SERVER_DOCUMENT,
    ANSWER_HOST_MISSING,
    ANSWER_HOST_REPEATED,
    ANSWER_HOST_MALFORMED,
    ANSWER_REQUEST_MALFORMED,
    ANSWER_PLAIN_HTTP_TO_TLS,
    ANSWER_COUNT,
};

/* Builds all fixed answers, once, before any worker starts. False where memory ran out. */
bool responses_init(void);

void responses_free(void);

/* A fixed answer; its response stays the responses' own. */
const struct answer *responses_fixed(enum fixed_answer which);

/* The answers with a document; takes `text` over (it is freed with free()). NULL where memory ran
   out. */
struct document_answer *document_answer_new(char *text, unsigned max_age);

/* Takes NULL. */
void document_answer_free(struct document_answer *answer);

/* 404 M_NOT_FOUND that names the host. The caller destroys the response when it has queued it; it
   is NULL where memory ran out. Allocates, as does the next: only errors and redirects do. */
struct answer response_unknown_host(const char *host);

/* 308 to `base` followed by `target` (a path with its query). As response_unknown_host. */
struct answer response_redirect(const char *base, const char *target);

/* 200 with a text that is not JSON (the metrics); takes `text` over. */
struct answer response_text(char *text, const char *content_type);

#endif
