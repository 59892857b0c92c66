#include "check/discovery/route.h"

#include <stdlib.h>
#include <string.h>

#include "check/diagnosis.h"
#include "check/text.h"

enum {
    DEFAULT_PORT = 8448,
};

static char *host_of(const struct server_name *name)
{
    return text_copy(name->host, name->host_length);
}

static bool is_delegated(const struct walk *walk)
{
    return walk->well_known.m_server != NULL;
}

/* Whether SRV records have a say: not where a port or an IP address is given. */
static bool asks_for_srv(const struct walk *walk)
{
    return walk->host_header == NULL || walk->step >= STEP_4 || walk->step == STEP_3_3 ||
           walk->step == STEP_3_4 || walk->step == STEP_3_5;
}

static struct service *deciding_service(struct walk *walk)
{
    return is_delegated(walk) ? &walk->service : &walk->fallback;
}

static struct host_lookup *final_host(struct walk *walk)
{
    return is_delegated(walk) ? &walk->final_host : &walk->host;
}

/* The part's findings where a host's addresses are not known; whether that is final. */
static void add_lookup_fault(struct walk *walk, struct lines *lines, int depth, const char *host,
                             struct host_lookup *lookup)
{
    if (host_lookup_status(lookup) == LOOKUP_FAILED) {
        walk->verdict = VERDICT_UNKNOWN;
        lines_add_finding(lines, depth, MARK_ERROR, FINDING_DNS_FAILED,
                          text_format("%s: %s", host, host_lookup_error(lookup)),
                          text_format("check this machine's connection and the domain's DNS "
                                      "servers, or ask another one with --dns"));
        return;
    }
    walk->verdict = VERDICT_FAILS;
    bool absent = lookup->a.no_such_name || lookup->aaaa.no_such_name;
    lines_add_finding(lines, depth, MARK_ERROR,
                      absent ? FINDING_NAME_NOT_FOUND : FINDING_NO_ADDRESS,
                      text_format(absent ? "%s: there is no such name in the DNS"
                                         : "%s: the name has no address to connect to",
                                  host),
                      text_format("correct the name, or add an A or AAAA record for it"));
}

/* What is odd about a lookup that has given addresses. */
static void warn_of_lookup(struct lines *lines, int depth, const char *host,
                           const struct host_lookup *lookup)
{
    const struct record_lookup *both[] = {&lookup->a, &lookup->aaaa};
    for (size_t i = 0; lookup->count > 0 && i < 2; i++) {
        if (both[i]->status == LOOKUP_FAILED) {
            lines_add_finding(
                lines, depth, MARK_WARN, FINDING_DNS_FAILED,
                text_format("%s: its %s records: %s", host, i == 0 ? "A" : "AAAA", both[i]->error),
                text_format("check the domain's DNS servers: addresses of that "
                            "family were not checked"));
        }
    }
    if (lookup->a.answer.more || lookup->aaaa.answer.more) {
        lines_add_finding(
            lines, depth, MARK_WARN, FINDING_TOO_MANY_ADDRESSES,
            text_format("%s: it has more than %d addresses of one family", host, DNS_RECORD_LIMIT),
            text_format("only %d of them were checked: keep fewer", DNS_RECORD_LIMIT));
    }
}

/* Step 3. Without addresses there is no document, and step 4 follows. */
static void judge_well_known(struct walk *walk)
{
    struct lines *lines = &walk->parts[PART_WELL_KNOWN];
    struct lines details = {0};
    walk->part_done[PART_WELL_KNOWN] = true;
    if (!walk_has_well_known(walk)) {
        return;
    }
    enum mark mark = MARK_NOTE;
    enum lookup_status status = host_lookup_status(&walk->host);
    if (status == LOOKUP_FAILED) {
        add_lookup_fault(walk, &details, 2, walk->hostname, &walk->host);
        mark = MARK_ERROR;
    } else if (status == LOOKUP_ABSENT) {
        lines_add(&details, 2, MARK_NOTE, "%s has no address, so there is no document",
                  walk->hostname);
    } else {
        well_known_judge(&walk->well_known, walk->hostname, &details, 2);
        warn_of_lookup(&details, 2, walk->hostname, &walk->host);
        enum mark worst = lines_worst(&details, 0);
        mark = is_delegated(walk) && !walk->well_known.inconsistent ? MARK_GOOD
               : worst == MARK_ERROR                                ? MARK_ERROR
                                                                    : MARK_NOTE;
    }
    lines_add(lines, 1, mark, "Step 3: https://%s/.well-known/matrix/server", walk->hostname);
    lines_append(lines, &details);
    if (walk->well_known.unknown) {
        walk->verdict = VERDICT_UNKNOWN;
    }
}

/* The steps whose name is an IP literal, or has a port: nothing but addresses is looked up. */
static void set_direct(struct walk *walk, const char *text, const struct server_name *name,
                       enum step literal, enum step with_port)
{
    walk->step = name->kind == SERVER_NAME_DNS ? with_port : literal;
    walk->host_header = text_copy(text, strlen(text));
    walk->tls_name = host_of(name);
    walk->final_port = name->port < 0 ? DEFAULT_PORT : name->port;
}

/* Steps 1, 2, 3.1 and 3.2 are known from the names alone; otherwise SRV records decide. */
static void choose_route(struct walk *walk)
{
    struct server_name delegated;
    struct problem problem;
    walk->route_known = true;
    if (!is_delegated(walk)) {
        walk->final_name = text_copy(walk->hostname, strlen(walk->hostname));
        if (!walk_has_well_known(walk)) {
            set_direct(walk, walk->server_name, &walk->parsed, STEP_1, STEP_2);
        }
        return;
    }
    walk->delegated = text_copy(walk->well_known.m_server, strlen(walk->well_known.m_server));
    server_name_parse_target(walk->delegated, &delegated, &problem);
    walk->final_name = host_of(&delegated);
    if (delegated.kind != SERVER_NAME_DNS || delegated.port >= 0) {
        set_direct(walk, walk->delegated, &delegated, STEP_3_1, STEP_3_2);
    } else {
        service_start(&walk->service, walk->environment, walk->final_name);
    }
    host_lookup_start(walk->environment->resolver, &walk->final_host, walk->final_name);
}

/* Whether the person has said that the server name itself lives on this machine alone: by a
   literal, or with --resolve. */
static bool is_at_home(const struct walk *walk)
{
    bool local = walk->step == STEP_1;
    for (size_t i = 0; walk->host.given && i < walk->host.count; i++) {
        local = local || ip_address_reach(&walk->host.addresses[i]) == IP_LOCAL;
    }
    return local;
}

static enum ip_reach limit_of(const struct walk *walk, const struct host_lookup *lookup)
{
    enum ip_reach origin = is_delegated(walk) ? walk->well_known.limit
                           : is_at_home(walk) ? ACCESS_BY_HAND
                                              : ACCESS_BY_NAME;
    enum ip_reach own = host_lookup_limit(lookup);
    return own > origin ? own : origin;
}

static void add_targets(struct walk *walk, const struct host_lookup *lookup, int port,
                        const char *srv_name)
{
    for (size_t i = 0; i < lookup->count && walk->target_count < WALK_TARGET_LIMIT; i++) {
        const struct ip_address *address = &lookup->addresses[i];
        bool known = port == 0;
        for (size_t j = 0; j < walk->target_count; j++) {
            known = known || (walk->targets[j].port == port &&
                              ip_address_equal(&walk->targets[j].address, address));
        }
        if (!known) {
            walk->targets[walk->target_count++] = (struct target){
                .address = *address,
                .port = port,
                .srv_name = srv_name,
                .limit = limit_of(walk, lookup),
            };
        }
    }
}

static void set_named(struct walk *walk, enum step step)
{
    walk->step = step;
    walk->host_header = text_copy(walk->final_name, strlen(walk->final_name));
    walk->tls_name = text_copy(walk->final_name, strlen(walk->final_name));
    walk->final_port = DEFAULT_PORT;
}

/* Takes the step that the SRV answers lead to; false while they are not all there. */
static bool choose_step(struct walk *walk)
{
    struct service *service = deciding_service(walk);
    bool delegated = is_delegated(walk);
    if (!service_advance(service)) {
        return false;
    }
    if (service->status == LOOKUP_FAILED) {
        walk->verdict = VERDICT_UNKNOWN;
        return true;
    }
    if (service->status == LOOKUP_FOUND) {
        set_named(walk, service->deprecated ? (delegated ? STEP_3_4 : STEP_5)
                                            : (delegated ? STEP_3_3 : STEP_4));
        for (size_t i = 0; i < service->count; i++) {
            add_targets(walk, &service->targets[i].lookup, service->targets[i].port,
                        service->targets[i].name);
        }
        return true;
    }
    if (host_lookup_status(final_host(walk)) == LOOKUP_PENDING) {
        return false;
    }
    set_named(walk, delegated ? STEP_3_5 : STEP_6);
    add_targets(walk, final_host(walk), walk->final_port, NULL);
    return true;
}

static void set_connect_hint(struct walk *walk)
{
    switch (walk->step) {
    case STEP_3_1:
    case STEP_3_2:
        walk->connect_hint = text_format("or correct m.server, if it is not the right host and "
                                         "port");
        break;
    case STEP_3_3:
    case STEP_3_4:
    case STEP_4:
    case STEP_5:
        walk->connect_hint = text_format("or correct the SRV record");
        break;
    case STEP_3_5:
        walk->connect_hint = text_format("or give m.server the right port: without one servers use "
                                         "8448; if it is 443, write \"%s:443\"",
                                         walk->final_name);
        break;
    case STEP_6:
        walk->connect_hint = text_format("or, if the homeserver is elsewhere, publish "
                                         "https://%s/.well-known/matrix/server",
                                         walk->hostname);
        break;
    case STEP_NONE:
    case STEP_1:
    case STEP_2:
        break;
    }
}

static struct target_names names_of(const struct walk *walk)
{
    return (struct target_names){
        .server_name = walk->server_name,
        .host_header = walk->host_header,
        .tls_name = walk->tls_name,
        .connect_hint = walk->connect_hint,
    };
}

static bool collect_targets(struct walk *walk)
{
    if (walk->host_header == NULL) {
        if (!choose_step(walk)) {
            return false;
        }
    } else {
        struct host_lookup *lookup = final_host(walk);
        if (host_lookup_status(lookup) == LOOKUP_PENDING) {
            return false;
        }
        add_targets(walk, lookup, walk->final_port, NULL);
    }
    walk->targets_known = true;
    set_connect_hint(walk);
    struct target_names names = names_of(walk);
    for (size_t i = 0; i < walk->target_count; i++) {
        target_start(&walk->targets[i], walk->environment, &names);
    }
    return true;
}

/* One target that works is enough where the others only do not answer: servers go on to the next
   address. One that answers wrongly breaks federation for those who reach it first. */
static void judge_targets(struct walk *walk, struct lines *lines)
{
    size_t good = 0;
    size_t wrong = 0;
    size_t unchecked = 0;
    size_t first[WALK_TARGET_LIMIT + 1];
    struct target_names names = names_of(walk);
    for (size_t i = 0; i < walk->target_count; i++) {
        struct target *target = &walk->targets[i];
        first[i] = lines->count;
        target_judge(target, &names, lines, 2);
        good += target->ok ? 1 : 0;
        unchecked += target->unchecked ? 1 : 0;
        wrong += !target->ok && !target->unchecked && !target->unreached ? 1 : 0;
    }
    first[walk->target_count] = lines->count;
    for (size_t i = 0; good > 0 && i < walk->target_count; i++) {
        for (size_t j = first[i]; walk->targets[i].unreached && j < first[i + 1]; j++) {
            lines->items[j].mark = MARK_WARN;
        }
    }
    walk->verdict = unchecked == walk->target_count ? VERDICT_UNKNOWN
                    : good == 0 || wrong > 0        ? VERDICT_FAILS
                    : walk->well_known.inconsistent ? VERDICT_FAILS
                                                    : VERDICT_WORKS;
}

static void add_heading(struct walk *walk, struct lines *lines)
{
    const struct service *service = deciding_service(walk);
    enum mark mark = walk->verdict == VERDICT_WORKS   ? MARK_GOOD
                     : walk->verdict == VERDICT_FAILS ? MARK_ERROR
                                                      : MARK_WARN;
    bool any_good = false;
    for (size_t i = 0; i < walk->target_count; i++) {
        any_good = any_good || walk->targets[i].ok;
    }
    if (any_good && walk->well_known.inconsistent) {
        mark = MARK_GOOD;
    }
    if (walk->step == STEP_NONE) {
        lines_add(lines, 1, mark, "SRV records of %s", walk->final_name);
    } else if (asks_for_srv(walk) && service->status == LOOKUP_FOUND) {
        lines_add(lines, 1, mark, "Step %s: %s", step_number(walk->step), service->owner);
    } else {
        lines_add(lines, 1, mark, "Step %s: %s port %d", step_number(walk->step), walk->final_name,
                  walk->final_port);
    }
}

static void judge_route(struct walk *walk)
{
    struct lines *lines = &walk->parts[PART_TARGETS];
    struct lines details = {0};
    bool srv_used = asks_for_srv(walk) && deciding_service(walk)->started;
    walk->part_done[PART_TARGETS] = true;
    if (srv_used) {
        service_judge(deciding_service(walk), &details, 2, MARK_ERROR);
    }
    if (walk->target_count > 0) {
        judge_targets(walk, &details);
    } else if (walk->verdict != VERDICT_UNKNOWN) {
        if (!srv_used || deciding_service(walk)->status != LOOKUP_FOUND) {
            add_lookup_fault(walk, &details, 2, walk->final_name, final_host(walk));
        } else {
            walk->verdict =
                service_is_unsure(deciding_service(walk)) ? VERDICT_UNKNOWN : VERDICT_FAILS;
        }
    }
    if (final_host(walk) != &walk->host || !walk->well_known.tried) {
        warn_of_lookup(&details, 2, walk->final_name, final_host(walk));
    }
    add_heading(walk, lines);
    lines_append(lines, &details);
}

void route_advance(struct walk *walk)
{
    if (!walk->part_done[PART_WELL_KNOWN]) {
        if (!well_known_advance(&walk->well_known)) {
            return;
        }
        walk->verdict = VERDICT_WORKS;
        judge_well_known(walk);
        if (walk->verdict == VERDICT_UNKNOWN) {
            walk->targets_known = true;
            walk->part_done[PART_TARGETS] = true;
        }
    }
    if (walk->part_done[PART_TARGETS]) {
        return;
    }
    if (!walk->route_known) {
        choose_route(walk);
    }
    if (!walk->targets_known && !collect_targets(walk)) {
        return;
    }
    for (size_t i = 0; i < walk->target_count; i++) {
        if (!target_is_done(&walk->targets[i])) {
            return;
        }
    }
    judge_route(walk);
}

static bool meets_a_target(const struct walk *walk, const struct host_lookup *lookup)
{
    for (size_t i = 0; i < lookup->count; i++) {
        for (size_t j = 0; j < walk->target_count; j++) {
            if (ip_address_equal(&lookup->addresses[i], &walk->targets[j].address)) {
                return true;
            }
        }
    }
    return false;
}

void route_judge_fallback(struct walk *walk)
{
    struct lines *lines = &walk->parts[PART_FALLBACK];
    struct service *fallback = &walk->fallback;
    if (!fallback->started || !is_delegated(walk)) {
        return;
    }
    if (fallback->status == LOOKUP_ABSENT) {
        lines_add(lines, 1, MARK_NOTE,
                  "Without the document: no SRV record, so servers would try %s port %d",
                  walk->hostname, DEFAULT_PORT);
        return;
    }
    lines_add(lines, 1, MARK_NOTE, "Without the document: %s, with a certificate for %s",
              fallback->owner, walk->hostname);
    service_judge(fallback, lines, 2, MARK_WARN);
    for (size_t i = 0; i < fallback->count; i++) {
        struct service_target *target = &fallback->targets[i];
        if (target->lookup.count > 0 && !meets_a_target(walk, &target->lookup)) {
            lines_add_finding(lines, 2, MARK_WARN, FINDING_SRV_POINTS_ELSEWHERE,
                              text_format("%s: the SRV record leads to another machine than the "
                                          "document does",
                                          target->name),
                              text_format("remove the old SRV record, or let it lead to the same "
                                          "homeserver"));
        }
    }
}
