/* The steps of "Resolving server names" (Server-Server API) after the well-known document: which
   addresses the homeserver must have. */
#ifndef CHECK_DISCOVERY_ROUTE_H
#define CHECK_DISCOVERY_ROUTE_H

#include <stdbool.h>

#include "check/discovery/srv.h"
#include "check/discovery/targets.h"
#include "check/discovery/well_known.h"
#include "check/findings/findings.h"
#include "matrix/server_name.h"

enum {
    ROUTE_DEFAULT_PORT = 8448, /* where neither a port nor SRV records are given */
};

/* The specification's step that decided. */
enum step {
    STEP_NONE, /* not known: the route ended before */
    STEP_1,
    STEP_2,
    STEP_3_1,
    STEP_3_2,
    STEP_3_3,
    STEP_3_4,
    STEP_3_5,
    STEP_4,
    STEP_5,
    STEP_6,
};

/* Where a route begins. Not owned: all of it outlives the route. */
struct route_origin {
    const struct network *network;
    const char *server_name; /* in ASCII, as other servers have it */
    struct server_name parsed;
    const char *hostname;                /* its host part, no brackets */
    struct host_lookup *host;            /* of hostname */
    const struct well_known *well_known; /* diagnosed, or never tried */
    struct srv *fallback;                /* the hostname's SRV records: steps 4 and 5 */
};

/* It must not move while it runs. */
struct route {
    bool started;
    struct route_origin origin;
    char *delegated; /* m.server, or NULL */
    enum step step;
    char *final_name;        /* whose addresses or SRV records count in the end, no brackets */
    int final_port;          /* where no SRV record gives one */
    bool uses_srv;           /* SRV records have a say: neither a port nor an IP address is given */
    struct srv srv;          /* of the delegated name, steps 3.3 and 3.4 */
    struct host_lookup host; /* of the delegated name */
    bool targets_known;
    struct targets targets;
    char *host_header; /* these two NULL until the step is known */
    char *tls_name;
    char *connect_hint;
};

void route_start(struct route *route, const struct route_origin *origin);

/* Advances; true when all addresses are tried. */
bool route_advance(struct route *route);

/* Adds the step's line and its findings, and returns the verdict. */
enum verdict route_diagnose(struct route *route, struct branch at);

/* The step's number in the specification; "" for STEP_NONE. */
const char *step_number(enum step step);

void route_clear(struct route *route);

#endif
