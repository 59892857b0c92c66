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

/* The SRV records of one name. Whoever starts it keeps it in place until it is done. */
struct srv {
    bool started;
    enum lookup_status status; /* FOUND, ABSENT, FAILED; PENDING until both answers are there */
    bool deprecated;           /* the records are those of _matrix, because _matrix-fed has none */
    bool not_offered;          /* the only target is ".": decidedly no service (RFC 2782) */
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

/* Goes on as far as it can; true when records and their targets' addresses are known. True also
   where it was never started. */
bool srv_advance(struct srv *srv);

/* Whether the DNS did not answer for some target, so that its addresses are not known. */
bool srv_is_unsure(struct srv *srv);

/* Adds one line a record, and what is wrong with each. A failure that hurts is marked `worst`; a
   fallback's is a warning. */
void srv_diagnose(struct srv *srv, struct branch at, enum mark worst);

void srv_clear(struct srv *srv);

#endif
