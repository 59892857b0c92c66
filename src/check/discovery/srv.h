/* SRV records for Matrix: which ones count, and where they lead (Server-Server API, "Resolving
   server names", steps 3.3, 3.4, 4 and 5). */
#ifndef CHECK_DISCOVERY_SRV_H
#define CHECK_DISCOVERY_SRV_H

#include <stdbool.h>
#include <stddef.h>

#include "check/findings/findings.h"
#include "check/net/net.h"

struct srv_record {
    int priority;
    int weight;
    int port;
    char *target; /* printable; `lookup` has the name as it came */
    struct host_lookup lookup;
};

/* The SRV records of one name. It must not move while it runs. */
struct srv {
    bool started;
    enum lookup_status status; /* FOUND, ABSENT, FAILED; PENDING until both answers are there */
    bool deprecated;           /* the records are those of _matrix, because _matrix-fed has none */
    bool not_offered;          /* the only target is ".": there is no such service (RFC 2782) */
    bool more;                 /* than DNS_RECORD_LIMIT */
    char owner[DNS_NAME_SIZE]; /* of the records that count, for example _matrix-fed._tcp.… */
    struct srv_record records[DNS_RECORD_LIMIT]; /* by priority, then by weight */
    size_t count;

    const struct network *network;
    struct record_lookup current;
    struct record_lookup old;
};

/* Asks for _matrix-fed._tcp.NAME and _matrix._tcp.NAME. `srv` must be zeroed. */
void srv_start(struct srv *srv, const struct network *network, const char *name);

/* Advances; true when the records and their targets' addresses are known, or it was never started.
 */
bool srv_advance(struct srv *srv);

/* Whether the addresses of some target are unknown, as the DNS did not answer. */
bool srv_is_unsure(struct srv *srv);

/* Adds a line for each record and the findings about it. `worst` is the mark of faults: a warning
   for the fallback, else an error. */
void srv_diagnose(struct srv *srv, struct branch at, enum mark worst);

void srv_clear(struct srv *srv);

#endif
