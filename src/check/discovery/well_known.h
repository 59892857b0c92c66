/* /.well-known/matrix/server at every address of a host (Server-Server API, "Resolving server
   names", step 3). */
#ifndef CHECK_DISCOVERY_WELL_KNOWN_H
#define CHECK_DISCOVERY_WELL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "check/findings/findings.h"
#include "check/net/follow.h"

/* How one address answered. */
enum well_known_answer {
    WELL_KNOWN_GOOD,      /* a delegation */
    WELL_KNOWN_ABSENT,    /* no document: status 404 or 410 */
    WELL_KNOWN_UNREACHED, /* no connection was established */
    WELL_KNOWN_UNCHECKED, /* this machine cannot check it */
    WELL_KNOWN_BAD,       /* a fault; servers continue as without a document */
};

struct well_known_try {
    struct ip_address address;
    struct follow follow;
    enum well_known_answer answer; /* these when diagnosed */
    enum finding_code error;
    char *m_server;    /* with WELL_KNOWN_GOOD: follows the grammar */
    char *shown;       /* printable m.server, valid or not; NULL where there was none */
    long long max_age; /* seconds; -1 where the answer does not say */
};

struct well_known {
    bool tried;
    struct well_known_try *tries;
    size_t count;
    const char *m_server; /* the delegation, or NULL; belongs to a try */
    enum ip_reach limit;  /* of requests to the delegated host, see check/net/access.h */
    bool inconsistent;    /* some servers get another answer than others */
    bool unknown;         /* no address could be checked from this machine */
};

void well_known_start(struct well_known *well_known, const struct network *network,
                      const char *hostname, const struct host_lookup *addresses);

/* True when every address has been tried, or it was never started. */
bool well_known_advance(struct well_known *well_known);

/* Sets m_server and what follows it, and adds one line for each address. */
void well_known_diagnose(struct well_known *well_known, const char *hostname, struct branch at);

void well_known_clear(struct well_known *well_known);

#endif
