#include "check/discovery/discovery.h"

#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/diagnosis.h"
#include "check/discovery/route.h"
#include "check/text.h"

const char *step_number(enum step step)
{
    static const char *const numbers[] = {"",    "1",   "2", "3.1", "3.2", "3.3",
                                          "3.4", "3.5", "4", "5",   "6"};
    return numbers[step];
}

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
        return text_copy(name, strlen(name));
    }
    const char *port = strrchr(name, ':');
    char *host = text_copy(name, port == NULL ? strlen(name) : (size_t)(port - name));
    char *ascii = NULL;
    int status = idn2_to_ascii_8z(host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    char *result = NULL;
    if (status == IDN2_OK) {
        result = text_format("%s%s", ascii, port == NULL ? "" : port);
    } else {
        problem_set_usage(problem, "\"%s\" is no internationalized name (%s): check its spelling",
                          problem_excerpt(name).text, idn2_strerror(status));
    }
    idn2_free(ascii);
    free(host);
    return result;
}

struct walk *walk_create(const char *name, const struct environment *environment,
                         struct problem *problem)
{
    struct server_name parsed;
    char *ascii = to_ascii(name, problem);
    if (ascii == NULL) {
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
    struct walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        problem_set(problem, "there is no memory left: free some and start again");
        free(ascii);
        return NULL;
    }
    walk->environment = environment;
    walk->server_name = ascii;
    walk->hostname = text_copy(parsed.host, parsed.host_length);
    walk->parsed = parsed;
    return walk;
}

void walk_free(struct walk *walk)
{
    if (walk == NULL) {
        return;
    }
    well_known_clear(&walk->well_known);
    client_clear(&walk->client);
    support_clear(&walk->support);
    service_clear(&walk->fallback);
    service_clear(&walk->service);
    for (size_t i = 0; i < walk->target_count; i++) {
        target_clear(&walk->targets[i]);
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        lines_clear(&walk->parts[i]);
    }
    free(walk->server_name);
    free(walk->hostname);
    free(walk->delegated);
    free(walk->final_name);
    free(walk->host_header);
    free(walk->tls_name);
    free(walk->connect_hint);
    free(walk);
}

bool walk_has_well_known(const struct walk *walk)
{
    return walk->parsed.kind == SERVER_NAME_DNS && walk->parsed.port < 0;
}

/* Everything that needs the host's addresses and nothing else goes off at once. */
static void start_beside(struct walk *walk)
{
    walk->beside_started = true;
    if (host_lookup_status(&walk->host) != LOOKUP_FOUND || walk->parsed.kind != SERVER_NAME_DNS) {
        return;
    }
    if (walk_has_well_known(walk)) {
        well_known_start(&walk->well_known, walk->environment, walk->hostname, &walk->host);
    }
    if (walk->environment->check_client) {
        client_start(&walk->client, walk->environment, walk->hostname, &walk->host);
    }
    support_start(&walk->support, walk->environment, walk->hostname, &walk->host);
}

static void start_host(struct walk *walk)
{
    if (walk->started) {
        return;
    }
    walk->started = true;
    host_lookup_start(walk->environment->resolver, &walk->host, walk->hostname);
    if (walk_has_well_known(walk)) {
        service_start(&walk->fallback, walk->environment, walk->hostname);
    }
}

const struct service *walk_service(const struct walk *walk)
{
    if (walk->service.started && walk->service.status == LOOKUP_FOUND) {
        return &walk->service;
    }
    return walk->fallback.started ? &walk->fallback : NULL;
}

static void judge_beside(struct walk *walk)
{
    bool client_done = client_advance(&walk->client);
    bool support_done = support_advance(&walk->support);
    bool fallback_done = service_advance(&walk->fallback);
    if (!walk->beside_started) {
        return;
    }
    if (client_done && !walk->part_done[PART_CLIENT]) {
        client_judge(&walk->client, walk->hostname, &walk->parts[PART_CLIENT], 1);
        walk->part_done[PART_CLIENT] = true;
    }
    if (support_done && !walk->part_done[PART_SUPPORT]) {
        support_judge(&walk->support, &walk->parts[PART_SUPPORT], 1);
        walk->part_done[PART_SUPPORT] = true;
    }
    if (fallback_done && walk->part_done[PART_TARGETS] && !walk->part_done[PART_FALLBACK]) {
        route_judge_fallback(walk);
        walk->part_done[PART_FALLBACK] = true;
    }
}

bool walk_advance(struct walk *walk)
{
    start_host(walk);
    if (!walk->beside_started && host_lookup_status(&walk->host) != LOOKUP_PENDING) {
        start_beside(walk);
    }
    if (walk->beside_started) {
        route_advance(walk);
    }
    judge_beside(walk);
    walk->done = true;
    for (size_t i = 0; i < PART_COUNT; i++) {
        walk->done = walk->done && walk->part_done[i];
    }
    return walk->done;
}

static char *waiting_for_target(const struct walk *walk)
{
    for (size_t i = 0; i < walk->target_count; i++) {
        if (!target_is_done(&walk->targets[i])) {
            char address[IP_TEXT_SIZE];
            return text_format("%s port %d", ip_address_text(&walk->targets[i].address, address),
                               walk->targets[i].port);
        }
    }
    return text_format("the homeserver");
}

char *walk_waits_for(const struct walk *walk)
{
    if (!walk->beside_started) {
        return text_format("the addresses of %s", walk->hostname);
    }
    if (!walk->part_done[PART_WELL_KNOWN]) {
        return text_format("https://%s/.well-known/matrix/server", walk->hostname);
    }
    if (!walk->targets_known) {
        return text_format("the DNS records of %s",
                           walk->final_name == NULL ? walk->hostname : walk->final_name);
    }
    if (!walk->part_done[PART_TARGETS]) {
        return waiting_for_target(walk);
    }
    if (!walk->part_done[PART_FALLBACK]) {
        return text_format("the SRV records of %s", walk->hostname);
    }
    return text_format("what clients see of %s", walk->hostname);
}
