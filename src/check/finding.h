/* What a check has found, line by line: a tree for people, and codes for scripts. */
#ifndef CHECK_FINDING_H
#define CHECK_FINDING_H

#include <stdbool.h>
#include <stddef.h>

/* The codes of errors and warnings. They are the interface of scripts and stay as they are;
   matrix-delegation-check(1) says what each means. */
#define FINDING_CODES(X)                                                \
    /* The Domain Name System */                                        \
    X(DNS_FAILED, "dns_failed")                                         \
    X(NAME_NOT_FOUND, "name_not_found")                                 \
    X(NO_ADDRESS, "no_address")                                         \
    X(TOO_MANY_ADDRESSES, "too_many_addresses")                         \
    X(ADDRESS_PRIVATE, "address_private")                               \
    X(ADDRESS_LOCAL, "address_local")                                   \
    X(ADDRESS_OWN, "address_own")                                       \
    /* Connections, wherever they go */                                 \
    X(CONNECTION_REFUSED, "connection_refused")                         \
    X(CONNECTION_TIMEOUT, "connection_timeout")                         \
    X(CONNECTION_FAILED, "connection_failed")                           \
    X(NO_ROUTE, "no_route")                                             \
    X(TLS_FAILED, "tls_failed")                                         \
    X(ANSWER_TIMEOUT, "answer_timeout")                                 \
    X(ANSWER_TOO_LARGE, "answer_too_large")                             \
    X(ANSWER_BROKEN, "answer_broken")                                   \
    /* Certificates, wherever they are shown */                         \
    X(CERTIFICATE_NAME, "certificate_name")                             \
    X(CERTIFICATE_NAME_SRV, "certificate_name_srv")                     \
    X(CERTIFICATE_EXPIRED, "certificate_expired")                       \
    X(CERTIFICATE_NOT_YET_VALID, "certificate_not_yet_valid")           \
    X(CERTIFICATE_SELF_SIGNED, "certificate_self_signed")               \
    X(CERTIFICATE_CHAIN, "certificate_chain")                           \
    X(CERTIFICATE_UNTRUSTED, "certificate_untrusted")                   \
    X(CERTIFICATE_WEAK, "certificate_weak")                             \
    X(CERTIFICATE_PURPOSE, "certificate_purpose")                       \
    X(CERTIFICATE_EXPIRES_SOON, "certificate_expires_soon")             \
    /* Redirects */                                                     \
    X(REDIRECT_LOOP, "redirect_loop")                                   \
    X(REDIRECT_TOO_MANY, "redirect_too_many")                           \
    X(REDIRECT_SCHEME, "redirect_scheme")                               \
    X(REDIRECT_LOCAL, "redirect_local")                                 \
    X(REDIRECT_INVALID, "redirect_invalid")                             \
    X(REDIRECT_UNRESOLVED, "redirect_unresolved")                       \
    X(REDIRECT_INSECURE, "redirect_insecure")                           \
    /* The well-known document for servers */                           \
    X(WELL_KNOWN_STATUS, "well_known_status")                           \
    X(WELL_KNOWN_NOT_JSON, "well_known_not_json")                       \
    X(WELL_KNOWN_NO_M_SERVER, "well_known_no_m_server")                 \
    X(WELL_KNOWN_M_SERVER_INVALID, "well_known_m_server_invalid")       \
    X(WELL_KNOWN_DIFFERS, "well_known_differs")                         \
    X(WELL_KNOWN_CONTENT_TYPE, "well_known_content_type")               \
    X(WELL_KNOWN_CACHE_LONG, "well_known_cache_long")                   \
    X(WELL_KNOWN_CACHE_SHORT, "well_known_cache_short")                 \
    /* SRV records */                                                   \
    X(SRV_FAILED, "srv_failed")                                         \
    X(SRV_DEPRECATED, "srv_deprecated")                                 \
    X(SRV_NOT_OFFERED, "srv_not_offered")                               \
    X(SRV_TARGET_CNAME, "srv_target_cname")                             \
    X(SRV_TARGET_UNRESOLVED, "srv_target_unresolved")                   \
    X(SRV_TARGET_INVALID, "srv_target_invalid")                         \
    X(SRV_POINTS_ELSEWHERE, "srv_points_elsewhere")                     \
    X(SRV_TOO_MANY, "srv_too_many")                                     \
    /* The homeserver */                                                \
    X(VERSION_STATUS, "version_status")                                 \
    X(VERSION_INVALID, "version_invalid")                               \
    X(KEYS_STATUS, "keys_status")                                       \
    X(KEYS_NOT_JSON, "keys_not_json")                                   \
    X(KEYS_SERVER_NAME, "keys_server_name")                             \
    X(KEYS_VALIDITY, "keys_validity")                                   \
    X(KEYS_EXPIRED, "keys_expired")                                     \
    X(KEYS_MISSING, "keys_missing")                                     \
    X(KEYS_INVALID, "keys_invalid")                                     \
    X(KEYS_UNSIGNED, "keys_unsigned")                                   \
    X(KEYS_SIGNATURE, "keys_signature")                                 \
    /* Clients and people */                                            \
    X(CLIENT_ABSENT, "client_absent")                                   \
    X(CLIENT_STATUS, "client_status")                                   \
    X(CLIENT_NOT_JSON, "client_not_json")                               \
    X(CLIENT_NO_BASE_URL, "client_no_base_url")                         \
    X(CLIENT_BASE_URL_INVALID, "client_base_url_invalid")               \
    X(CLIENT_IDENTITY_SERVER_INVALID, "client_identity_server_invalid") \
    X(CLIENT_CORS, "client_cors")                                       \
    X(CLIENT_VERSIONS_STATUS, "client_versions_status")                 \
    X(CLIENT_VERSIONS_INVALID, "client_versions_invalid")               \
    X(CLIENT_VERSIONS_CORS, "client_versions_cors")                     \
    X(SUPPORT_INVALID, "support_invalid")

#define FINDING_ENUMERATOR(name, text) FINDING_##name,
enum finding_code {
    FINDING_NONE,
    FINDING_CODES(FINDING_ENUMERATOR) FINDING_COUNT
};
#undef FINDING_ENUMERATOR

enum mark {
    MARK_NOTE,  /* neither good nor bad */
    MARK_GOOD,  /* ✓ */
    MARK_WARN,  /* ! */
    MARK_ERROR, /* ✗ */
};

/* One line. A line with a code is a finding: an error or a warning, by its mark. */
struct line {
    enum mark mark;
    enum finding_code code;
    int depth;
    char *text; /* printable */
    char *hint; /* printable: what to change; NULL on lines without a code */
};

/* The lines of one part of a check, in the order of the tree. */
struct lines {
    struct line *items;
    size_t count;
};

/* The code as scripts know it. */
const char *finding_code_name(enum finding_code code);

/* Adds a line without a code. Formatted text must be printable: text_printable. */
void lines_add(struct lines *lines, int depth, enum mark mark, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds a finding; `text` and `hint` are taken over. */
void lines_add_finding(struct lines *lines, int depth, enum mark mark, enum finding_code code,
                       char *text, char *hint);

/* Moves all lines of `more` to the end of `lines`; `more` is empty then. */
void lines_append(struct lines *lines, struct lines *more);

/* The worst mark among the lines from the one of that index on. */
enum mark lines_worst(const struct lines *lines, size_t from);

void lines_clear(struct lines *lines);

#endif
