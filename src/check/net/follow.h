/* A document behind a URL: looked for at given addresses, through redirects. Every hop is judged,
   as a stranger's server decides where the next one goes. */
#ifndef CHECK_NET_FOLLOW_H
#define CHECK_NET_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "check/environment.h"

enum {
    FOLLOW_REDIRECT_LIMIT = 5,
};

enum follow_outcome {
    FOLLOW_PENDING,
    FOLLOW_FETCHED, /* `fetch` tells how the last request went */
    FOLLOW_LOOP,
    FOLLOW_TOO_MANY,
    FOLLOW_SCHEME,     /* a redirect to something that is neither https nor http */
    FOLLOW_LOCAL,      /* a redirect to an address that means another machine for everyone */
    FOLLOW_INVALID,    /* a redirect without a URL that can be read */
    FOLLOW_UNRESOLVED, /* a redirect to a host without addresses */
};

struct follow {
    enum follow_outcome outcome;
    char *url; /* the current one */
    char *visited[FOLLOW_REDIRECT_LIMIT + 1];
    size_t redirects;     /* followed so far */
    bool insecure;        /* a redirect left https */
    bool redirect_hidden; /* a redirect came without the CORS header a browser needs */
    char *last_target;    /* printable: where the redirect that ended it was to go */
    struct fetch fetch;
    bool fetching;

    const struct environment *environment;
    struct ip_address addresses[HOST_ADDRESS_LIMIT];
    size_t address_count;
    size_t next_address;
    char *host;
    int port;
    char *origin_host;
    enum ip_reach origin_reach;
    struct ip_address origin_address;
    struct host_lookup lookup;
    bool looking_up;
    bool as_browser;
};

/* Starts at `url` (https, already checked), whose host has these addresses: one after the other
   while no connection comes about. `follow` must be zeroed; the texts are copied. */
void follow_start(struct follow *follow, const struct environment *environment, const char *url,
                  const struct ip_address *addresses, size_t count, bool as_browser);

/* As follow_start, for a URL (https or http, already checked) whose host has yet to be looked up.
   Where `origin_reach` is not IP_LOCAL, addresses of this machine are not asked. */
void follow_start_lookup(struct follow *follow, const struct environment *environment,
                         const char *url, enum ip_reach origin_reach, bool as_browser);

/* Whether a browser lets a page read the answer: it allows every origin, or the one that asked. */
bool follow_is_shown_to_browsers(const struct fetch *fetch);

/* Goes on as far as it can; true when it is done. */
bool follow_advance(struct follow *follow);

void follow_clear(struct follow *follow);

/* The absolute URL that `location` means at `base`, to be freed; NULL where it is none that can be
   read: control characters, a user part, a host that is no server name. With a URL in a scheme
   other than https and http, *strange is set. */
char *follow_resolve(const char *base, const char *location, bool *strange);

#endif
