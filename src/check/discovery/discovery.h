/* A server name's whole way to its homeserver, as another homeserver goes it (Server-Server API,
   "Resolving server names"), and what lies beside it: fallbacks, clients, support. */
#ifndef CHECK_DISCOVERY_DISCOVERY_H
#define CHECK_DISCOVERY_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "check/discovery/client.h"
#include "check/discovery/srv.h"
#include "check/discovery/target.h"
#include "check/discovery/well_known.h"
#include "check/environment.h"
#include "check/finding.h"
#include "matrix/server_name.h"

enum {
    WALK_TARGET_LIMIT = 32, /* addresses that are tried at the end of the way */
};

/* The specification's step that decided. */
enum step {
    STEP_NONE, /* not known: the way ended before */
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

enum verdict {
    VERDICT_WORKS,
    VERDICT_FAILS,
    VERDICT_UNKNOWN, /* it could not be found out from here */
};

/* The parts of the report, in its order; each is whole as soon as its lines are there. */
enum walk_part {
    PART_WELL_KNOWN,
    PART_TARGETS,
    PART_FALLBACK,
    PART_CLIENT,
    PART_SUPPORT,
    PART_COUNT,
};

struct walk {
    const struct environment *environment;
    char *server_name; /* in ASCII, as other servers have it */
    char *hostname;    /* its host part, no brackets */
    struct server_name parsed;
    enum step step;
    enum verdict verdict;

    bool started;
    struct host_lookup host; /* of `hostname` */
    bool beside_started;     /* what needs the host's addresses and nothing else */
    struct well_known well_known;
    char *delegated; /* m.server, or NULL */
    struct client client;
    struct support support;

    struct service fallback; /* the hostname's SRV records; they decide in steps 4 and 5 */
    struct service service;  /* the delegated name's SRV records, steps 3.3 and 3.4 */
    struct host_lookup final_host;
    char *final_name; /* whose addresses or SRV records count in the end, no brackets */
    int final_port;   /* where no SRV record gives one */
    bool route_known; /* the well-known answers are in, so what is looked up at last is known */
    bool targets_known;
    struct target targets[WALK_TARGET_LIMIT];
    size_t target_count;
    char *host_header; /* these two NULL until the step is known */
    char *tls_name;
    char *connect_hint;

    struct lines parts[PART_COUNT];
    bool part_done[PART_COUNT];
    bool done;
};

/* Makes a walk for a name as a person gives it: a server name, or one with Unicode letters. NULL
   and a problem (PROBLEM_USAGE) where it is neither. Freed with walk_free. */
struct walk *walk_create(const char *name, const struct environment *environment,
                         struct problem *problem);

void walk_free(struct walk *walk);

/* Starts what can be started, and judges what is answered. True when all is done. */
bool walk_advance(struct walk *walk);

/* Whether there is a step 3 for this name: it is neither a literal nor has a port. */
bool walk_has_well_known(const struct walk *walk);

/* The SRV records that scripts are told of: those that decided, else the fallback's; NULL where
   none were asked for. */
const struct service *walk_service(const struct walk *walk);

/* The step's number in the specification; "" for STEP_NONE. */
const char *step_number(enum step step);

/* What is being waited for at the moment, for people, to be freed. */
char *walk_waits_for(const struct walk *walk);

#endif
