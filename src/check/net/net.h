/* What all checks share: the DNS resolver, the HTTP client, the trusted CAs and the access policy.
   Everything that waits for the network is a struct with a status; there are no callbacks. */
#ifndef CHECK_NET_NET_H
#define CHECK_NET_NET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "check/net/access.h"
#include "check/net/fetch.h"
#include "check/net/resolver.h"

struct network {
    struct resolver *resolver;
    struct fetcher *fetcher;
    gnutls_x509_trust_list_t trust;
    struct access_policy policy;
};

/* Settings of the command line. */
struct network_settings {
    char *const *dns; /* ADDR[:PORT]; none: the system's servers */
    size_t dns_count;
    char *const *resolve; /* HOST:ADDR */
    size_t resolve_count;
    const char *ca; /* a file in PEM; NULL: the system's CAs */
    int family;     /* AF_UNSPEC, AF_INET or AF_INET6 */
    int timeout;    /* seconds, for each network step */
};

/* `network` is zeroed or closed. False and a problem on failure; to be closed in any case. */
bool network_open(struct network *network, const struct network_settings *settings,
                  struct problem *problem);

/* All lookups and requests must have ended or been cleared. */
void network_close(struct network *network);

/* Finishes requests that are done; true where there was one. */
bool network_process(struct network *network);

/* Waits at most `milliseconds` until something arrives, and takes it. */
void network_wait(struct network *network, int milliseconds);

#endif
