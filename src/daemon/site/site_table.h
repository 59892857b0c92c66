/* The published table: what is answered for which host, by which certificate. Built on the side,
   never changed afterwards, read by all workers, replaced whole. */
#ifndef DAEMON_SITE_SITE_TABLE_H
#define DAEMON_SITE_SITE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/problem.h"
#include "daemon/config/configuration.h"
#include "daemon/site/responses.h"
#include "daemon/tls/certificate_set.h"

/* One host, or any. */
struct site {
    char *host;                                        /* lower case; "*": any other host */
    struct document_answer *documents[DOCUMENT_COUNT]; /* NULL: none */
    char *redirect;                                    /* where other paths go, or NULL */
    struct certificate *certificate; /* its own, else the default one; NULL: none */
};

struct site_table {
    struct site *sites; /* in the configuration's order */
    size_t site_count;
    struct map by_host;
    const struct site *any;                  /* the site for any other host, or NULL */
    struct certificate *default_certificate; /* the top level's, or NULL */
    struct certificate *certificate_without_sni;
    struct certificate_set certificates;
    struct document_answer **answers; /* every distinct document */
    size_t answer_count;
    bool redirects; /* some request is redirected */
    bool access_log;
    bool http_redirect;  /* plain listeners send everything but ACME challenges to HTTPS */
    char *acme_alpn_dir; /* where challenge certificates are, or NULL */
    char *acme_webroot;  /* where the tokens of plain listeners are, or NULL */
    unsigned max_connections;
    unsigned max_connections_per_ip;
    uint64_t request_timeout;   /* milliseconds */
    uint64_t keepalive_timeout; /* milliseconds */
};

/* What a table needs of the certificates. */
enum site_certificates {
    SITE_CERTIFICATES_NONE,      /* there is no HTTPS listener */
    SITE_CERTIFICATES_AS_NEEDED, /* of many, some may be read when they are first asked for */
    SITE_CERTIFICATES_ALL,       /* all are read now, to describe them: none need be usable */
};

/* Builds a table from a configuration; certificates that `previous` (or NULL) holds are shared with
   it, not read again. Each certificate that cannot be used, or is not for its domain, is logged;
   where certificates are needed, at least one must be usable, or an ACME client able to get one
   with our help (a warning says so). NULL and a problem on failure. */
struct site_table *site_table_build(const struct config *config, const struct site_table *previous,
                                    enum site_certificates certificates, struct problem *problem);

/* Whether some certificate is usable, or an ACME client can get one with our help (a warning says
   so). */
bool site_table_check_certificates(const struct site_table *table, struct problem *problem);

/* Frees a table that no worker can see any more; takes NULL. */
void site_table_free(struct site_table *table);

/* The text of a domain's document, to be freed with free(); NULL where memory ran out, or, with
   `*exists` false, where the domain does not have that document. */
char *site_document_render(const struct domain_config *domain, enum document document,
                           bool *exists);

enum {
    SITE_HOST_SIZE = 256 + 1
};

/* Brings the `length` bytes of a Host field or request authority into the form in which hosts are
   compared: lower case, without port, without trailing dot (RFC 9110, section 4.2.3). False where
   it is no host name or IP literal with an optional port. */
bool site_host_normalize(const char *authority, size_t length, char host[static SITE_HOST_SIZE]);

/* The site of a normalized host, else the one for any host, else NULL. */
const struct site *site_table_lookup(const struct site_table *table, const char *host);

/* The certificate for a handshake with this SNI name (not normalized; NULL: none was sent), or NULL
   where there is none for that name. */
struct certificate *site_table_certificate(const struct site_table *table, const char *name);

#endif
