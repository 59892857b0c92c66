/* Fetches a document from given addresses, through redirects. A redirect comes from an untrusted
   server, so the next request's limit is the reach of that server's address. */
#ifndef CHECK_NET_FOLLOW_H
#define CHECK_NET_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "check/net/net.h"

enum follow_outcome {
    FOLLOW_PENDING,
    FOLLOW_FETCHED, /* `fetch` has the last request's outcome */
    FOLLOW_LOOP,
    FOLLOW_TOO_MANY,
    FOLLOW_SCHEME,     /* a redirect to something that is neither https nor http */
    FOLLOW_FORBIDDEN,  /* a redirect, or the URL, to an address that the access policy forbids */
    FOLLOW_INVALID,    /* a redirect without a URL that can be read */
    FOLLOW_UNRESOLVED, /* a redirect to a host without addresses */
};

struct follow {
    enum follow_outcome outcome;
    char *url; /* the current one */
    char *visited[FOLLOW_REDIRECT_LIMIT + 1];
    size_t redirects;              /* followed so far */
    bool insecure;                 /* a redirect left https */
    bool redirect_hidden;          /* a browser would have stopped at a redirect */
    char *last_target;             /* printable: the target of the last redirect */
    enum ip_reach forbidden_reach; /* with FOLLOW_FORBIDDEN: of the address in question */
    struct fetch fetch;
    bool fetching;

    const struct network *network;
    struct ip_address addresses[HOST_ADDRESS_LIMIT];
    size_t address_count;
    size_t next_address;
    char *host;
    int port;
    enum ip_reach limit; /* of the next request, see check/net/access.h */
    char *origin_host;
    struct ip_address origin_address; /* which has answered for origin_host */
    struct host_lookup lookup;
    bool looking_up;
    const char *origin; /* sent with the next request, or NULL */
};

/* What to look for. */
struct follow_request {
    const char *url;                    /* https, already checked; copied */
    const struct ip_address *addresses; /* of its host; copied. NULL: they are looked up */
    size_t address_count;
    enum ip_reach limit; /* of the first request; after a redirect its sender's reach */
    bool as_browser;     /* with an Origin header, as a web client's requests have it */
};

/* Asks the addresses one after the other while the connection fails. `follow` must be
   zeroed. */
void follow_start(struct follow *follow, const struct network *network,
                  const struct follow_request *request);

/* How far requests may go that the document has led to. */
enum ip_reach follow_limit(const struct follow *follow);

/* Whether the last request was answered, with any status. */
bool follow_is_answered(const struct follow *follow);

/* Whether this machine cannot check the document; see fetch_is_unchecked. */
bool follow_is_unchecked(const struct follow *follow);

/* Whether a browser lets a web client read the answer: no redirect has stopped it, none led to
   plain HTTP, and the answer's CORS header allows it. */
bool follow_is_shown_to_browsers(const struct follow *follow);

/* Goes on as far as it can; true when it is done. */
bool follow_advance(struct follow *follow);

void follow_clear(struct follow *follow);

/* The absolute URL that `location` means at `base`, to be freed; NULL where it is none that can be
   read: control characters, a user part, a host that is no server name. With a URL in a scheme
   other than https and http, *other_scheme is set. */
char *follow_resolve(const char *base, const char *location, bool *other_scheme);

#endif
