#include "check/discovery/route.h"

#include <stdlib.h>
#include <string.h>

#include "check/findings/diagnosis.h"
#include "check/net/text.h"

const char *step_number(enum step step)
{
    static const char *const numbers[] = {"",    "1",   "2", "3.1", "3.2", "3.3",
                                          "3.4", "3.5", "4", "5",   "6"};
    return numbers[step];
}

/* The SRV records and the addresses that count: the delegated name's, or the server name's. */
static struct srv *deciding_srv(struct route *route)
{
    return route->delegated ? &route->srv : route->origin.fallback;
}

static struct host_lookup *final_host(struct route *route)
{
    return route->delegated ? &route->host : route->origin.host;
}

/* The steps whose name is an IP literal, or has a port: nothing but addresses is looked up. */
static void set_direct(struct route *route, const char *text, const struct server_name *name,
                       enum step literal, enum step with_port)
{
    route->step = name->kind == SERVER_NAME_DNS ? with_port : literal;
    route->host_header = text_copy(text);
    route->tls_name = text_copy_part(name->host, name->host_length);
    route->final_port = name->port < 0 ? ROUTE_DEFAULT_PORT : name->port;
}

static bool is_direct(const struct server_name *name)
{
    return name->kind != SERVER_NAME_DNS || name->port >= 0;
}

/* Steps 1 and 2, or 4 to 6. */
static void start_undelegated(struct route *route)
{
    route->final_name = text_copy(route->origin.hostname);
    if (is_direct(&route->origin.parsed)) {
        set_direct(route, route->origin.server_name, &route->origin.parsed, STEP_1, STEP_2);
    } else {
        route->uses_srv = true;
    }
}

/* Steps 3.1 to 3.5. */
static void start_delegated(struct route *route)
{
    struct server_name delegated;
    struct problem problem;
    server_name_parse_target(route->delegated, &delegated, &problem);
    route->final_name = text_copy_part(delegated.host, delegated.host_length);
    if (is_direct(&delegated)) {
        set_direct(route, route->delegated, &delegated, STEP_3_1, STEP_3_2);
    } else {
        route->uses_srv = true;
        srv_start(&route->srv, route->origin.network, route->final_name);
    }
    host_lookup_start(route->origin.network->resolver, &route->host, route->final_name);
}

void route_start(struct route *route, const struct route_origin *origin)
{
    route->started = true;
    route->origin = *origin;
    if (origin->well_known->m_server) {
        route->delegated = text_copy(origin->well_known->m_server);
        start_delegated(route);
    } else {
        start_undelegated(route);
    }
}

/* Whether the command line gives the server name a loopback address: as a literal, or with
   --resolve. */
static bool is_at_home(const struct route *route)
{
    const struct host_lookup *host = route->origin.host;
    bool local = route->step == STEP_1;
    for (size_t i = 0; host->given && i < host->count; i++) {
        local = local || ip_address_reach(&host->addresses[i]) == IP_LOCAL;
    }
    return local;
}

static void add_targets(struct route *route, const struct host_lookup *lookup, int port,
                        const char *srv_target)
{
    enum ip_reach origin = route->delegated    ? route->origin.well_known->limit
                           : is_at_home(route) ? ACCESS_BY_HAND
                                               : ACCESS_BY_NAME;
    enum ip_reach own = host_lookup_limit(lookup);
    targets_add(&route->targets, lookup, port, own > origin ? own : origin, srv_target);
}

static void set_named(struct route *route, enum step step)
{
    route->step = step;
    route->host_header = text_copy(route->final_name);
    route->tls_name = text_copy(route->final_name);
    route->final_port = ROUTE_DEFAULT_PORT;
}

static void take_srv_records(struct route *route, const struct srv *srv)
{
    set_named(route, srv->deprecated ? (route->delegated ? STEP_3_4 : STEP_5)
                                     : (route->delegated ? STEP_3_3 : STEP_4));
    for (size_t i = 0; i < srv->count; i++) {
        add_targets(route, &srv->records[i].lookup, srv->records[i].port, srv->records[i].target);
    }
}

/* Takes the step that the answers lead to; false while they are not all there. */
static bool choose_targets(struct route *route)
{
    struct srv *srv = deciding_srv(route);
    if (route->uses_srv) {
        if (!srv_advance(srv)) {
            return false;
        }
        if (srv->status == LOOKUP_FAILED) {
            return true;
        }
        if (srv->status == LOOKUP_FOUND) {
            take_srv_records(route, srv);
            return true;
        }
    }
    if (host_lookup_status(final_host(route)) == LOOKUP_PENDING) {
        return false;
    }
    if (route->uses_srv) {
        set_named(route, route->delegated ? STEP_3_5 : STEP_6);
    }
    add_targets(route, final_host(route), route->final_port, NULL);
    return true;
}

/* A further remedy where nothing answers; NULL where there is none. */
static char *connect_hint_of(const struct route *route)
{
    switch (route->step) {
    case STEP_3_1:
    case STEP_3_2:
        return text_format("or correct m.server, if it is not the right host and port");
    case STEP_3_3:
    case STEP_3_4:
    case STEP_4:
    case STEP_5:
        return text_format("or correct the SRV record");
    case STEP_3_5:
        return text_format("or give m.server the right port: without one servers use 8448; if it "
                           "is 443, write \"%s:443\"",
                           route->final_name);
    case STEP_6:
        return text_format("or, if the homeserver is elsewhere, publish "
                           "https://%s/.well-known/matrix/server",
                           route->origin.hostname);
    case STEP_NONE:
    case STEP_1:
    case STEP_2:
        break;
    }
    return NULL;
}

bool route_advance(struct route *route)
{
    if (!route->targets_known) {
        if (!choose_targets(route)) {
            return false;
        }
        route->targets_known = true;
        route->connect_hint = connect_hint_of(route);
        struct target_names names = {
            .server_name = route->origin.server_name,
            .host_header = route->host_header,
            .tls_name = route->tls_name,
            .connect_hint = route->connect_hint,
        };
        targets_start(&route->targets, route->origin.network, &names);
    }
    return targets_advance(&route->targets);
}

/* Where the step has led to no address at all. */
static enum verdict diagnose_nowhere(struct route *route, struct branch at)
{
    struct srv *srv = deciding_srv(route);
    if (!route->uses_srv || srv->status == LOOKUP_ABSENT) {
        return diagnose_lookup(at, route->final_name, final_host(route));
    }
    return srv->status == LOOKUP_FAILED || srv_is_unsure(srv) ? VERDICT_UNKNOWN : VERDICT_FAILS;
}

static void add_heading(struct route *route, struct branch at, enum verdict verdict)
{
    static const enum mark marks[] = {
        [VERDICT_WORKS] = MARK_GOOD,
        [VERDICT_FAILS] = MARK_ERROR,
        [VERDICT_UNKNOWN] = MARK_WARN,
    };
    const struct srv *srv = deciding_srv(route);
    if (route->step == STEP_NONE) {
        branch_add(at, marks[verdict], "SRV records of %s", route->final_name);
    } else if (route->uses_srv && srv->status == LOOKUP_FOUND) {
        branch_add(at, marks[verdict], "Step %s: %s", step_number(route->step), srv->owner);
    } else {
        branch_add(at, marks[verdict], "Step %s: %s port %d", step_number(route->step),
                   route->final_name, route->final_port);
    }
}

enum verdict route_diagnose(struct route *route, struct branch at)
{
    struct lines details = {0};
    struct branch below = {.lines = &details, .depth = at.depth + 1};
    if (route->uses_srv) {
        srv_diagnose(deciding_srv(route), below, MARK_ERROR);
    }
    enum verdict verdict = route->targets.count > 0 ? targets_diagnose(&route->targets, below)
                                                    : diagnose_nowhere(route, below);
    if (route->delegated || !route->origin.well_known->tried) {
        diagnose_odd_lookup(below, route->final_name, final_host(route));
    }
    add_heading(route, at, verdict);
    lines_append(at.lines, &details);
    /* Some servers miss the document, or get another one, and look elsewhere. */
    return verdict == VERDICT_WORKS && route->origin.well_known->inconsistent ? VERDICT_FAILS
                                                                              : verdict;
}

void route_clear(struct route *route)
{
    targets_clear(&route->targets);
    srv_clear(&route->srv);
    free(route->delegated);
    free(route->final_name);
    free(route->host_header);
    free(route->tls_name);
    free(route->connect_hint);
    *route = (struct route){0};
}
