/* SRV records for Matrix: which ones count, and where they lead (Server-Server API, "Resolving
   server names", steps 3.3, 3.4, 4 and 5). */
#ifndef CHECK_DISCOVERY_SRV_H
#define CHECK_DISCOVERY_SRV_H

#include <stdbool.h>
#include <stddef.h>

#include "check/environment.h"
#include "check/finding.h"

struct service_target {
    int priority;
    int weight;
    int port;
    char *name; /* printable for people; `lookup` has it as it came */
    struct host_lookup lookup;
};

/* The SRV records of one name. Whoever starts it keeps it in place until it is done. */
struct service {
    bool started;
    enum lookup_status status; /* FOUND, ABSENT, FAILED; PENDING until both answers are there */
    bool deprecated;           /* the records are those of _matrix, because _matrix-fed has none */
    bool both;                 /* there are records of both */
    bool not_offered;          /* the only target is ".": decidedly no service (RFC 2782) */
    char owner[DNS_NAME_SIZE]; /* of the records that count, for example _matrix-fed._tcp.… */
    struct service_target targets[DNS_RECORD_LIMIT]; /* by priority, then by weight */
    size_t count;
    bool more;

    const struct environment *environment;
    struct record_lookup current;
    struct record_lookup old;
};

/* Asks for _matrix-fed._tcp.NAME and _matrix._tcp.NAME. `service` must be zeroed. */
void service_start(struct service *service, const struct environment *environment,
                   const char *name);

/* Goes on as far as it can; true when records and their targets' addresses are known. True also
   where it was never started. */
bool service_advance(struct service *service);

/* Whether the DNS did not answer for some target, so that its addresses are not known. */
bool service_is_unsure(struct service *service);

/* One line a record, and what is wrong with each. A failure that hurts is marked `worst`; a
   fallback's is a warning. */
void service_judge(struct service *service, struct lines *lines, int depth, enum mark worst);

void service_clear(struct service *service);

#endif
