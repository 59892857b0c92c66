/* libmicrohttpd responses, built before they are needed. */
#ifndef DAEMON_SITE_RESPONSES_H
#define DAEMON_SITE_RESPONSES_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "matrix/documents.h"

/* What a request is answered with. */
struct answer {
    struct MHD_Response *response; /* NULL where memory ran out */
    unsigned status;
    size_t length;  /* of the body, in bytes */
    bool temporary; /* made for one request, whose handler destroys the response */
};

/* A document as it is sent. Shared by all sites of a table with the same text. */
struct document_answer;

/* The answers that are the same for every site. */
enum fixed_answer {
    ANSWER_OPTIONS,
    ANSWER_METHOD_NOT_ALLOWED,
    ANSWER_UNRECOGNIZED,
    ANSWER_NO_SERVER_DOCUMENT, /* and the other documents, in the order of enum document */
    ANSWER_NO_CLIENT_DOCUMENT,
    ANSWER_NO_SUPPORT_DOCUMENT,
    ANSWER_NO_POLICY_SERVER_DOCUMENT,
    ANSWER_NO_CHALLENGE,
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

struct answer responses_fixed(enum fixed_answer which);

/* The answers with a document; takes `text` over (it is freed with free()). `at_once` builds its
   responses now; else each is built when it is first asked for, which saves the memory of what
   nobody asks for where there are very many. NULL where memory ran out. */
struct document_answer *document_answer_new(char *text, unsigned max_age, bool at_once);

/* Takes NULL. */
void document_answer_free(struct document_answer *answer);

/* The document, 200; or 304 where `if_none_match` (a field's value, or NULL) names its ETag
   (RFC 9110, section 13.1.2). From any thread. */
struct answer document_answer_get(struct document_answer *answer, const char *if_none_match);

/* 404 M_NOT_FOUND that names the host. Allocates, as do the next three: only errors, redirects, the
   metrics and ACME challenges do. */
struct answer response_unknown_host(const char *host);

/* 308 to `base` followed by `target` (a path with its query). */
struct answer response_redirect(const char *base, const char *target);

/* 200 with a text that is not JSON (the metrics); takes `text` over. */
struct answer response_text(char *text, const char *content_type);

/* 200 with any bytes; takes `data` over (it is freed with free()). */
struct answer response_bytes(unsigned char *data, size_t size, const char *content_type);

#endif
