/* The documents of Matrix's well-known URIs, rendered as compact JSON (server discovery:
   Server-Server API "Server discovery"; client, support and policy server: Client-Server API
   "Well-known URIs" and "Policy servers"). */
#ifndef MATRIX_DOCUMENTS_H
#define MATRIX_DOCUMENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

enum document {
    DOCUMENT_SERVER,
    DOCUMENT_CLIENT,
    DOCUMENT_SUPPORT,
    DOCUMENT_POLICY_SERVER,
    DOCUMENT_COUNT,
};

/* A contact of the support document. Strings are NULL where absent. */
struct contact {
    char *role;
    char *matrix_id;
    char *email_address;
};

/* The last part of the document's path: "server", "client", "support" or "policy_server". */
const char *document_name(enum document document);

/* The document of that name in `*document`; false where there is none of that name. */
bool document_by_name(const char *name, enum document *document);

/* Each of these returns the document's text, to be freed with free(), or NULL where memory ran
   out. Keys keep a fixed order, so that the same configuration gives the same bytes. */

/* {"m.server":"…"} */
char *document_render_server(const char *server);

/* m.homeserver and, where `identity_server` is not NULL, m.identity_server, then the members of
   `extra` (a JSON object or NULL), which win over the former: objects are merged member by member.
 */
char *document_render_client(const char *base_url, const char *identity_server,
                             const json_t *extra);

/* `contacts` (left out where there are none) and `support_page` (left out where NULL). */
char *document_render_support(const char *page, const struct contact *contacts, size_t count);

/* {"public_keys":{"ed25519":"…"}} */
char *document_render_policy_server(const char *ed25519);

/* Reads a JSON object from a file, at most 64 KiB, at most 32 levels deep, for merging into the
   client document. The caller owns the result (json_decref). NULL and a problem that names the file
   and, where the JSON is broken, the line, where it cannot be read, is no regular file, too long,
   broken, or not an object. A repeated key is an error. */
json_t *document_load_extra(const char *path, struct problem *problem);

/* Checks the parts of a contact: a role `m.role.admin`, `m.role.security` or a namespaced one
   (Java package naming), a Matrix user identifier (its local part may be a historical one of
   printable ASCII), an e-mail address; at least one of the last two. */
bool document_check_contact(const struct contact *contact, struct problem *problem);

/* Checks unpadded base64 (either alphabet: standard or URL-safe) of a 32-byte Ed25519 key. */
bool document_check_ed25519(const char *key, struct problem *problem);

#endif
