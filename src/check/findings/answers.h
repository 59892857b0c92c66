/* Reads the bodies of Matrix endpoints. They are untrusted: at most 32 levels of JSON are read,
   only UTF-8, and texts are made printable. */
#ifndef CHECK_ANSWERS_H
#define CHECK_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Parses a body; the caller owns the result. NULL where it is not a JSON object, and then `error`
   (to be freed) says in words why. */
json_t *answer_parse(const char *body, size_t length, char **error);

/* /.well-known/matrix/server: the value of m.server as it came, to be freed; NULL where it is
   missing or no string, or holds a NUL. */
char *answer_m_server(const json_t *document);

/* /_matrix/federation/v1/version: the printable name and version, each NULL where absent, to be
   freed. False where there is no "server" object. */
bool answer_version(const json_t *document, char **name, char **version);

/* A federation endpoint that was asked without a signature: whether the answer with this status is
   a homeserver's refusal (Server-Server API, "Request Authentication"). */
bool answer_is_refusal(long status, const json_t *document);

/* /.well-known/matrix/client: KEY's `base_url` as it came ("m.homeserver" or
   "m.identity_server"), to be freed; NULL where it is missing or no string. */
char *answer_base_url(const json_t *document, const char *key);

/* /_matrix/client/versions: an array of printable strings, at most 64; NULL where the body has
   none. The caller owns it. */
json_t *answer_versions(const json_t *document);

/* /.well-known/matrix/support: NULL where the document is right, otherwise what is wrong, to be
   freed (Client-Server API, "Well-known URIs", support). */
char *answer_support_flaw(const json_t *document);

/* How long homeservers may keep a document by its Cache-Control header: max-age in seconds, 0 for
   no-store and no-cache, -1 where the header is absent or does not say. */
long long answer_max_age(const char *cache_control);

/* Whether a Content-Type header says application/json. */
bool answer_is_json_type(const char *content_type);

#endif
