#include "check/discovery/discovery.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "check/discovery/fallback.h"
#include "check/findings/diagnosis.h"
#include "check/net/text.h"

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80) {
            return false;
        }
    }
    return true;
}

/* The name with its host part in ASCII (RFC 5891), to be freed. */
static char *to_ascii(const char *name, struct problem *problem)
{
    if (is_ascii(name)) {
        return text_copy(name);
    }
    const char *port = strrchr(name, ':');
    char *host = text_copy_part(name, port ? (size_t)(port - name) : strlen(name));
    char *ascii = NULL;
    int status = idn2_to_ascii_8z(host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    char *result = NULL;
    if (status == IDN2_OK) {
        result = text_format("%s%s", ascii, port ? port : "");
    } else {
        problem_set_usage(problem, "\"%s\" is no internationalized name (%s): check its spelling",
                          problem_excerpt(name).text, idn2_strerror(status));
    }
    idn2_free(ascii);
    free(host);
    return result;
}

struct discovery *discovery_create(const char *name, const struct network *network,
                                   bool check_client, struct problem *problem)
{
    struct server_name parsed;
    char *ascii = to_ascii(name, problem);
    if (!ascii) {
        return NULL;
    }
    bool good = server_name_parse(ascii, &parsed, problem);
    if (good && (parsed.port == 0 || parsed.port > 65535)) {
        good = problem_set(problem,
                           "\"%s\" has a port that cannot be connected to: give one from 1 "
                           "to 65535",
                           problem_excerpt(ascii).text);
    }
    if (!good) {
        problem->status = PROBLEM_USAGE;
        free(ascii);
        return NULL;
    }
    struct discovery *discovery = calloc(1, sizeof(*discovery));
    if (!discovery) {
        problem_out_of_memory(problem);
        free(ascii);
        return NULL;
    }
    discovery->network = network;
    discovery->check_client = check_client;
    discovery->server_name = ascii;
    discovery->hostname = text_copy_part(parsed.host, parsed.host_length);
    discovery->parsed = parsed;
    return discovery;
}

void discovery_free(struct discovery *discovery)
{
    if (!discovery) {
        return;
    }
    well_known_clear(&discovery->well_known);
    client_clear(&discovery->client);
    support_clear(&discovery->support);
    route_clear(&discovery->route);
    srv_clear(&discovery->fallback);
    for (size_t i = 0; i < PART_COUNT; i++) {
        lines_clear(&discovery->parts[i]);
    }
    free(discovery->server_name);
    free(discovery->hostname);
    free(discovery);
}

/* Whether there is a step 3 for this name: it is neither a literal nor has a port. */
static bool has_well_known(const struct discovery *discovery)
{
    return discovery->parsed.kind == SERVER_NAME_DNS && discovery->parsed.port < 0;
}

static void start(struct discovery *discovery)
{
    discovery->started = true;
    host_lookup_start(discovery->network->resolver, &discovery->host, discovery->hostname);
    if (has_well_known(discovery)) {
        srv_start(&discovery->fallback, discovery->network, discovery->hostname);
    }
}

/* Starts everything that needs only the host's addresses. */
static void start_documents(struct discovery *discovery)
{
    discovery->host_known = true;
    if (host_lookup_status(&discovery->host) != LOOKUP_FOUND ||
        discovery->parsed.kind != SERVER_NAME_DNS) {
        return;
    }
    if (has_well_known(discovery)) {
        well_known_start(&discovery->well_known, discovery->network, discovery->hostname,
                         &discovery->host);
    }
    if (discovery->check_client) {
        client_start(&discovery->client, discovery->network, discovery->hostname, &discovery->host);
    }
    support_start(&discovery->support, discovery->network, discovery->hostname, &discovery->host);
}

static struct branch begin_part(struct discovery *discovery, enum discovery_part part)
{
    discovery->part_done[part] = true;
    return (struct branch){.lines = &discovery->parts[part], .depth = 1};
}

/* Step 3. Without addresses there is no document, and step 4 follows. False where the next step is
   unknown. */
static bool finish_well_known(struct discovery *discovery)
{
    struct branch at = begin_part(discovery, PART_WELL_KNOWN);
    if (!has_well_known(discovery)) {
        return true;
    }
    struct lines details = {0};
    struct branch below = {.lines = &details, .depth = at.depth + 1};
    struct well_known *well_known = &discovery->well_known;
    enum verdict verdict = VERDICT_WORKS;
    switch (host_lookup_status(&discovery->host)) {
    case LOOKUP_FAILED:
        verdict = diagnose_lookup(below, discovery->hostname, &discovery->host);
        break;
    case LOOKUP_FOUND:
        well_known_diagnose(well_known, discovery->hostname, below);
        diagnose_odd_lookup(below, discovery->hostname, &discovery->host);
        break;
    default:
        branch_add(below, MARK_NOTE, "%s has no address, so there is no document",
                   discovery->hostname);
    }
    enum mark mark = well_known->m_server && !well_known->inconsistent ? MARK_GOOD
                     : lines_worst(&details) == MARK_ERROR             ? MARK_ERROR
                                                                       : MARK_NOTE;
    branch_add(at, mark, "Step 3: https://%s/.well-known/matrix/server", discovery->hostname);
    lines_append(at.lines, &details);
    return verdict != VERDICT_UNKNOWN && !well_known->unknown;
}

static void start_route(struct discovery *discovery)
{
    struct route_origin origin = {
        .network = discovery->network,
        .server_name = discovery->server_name,
        .parsed = discovery->parsed,
        .hostname = discovery->hostname,
        .host = &discovery->host,
        .well_known = &discovery->well_known,
        .fallback = &discovery->fallback,
    };
    route_start(&discovery->route, &origin);
}

/* Advances step 3 and the route after it, until PART_TARGETS is done. */
static void advance_route(struct discovery *discovery)
{
    if (!discovery->part_done[PART_WELL_KNOWN]) {
        if (!well_known_advance(&discovery->well_known)) {
            return;
        }
        if (finish_well_known(discovery)) {
            start_route(discovery);
        } else {
            begin_part(discovery, PART_TARGETS);
            discovery->verdict = VERDICT_UNKNOWN;
        }
    }
    if (!discovery->part_done[PART_TARGETS] && route_advance(&discovery->route)) {
        discovery->verdict = route_diagnose(&discovery->route, begin_part(discovery, PART_TARGETS));
    }
}

static void advance_documents(struct discovery *discovery)
{
    if (client_advance(&discovery->client) && !discovery->part_done[PART_CLIENT]) {
        client_diagnose(&discovery->client, discovery->hostname,
                        begin_part(discovery, PART_CLIENT));
    }
    if (support_advance(&discovery->support) && !discovery->part_done[PART_SUPPORT]) {
        support_diagnose(&discovery->support, begin_part(discovery, PART_SUPPORT));
    }
}

bool discovery_advance(struct discovery *discovery)
{
    if (!discovery->started) {
        start(discovery);
    }
    if (!discovery->host_known && host_lookup_status(&discovery->host) != LOOKUP_PENDING) {
        start_documents(discovery);
    }
    bool fallback_done = srv_advance(&discovery->fallback);
    if (!discovery->host_known) {
        return false;
    }
    advance_route(discovery);
    advance_documents(discovery);
    if (fallback_done && discovery->part_done[PART_TARGETS] &&
        !discovery->part_done[PART_FALLBACK]) {
        fallback_diagnose(&discovery->route, begin_part(discovery, PART_FALLBACK));
    }
    discovery->done = true;
    for (size_t i = 0; i < PART_COUNT; i++) {
        discovery->done = discovery->done && discovery->part_done[i];
    }
    return discovery->done;
}

const struct srv *discovery_srv(const struct discovery *discovery)
{
    if (discovery->route.srv.status == LOOKUP_FOUND) {
        return &discovery->route.srv;
    }
    return discovery->fallback.started ? &discovery->fallback : NULL;
}

char *discovery_waits_for(const struct discovery *discovery)
{
    const struct route *route = &discovery->route;
    if (!discovery->host_known) {
        return text_format("the addresses of %s", discovery->hostname);
    }
    if (!discovery->part_done[PART_WELL_KNOWN]) {
        return text_format("https://%s/.well-known/matrix/server", discovery->hostname);
    }
    if (!discovery->part_done[PART_TARGETS]) {
        const struct target *target = targets_waited_for(&route->targets);
        char address[IP_TEXT_SIZE];
        return target ? text_format("%s port %d", ip_address_text(&target->address, address),
                                    target->port)
                      : text_format("the DNS records of %s", route->final_name);
    }
    if (!discovery->part_done[PART_FALLBACK]) {
        return text_format("the SRV records of %s", discovery->hostname);
    }
    return text_format("what clients see of %s", discovery->hostname);
}
