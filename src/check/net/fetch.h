/* HTTP requests, each to one address, many at a time. Redirects are not followed, names not looked
   up and bodies not read here. No connection is made that the access policy does not allow. */
#ifndef CHECK_NET_FETCH_H
#define CHECK_NET_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

#include "base/problem.h"
#include "check/net/access.h"
#include "check/net/limits.h"
#include "check/net/peer_certificate.h"

struct fetcher;

enum fetch_outcome {
    FETCH_PENDING,
    FETCH_ANSWERED,  /* there is a status; `body` is whole */
    FETCH_FORBIDDEN, /* the access policy does not allow the address; nothing was sent */
    FETCH_REFUSED,
    FETCH_NO_ROUTE, /* this machine cannot send to that network at all */
    FETCH_CONNECT_TIMEOUT,
    FETCH_CONNECT_FAILED,
    FETCH_TLS_FAILED,
    FETCH_CERTIFICATE, /* the certificate is not valid; the request was not sent */
    FETCH_ANSWER_TIMEOUT,
    FETCH_TOO_LARGE,
    FETCH_BROKEN, /* the answer is not HTTP, or ended too early */
};

/* What to ask. The texts are copied. */
struct fetch_request {
    const char *url; /* absolute; its host is the name for SNI and for the certificate */
    struct ip_address address;
    int port;            /* to connect to, in place of the URL's */
    enum ip_reach limit; /* see check/net/access.h */
    const struct access_policy *policy;
    const char *host_header; /* NULL: as the URL has it */
    const char *tls_name;    /* the name that the certificate must have, no brackets */
    const char *origin;      /* the value of an Origin header, as browsers send it, or NULL */
};

/* A request and its answer. It must not move while it runs. */
struct fetch {
    enum fetch_outcome outcome;
    int port;
    struct ip_address address;
    enum ip_reach reach; /* of the address, when the connection was to be made */
    long status;
    char *body; /* terminated; may hold NULs */
    size_t body_length;
    char *content_type; /* these NULL where absent; as they came */
    char *cache_control;
    char *location;
    char *allow_origin; /* all values, joined with ", " as browsers do */
    struct certificate_details certificate;
    char *detail; /* printable: the library's message for a failure */

    enum ip_reach limit;
    const struct access_policy *policy;
    enum fetch_outcome broken_off; /* set by a callback that aborted the transfer */
    bool connected;                /* the TCP connection was established */
    bool uses_tls;
    CURL *handle;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    char error[CURL_ERROR_SIZE];
    char *tls_name;
    char *origin;
    size_t header_length;
    struct fetcher *fetcher;
};

/* `timeout`: seconds for each request, from the connection to the last byte. `trust` must outlive
   the result. NULL and a problem on failure, above all where libcurl is not built with GnuTLS. */
struct fetcher *fetcher_create(gnutls_x509_trust_list_t trust, int timeout,
                               struct problem *problem);

void fetcher_free(struct fetcher *fetcher);

/* Starts a request. `fetch` must be zeroed or cleared. */
void fetch_start(struct fetcher *fetcher, struct fetch *fetch, const struct fetch_request *request);

/* Ends the request where it still runs, and frees what it holds. */
void fetch_clear(struct fetch *fetch);

/* Whether a browser would let the page at the request's origin read the answer (Fetch Standard,
   "CORS check"). */
bool fetch_passes_cors(const struct fetch *fetch);

/* Whether no TCP connection was established: a client then tries the next address. */
bool fetch_is_unconnected(const struct fetch *fetch);

/* Whether this machine cannot check the address: it has no route there, or the address is its own
   and the policy forbids it. */
bool fetch_is_unchecked(const struct fetch *fetch);

/* For the event loop: waits at most `milliseconds` for any request, or for any of `fds`. */
void fetcher_wait(struct fetcher *fetcher, struct curl_waitfd *fds, size_t count, int milliseconds);

/* Goes on with every request as far as it can, and finishes those that are done; true where there
   was one. */
bool fetcher_process(struct fetcher *fetcher);

#endif
