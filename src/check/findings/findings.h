/* The result of a check: lines that form a tree for people, some with codes for scripts. */
#ifndef CHECK_FINDINGS_FINDINGS_H
#define CHECK_FINDINGS_FINDINGS_H

#include <stddef.h>

enum verdict {
    VERDICT_WORKS,
    VERDICT_FAILS,
    VERDICT_UNKNOWN, /* this machine could not find out */
};

enum mark {
    MARK_NOTE,  /* neither good nor bad */
    MARK_GOOD,  /* ✓ */
    MARK_WARN,  /* ! */
    MARK_ERROR, /* ✗ */
};

/* The codes of errors and warnings; findings.c has the table of what belongs to each. They are the
   interface of scripts and stay as they are; matrix-delegation-check(1) says what each means. */
enum finding_code {
    FINDING_NONE,
    /* The Domain Name System */
    FINDING_DNS_FAILED,
    FINDING_NAME_NOT_FOUND,
    FINDING_NO_ADDRESS,
    FINDING_TOO_MANY_ADDRESSES,
    FINDING_ADDRESS_PRIVATE,
    FINDING_ADDRESS_LOCAL,
    FINDING_ADDRESS_OWN,
    /* Connections, wherever they go */
    FINDING_CONNECTION_REFUSED,
    FINDING_CONNECTION_TIMEOUT,
    FINDING_CONNECTION_FAILED,
    FINDING_NO_ROUTE,
    FINDING_TLS_FAILED,
    FINDING_ANSWER_TIMEOUT,
    FINDING_ANSWER_TOO_LARGE,
    FINDING_ANSWER_BROKEN,
    /* Certificates, wherever they are shown */
    FINDING_CERTIFICATE_NAME,
    FINDING_CERTIFICATE_NAME_SRV,
    FINDING_CERTIFICATE_EXPIRED,
    FINDING_CERTIFICATE_NOT_YET_VALID,
    FINDING_CERTIFICATE_SELF_SIGNED,
    FINDING_CERTIFICATE_CHAIN,
    FINDING_CERTIFICATE_UNTRUSTED,
    FINDING_CERTIFICATE_WEAK,
    FINDING_CERTIFICATE_PURPOSE,
    FINDING_CERTIFICATE_EXPIRES_SOON,
    /* Redirects */
    FINDING_REDIRECT_LOOP,
    FINDING_REDIRECT_TOO_MANY,
    FINDING_REDIRECT_SCHEME,
    FINDING_REDIRECT_LOCAL,
    FINDING_REDIRECT_INVALID,
    FINDING_REDIRECT_UNRESOLVED,
    FINDING_REDIRECT_INSECURE,
    /* The well-known document for servers */
    FINDING_WELL_KNOWN_STATUS,
    FINDING_WELL_KNOWN_NOT_JSON,
    FINDING_WELL_KNOWN_NO_M_SERVER,
    FINDING_WELL_KNOWN_M_SERVER_INVALID,
    FINDING_WELL_KNOWN_DIFFERS,
    FINDING_WELL_KNOWN_CONTENT_TYPE,
    FINDING_WELL_KNOWN_CACHE_LONG,
    FINDING_WELL_KNOWN_CACHE_SHORT,
    /* SRV records */
    FINDING_SRV_FAILED,
    FINDING_SRV_DEPRECATED,
    FINDING_SRV_NOT_OFFERED,
    FINDING_SRV_TARGET_CNAME,
    FINDING_SRV_TARGET_UNRESOLVED,
    FINDING_SRV_TARGET_INVALID,
    FINDING_SRV_POINTS_ELSEWHERE,
    FINDING_SRV_TOO_MANY,
    /* The homeserver */
    FINDING_FEDERATION_NOT_SERVED,
    FINDING_VERSION_STATUS,
    FINDING_VERSION_INVALID,
    FINDING_KEYS_STATUS,
    FINDING_KEYS_NOT_JSON,
    FINDING_KEYS_SERVER_NAME,
    FINDING_KEYS_VALIDITY,
    FINDING_KEYS_EXPIRED,
    FINDING_KEYS_MISSING,
    FINDING_KEYS_INVALID,
    FINDING_KEYS_UNSIGNED,
    FINDING_KEYS_SIGNATURE,
    /* Clients and people */
    FINDING_CLIENT_ABSENT,
    FINDING_CLIENT_STATUS,
    FINDING_CLIENT_NOT_JSON,
    FINDING_CLIENT_NO_BASE_URL,
    FINDING_CLIENT_BASE_URL_INVALID,
    FINDING_CLIENT_IDENTITY_SERVER_INVALID,
    FINDING_CLIENT_CORS,
    FINDING_CLIENT_VERSIONS_STATUS,
    FINDING_CLIENT_VERSIONS_INVALID,
    FINDING_CLIENT_VERSIONS_CORS,
    FINDING_SUPPORT_INVALID,
    FINDING_COUNT,
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

/* Where in the tree lines are added. */
struct branch {
    struct lines *lines;
    int depth;
};

/* A finding to add. Texts must be printable, and are freed with the lines. */
struct finding {
    enum finding_code code;
    enum mark mark; /* MARK_NOTE: the code's own */
    char *text;
    char *hint; /* NULL: the code's own */
};

/* The code as scripts know it; NULL for FINDING_NONE. */
const char *finding_code_name(enum finding_code code);

/* What to change, in general. */
const char *finding_code_hint(enum finding_code code);

/* Adds a line without a code. Formatted text must be printable: text_printable. */
void branch_add(struct branch at, enum mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a finding, and returns its code. */
enum finding_code branch_add_finding(struct branch at, struct finding finding);

static inline struct branch branch_below(struct branch at)
{
    return (struct branch){.lines = at.lines, .depth = at.depth + 1};
}

/* Moves all lines of `more` to the end of `lines`; `more` is empty then. */
void lines_append(struct lines *lines, struct lines *more);

/* The worst mark among the lines; MARK_NOTE where there are none. */
enum mark lines_worst(const struct lines *lines);

void lines_clear(struct lines *lines);

#endif
