#include "daemon/site/responses.h"

#include <gnutls/crypto.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "daemon/site/etag.h"

struct document_answer {
    _Atomic(struct MHD_Response *) ok;           /* NULL before it is first asked for */
    _Atomic(struct MHD_Response *) not_modified; /* likewise */
    struct document_text *text;
    unsigned max_age;
    char etag[ETAG_SIZE]; /* strong, with its quotes (RFC 9110, section 8.8.3) */
};

/* The text of a document. The answer holds a reference, and so does the response with it: that is
   still being sent to slow clients when a reload frees the answer. */
struct document_text {
    atomic_uint references;
    size_t length; /* bytes, without the terminating NUL */
    char bytes[];
};

static struct answer fixed[ANSWER_COUNT];

static const char content_type_json[] = "application/json";

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* The headers of every answer (Client-Server API, "Web Browser Clients"). */
static bool add_common_headers(struct MHD_Response *response)
{
    return add_header(response, "Access-Control-Allow-Origin", "*") &&
           add_header(response, "Access-Control-Allow-Methods",
                      "GET, POST, PUT, DELETE, OPTIONS") &&
           add_header(response, "Access-Control-Allow-Headers",
                      "X-Requested-With, Content-Type, Authorization") &&
           add_header(response, "X-Content-Type-Options", "nosniff");
}

/* An answer with `size` bytes of `data` (or NULL) as its body, which it takes over. */
static struct answer answer_with(unsigned status, void *data, size_t size, const char *content_type)
{
    struct answer answer = {.status = status, .length = size};

    answer.response =
        MHD_create_response_from_buffer(answer.length, data ? data : (void *)"",
                                        data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!answer.response) {
        free(data);
    } else if (!add_common_headers(answer.response) ||
               (data && !add_header(answer.response, "Content-Type", content_type))) {
        MHD_destroy_response(answer.response);
        answer.response = NULL;
    }
    return answer;
}

/* The same with `text` (or NULL). */
static struct answer answer_new(unsigned status, char *text, const char *content_type)
{
    return answer_with(status, text, text ? strlen(text) : 0, content_type);
}

/* A Matrix error object (Client-Server API, "Standard error response"). */
static struct answer answer_error(unsigned status, const char *code, const char *message)
{
    json_t *object = json_pack("{s:s, s:s}", "errcode", code, "error", message);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    return text ? answer_new(status, text, content_type_json) : (struct answer){0};
}

static bool init_fixed(enum fixed_answer which, unsigned status, const char *code,
                       const char *message)
{
    fixed[which] = code ? answer_error(status, code, message) : answer_new(status, NULL, NULL);
    return fixed[which].response != NULL;
}

bool responses_init(void)
{
    static const char allow[] = "GET, HEAD, OPTIONS";

    return init_fixed(ANSWER_OPTIONS, MHD_HTTP_NO_CONTENT, NULL, NULL) &&
           add_header(fixed[ANSWER_OPTIONS].response, "Allow", allow) &&
           init_fixed(ANSWER_METHOD_NOT_ALLOWED, MHD_HTTP_METHOD_NOT_ALLOWED, "M_UNRECOGNIZED",
                      "This document can only be read: use GET") &&
           add_header(fixed[ANSWER_METHOD_NOT_ALLOWED].response, "Allow", allow) &&
           init_fixed(ANSWER_UNRECOGNIZED, MHD_HTTP_NOT_FOUND, "M_UNRECOGNIZED",
                      "There is nothing here: only Matrix's well-known documents are served") &&
           init_fixed(ANSWER_NO_SERVER_DOCUMENT, MHD_HTTP_NOT_FOUND, "M_NOT_FOUND",
                      "This domain delegates to no Matrix server") &&
           init_fixed(ANSWER_NO_CLIENT_DOCUMENT, MHD_HTTP_NOT_FOUND, "M_NOT_FOUND",
                      "This domain publishes no settings for Matrix clients") &&
           init_fixed(ANSWER_NO_SUPPORT_DOCUMENT, MHD_HTTP_NOT_FOUND, "M_NOT_FOUND",
                      "This domain publishes no support contacts") &&
           init_fixed(ANSWER_NO_POLICY_SERVER_DOCUMENT, MHD_HTTP_NOT_FOUND, "M_NOT_FOUND",
                      "This domain publishes no policy server") &&
           init_fixed(ANSWER_NO_CHALLENGE, MHD_HTTP_NOT_FOUND, "M_NOT_FOUND",
                      "There is no such ACME challenge here") &&
           init_fixed(ANSWER_HOST_MISSING, MHD_HTTP_BAD_REQUEST, "M_UNRECOGNIZED",
                      "The request has no Host header") &&
           init_fixed(ANSWER_HOST_REPEATED, MHD_HTTP_BAD_REQUEST, "M_UNRECOGNIZED",
                      "The request has more than one Host header") &&
           init_fixed(ANSWER_HOST_MALFORMED, MHD_HTTP_BAD_REQUEST, "M_UNRECOGNIZED",
                      "The host of the request is not a host name") &&
           init_fixed(ANSWER_REQUEST_MALFORMED, MHD_HTTP_BAD_REQUEST, "M_UNRECOGNIZED",
                      "The request is not well-formed HTTP/1.1 or HTTP/1.0") &&
           init_fixed(ANSWER_PLAIN_HTTP_TO_TLS, MHD_HTTP_BAD_REQUEST, "M_UNRECOGNIZED",
                      "This port speaks HTTPS: ask for https:// instead of http://") &&
           /* Nothing more is to be heard from who speaks the wrong protocol. */
           add_header(fixed[ANSWER_PLAIN_HTTP_TO_TLS].response, "Connection", "close") &&
           add_header(fixed[ANSWER_REQUEST_MALFORMED].response, "Connection", "close");
}

void responses_free(void)
{
    for (int i = 0; i < ANSWER_COUNT; i++) {
        if (fixed[i].response) {
            MHD_destroy_response(fixed[i].response);
        }
        fixed[i] = (struct answer){0};
    }
}

struct answer responses_fixed(enum fixed_answer which)
{
    return fixed[which];
}

/* A text of its own with one reference, for `text`, which it takes over; NULL where memory ran out.
 */
static struct document_text *document_text_new(char *text)
{
    size_t length = strlen(text);
    struct document_text *own = malloc(sizeof(*own) + length + 1);

    if (own) {
        own->references = 1;
        own->length = length;
        memcpy(own->bytes, text, length + 1);
    }
    free(text);
    return own;
}

static void document_text_release(struct document_text *text)
{
    if (text && atomic_fetch_sub(&text->references, 1) == 1) {
        free(text);
    }
}

/* Called by libmicrohttpd when the last client has got the response. */
static void forget_bytes(void *bytes)
{
    document_text_release(
        (struct document_text *)((char *)bytes - offsetof(struct document_text, bytes)));
}

static struct MHD_Response *response_with(struct document_text *text)
{
    struct MHD_Response *response;

    atomic_fetch_add(&text->references, 1);
    response =
        MHD_create_response_from_buffer_with_free_callback(text->length, text->bytes, forget_bytes);
    if (!response) {
        document_text_release(text);
    }
    return response;
}

/* A response for a 200, or for a 304, of which libmicrohttpd sends the head alone. That has the
   document's length all the same (RFC 9110, section 8.6): caches take over what it says. */
static struct MHD_Response *document_response(const struct document_answer *answer, bool with_text)
{
    struct MHD_Response *response = response_with(answer->text);
    char cache_control[64];

    snprintf(cache_control, sizeof(cache_control), "public, max-age=%u", answer->max_age);
    if (response && (!add_common_headers(response) ||
                     (with_text && !add_header(response, "Content-Type", content_type_json)) ||
                     !add_header(response, "Cache-Control", cache_control) ||
                     !add_header(response, "ETag", answer->etag))) {
        MHD_destroy_response(response);
        response = NULL;
    }
    return response;
}

/* What is in the slot, built now if nothing is. */
static struct MHD_Response *response_in(_Atomic(struct MHD_Response *) *slot,
                                        const struct document_answer *answer, bool with_text)
{
    struct MHD_Response *response = atomic_load_explicit(slot, memory_order_acquire);
    struct MHD_Response *built;

    if (response) {
        return response;
    }
    built = document_response(answer, with_text);
    if (built && !atomic_compare_exchange_strong(slot, &response, built)) {
        MHD_destroy_response(built); /* another worker was first */
        return response;
    }
    return built;
}

struct document_answer *document_answer_new(char *text, unsigned max_age, bool at_once)
{
    struct document_answer *answer = calloc(1, sizeof(*answer));

    if (!answer || !etag_of(text, answer->etag)) {
        free(text);
        free(answer);
        return NULL;
    }
    answer->text = document_text_new(text);
    answer->max_age = max_age;
    if (!answer->text) {
        free(answer);
        return NULL;
    }
    if (at_once && (!response_in(&answer->ok, answer, true) ||
                    !response_in(&answer->not_modified, answer, false))) {
        document_answer_free(answer);
        return NULL;
    }
    return answer;
}

void document_answer_free(struct document_answer *answer)
{
    if (!answer) {
        return;
    }
    if (atomic_load(&answer->ok)) {
        MHD_destroy_response(atomic_load(&answer->ok));
    }
    if (atomic_load(&answer->not_modified)) {
        MHD_destroy_response(atomic_load(&answer->not_modified));
    }
    document_text_release(answer->text);
    free(answer);
}

struct answer document_answer_get(struct document_answer *answer, const char *if_none_match)
{
    if (if_none_match && etag_matches(if_none_match, answer->etag)) {
        return (struct answer){
            .response = response_in(&answer->not_modified, answer, false),
            .status = MHD_HTTP_NOT_MODIFIED,
        };
    }
    return (struct answer){
        .response = response_in(&answer->ok, answer, true),
        .status = MHD_HTTP_OK,
        .length = answer->text->length, /* NOLINT(clang-analyzer-unix.Malloc): we hold it, too */
    };
}

struct answer response_unknown_host(const char *host)
{
    struct answer answer = {0};
    char *message;

    if (asprintf(&message, "The host \"%s\" is not configured here", host) >= 0) {
        answer = answer_error(MHD_HTTP_NOT_FOUND, "M_NOT_FOUND", message);
        free(message);
    }
    answer.temporary = true;
    return answer;
}

struct answer response_redirect(const char *base, const char *target)
{
    struct answer answer = {0};
    char *location;

    if (asprintf(&location, "%s%s", base, target) >= 0) {
        answer = answer_new(MHD_HTTP_PERMANENT_REDIRECT, NULL, NULL);
        if (answer.response && !add_header(answer.response, "Location", location)) {
            MHD_destroy_response(answer.response);
            answer.response = NULL;
        }
        free(location);
    }
    answer.temporary = true;
    return answer;
}

struct answer response_text(char *text, const char *content_type)
{
    struct answer answer = answer_new(MHD_HTTP_OK, text, content_type);

    answer.temporary = true;
    return answer;
}

struct answer response_bytes(unsigned char *data, size_t size, const char *content_type)
{
    struct answer answer = answer_with(MHD_HTTP_OK, data, size, content_type);

    answer.temporary = true;
    return answer;
}
