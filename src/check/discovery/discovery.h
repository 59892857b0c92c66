/* One server name: the steps of "Resolving server names" (Server-Server API) as another homeserver
   follows them, the fallback, and the client and support documents. */
#ifndef CHECK_DISCOVERY_DISCOVERY_H
#define CHECK_DISCOVERY_DISCOVERY_H

#include <stdbool.h>

#include "base/problem.h"
#include "check/discovery/client.h"
#include "check/discovery/route.h"
#include "check/discovery/srv.h"
#include "check/discovery/support.h"
#include "check/discovery/well_known.h"
#include "check/findings/findings.h"
#include "matrix/server_name.h"

/* The parts of the report, in its order. */
enum discovery_part {
    PART_WELL_KNOWN,
    PART_TARGETS,
    PART_FALLBACK,
    PART_CLIENT,
    PART_SUPPORT,
    PART_COUNT,
};

struct discovery {
    const struct network *network;
    bool check_client;
    char *server_name; /* in ASCII, as other servers have it */
    char *hostname;    /* its host part, no brackets */
    struct server_name parsed;
    enum verdict verdict; /* when PART_TARGETS is done */

    bool started;
    struct host_lookup host; /* of `hostname` */
    bool host_known;
    struct well_known well_known;
    struct srv fallback; /* the hostname's SRV records; they decide in steps 4 and 5 */
    struct route route;
    struct client client;
    struct support support;

    struct lines parts[PART_COUNT];
    bool part_done[PART_COUNT]; /* its lines are complete */
    bool done;
};

/* Makes a discovery for a name as a person gives it: a server name, or one with Unicode letters.
   NULL and a problem (PROBLEM_USAGE) where it is neither. Freed with discovery_free. */
struct discovery *discovery_create(const char *name, const struct network *network,
                                   bool check_client, struct problem *problem);

void discovery_free(struct discovery *discovery);

/* Starts what can be started, and diagnoses what is answered. True when all is done. */
bool discovery_advance(struct discovery *discovery);

/* The SRV records for the JSON report: those that decided, else the fallback's; NULL where none
   were asked for. */
const struct srv *discovery_srv(const struct discovery *discovery);

/* What the check is waiting for, in words; to be freed. */
char *discovery_waits_for(const struct discovery *discovery);

#endif
