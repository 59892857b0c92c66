/* All limits and thresholds of the tester: how much of an untrusted answer it reads, and from which
   figure on it warns. */
#ifndef CHECK_NET_LIMITS_H
#define CHECK_NET_LIMITS_H

enum {
    /* One answer */
    FETCH_BODY_LIMIT = 50 * 1024,   /* bytes: what homeservers read at most */
    FETCH_HEADER_LIMIT = 64 * 1024, /* bytes, all headers together */
    FOLLOW_REDIRECT_LIMIT = 5,      /* redirects until the document */
    ANSWER_DEPTH_LIMIT = 32,        /* levels of JSON */
    ANSWER_VERSION_LIMIT = 64,      /* versions taken from /_matrix/client/versions */
    TEXT_SHOWN_LENGTH = 200,        /* bytes of an untrusted text that are shown */

    /* The Domain Name System */
    DNS_RECORD_LIMIT = 16, /* records taken from one answer */
    DNS_CNAME_LIMIT = 16,  /* CNAMEs followed in one answer */
    HOST_ADDRESS_LIMIT = 2 * DNS_RECORD_LIMIT,

    /* One check */
    TARGET_LIMIT = 32, /* addresses that are tried at the end of the route */

    /* One run */
    PARALLEL_CHECK_LIMIT = 16, /* names that are checked at the same time */
    TIMEOUT_DEFAULT = 10,      /* seconds for a network step */
    TIMEOUT_LIMIT = 3600,

    /* Certificates */
    CERTIFICATE_CHAIN_LIMIT = 16,
    CERTIFICATE_NAME_LIMIT = 32, /* names kept of one certificate */
    CERTIFICATE_NAMES_SHOWN = 4,
    CERTIFICATE_SOON_DAYS = 14, /* a certificate that ends sooner gets a warning */

    /* Seconds for which homeservers cache the document: at most 48 hours (Server-Server API), at
       least 5 minutes, and 24 hours without max-age (Synapse). */
    CACHE_LONGEST = 48 * 3600,
    CACHE_SHORTEST = 5 * 60,
    CACHE_DEFAULT = 24 * 3600,
};

#endif
