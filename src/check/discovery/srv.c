#include "check/discovery/srv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/net/text.h"

static void ask(struct srv *srv, struct record_lookup *lookup, const char *label, const char *name)
{
    char *owner = text_format("%s._tcp.%s", label, name);
    record_lookup_start(srv->network->resolver, lookup, owner, DNS_SRV);
    free(owner);
}

void srv_start(struct srv *srv, const struct network *network, const char *name)
{
    srv->started = true;
    srv->network = network;
    ask(srv, &srv->current, "_matrix-fed", name);
    ask(srv, &srv->old, "_matrix", name);
}

/* RFC 2782: lower priorities first; more weight is tried more often, so it is shown first. */
static int compare_records(const void *a, const void *b)
{
    const struct srv_record *x = a;
    const struct srv_record *y = b;
    if (x->priority != y->priority) {
        return x->priority - y->priority;
    }
    return x->weight != y->weight ? y->weight - x->weight : strcmp(x->target, y->target);
}

static bool is_address(const char *name)
{
    struct ip_address literal;
    return ip_address_parse(name, strlen(name), &literal);
}

static void look_target_up(const struct srv *srv, struct srv_record *record)
{
    if (is_address(record->target)) {
        /* A target is a name (RFC 2782): what looks like an address is not to be asked. */
        record->lookup.a.status = LOOKUP_ABSENT;
        record->lookup.aaaa.status = LOOKUP_ABSENT;
    } else {
        host_lookup_start(srv->network->resolver, &record->lookup, record->target);
    }
    char *printable = text_printable(record->target, strlen(record->target));
    free(record->target);
    record->target = printable;
}

/* Takes the records that count, and asks for their targets' addresses. */
static void take_records(struct srv *srv, const struct record_lookup *lookup)
{
    const struct dns_answer *answer = &lookup->answer;
    srv->more = answer->more;
    snprintf(srv->owner, sizeof(srv->owner), "%s", lookup->name);
    srv->not_offered = answer->count == 1 && strcmp(answer->records[0].target, ".") == 0;
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        srv->records[srv->count++] = (struct srv_record){
            .priority = record->priority,
            .weight = record->weight,
            .port = record->port,
            .target = text_copy(record->target),
        };
    }
    qsort(srv->records, srv->count, sizeof(srv->records[0]), compare_records);
    for (size_t i = 0; i < srv->count; i++) {
        look_target_up(srv, &srv->records[i]);
    }
}

/* The deprecated records count only where there are none of the current ones. */
static void choose(struct srv *srv)
{
    enum lookup_status current = srv->current.status;
    enum lookup_status old = srv->old.status;
    if (current == LOOKUP_FOUND) {
        srv->status = LOOKUP_FOUND;
        take_records(srv, &srv->current);
    } else if (current == LOOKUP_FAILED) {
        srv->status = LOOKUP_FAILED;
    } else if (current == LOOKUP_ABSENT && old != LOOKUP_PENDING) {
        srv->status = old;
        srv->deprecated = old == LOOKUP_FOUND;
        if (old == LOOKUP_FOUND) {
            take_records(srv, &srv->old);
        }
    }
    if (srv->status == LOOKUP_ABSENT || srv->status == LOOKUP_FAILED) {
        snprintf(srv->owner, sizeof(srv->owner), "%s", srv->current.name);
    }
}

bool srv_advance(struct srv *srv)
{
    if (!srv->started) {
        return true;
    }
    if (srv->status == LOOKUP_PENDING) {
        choose(srv);
    }
    if (srv->status == LOOKUP_PENDING || srv->old.status == LOOKUP_PENDING) {
        return false;
    }
    for (size_t i = 0; i < srv->count; i++) {
        if (host_lookup_status(&srv->records[i].lookup) == LOOKUP_PENDING) {
            return false;
        }
    }
    return true;
}

bool srv_is_unsure(struct srv *srv)
{
    for (size_t i = 0; i < srv->count; i++) {
        if (host_lookup_status(&srv->records[i].lookup) == LOOKUP_FAILED) {
            return true;
        }
    }
    return false;
}

/* What is wrong with a record; FINDING_NONE where it is right. */
static struct finding flaw_of(struct srv_record *record, enum mark worst)
{
    const char *target = record->target;
    enum lookup_status status = host_lookup_status(&record->lookup);
    if (record->port == 0) {
        return (struct finding){
            .code = FINDING_SRV_TARGET_INVALID,
            .mark = worst,
            .text = text_format("%s: the port is 0", target),
            .hint = text_format("give the SRV record the port that the homeserver has"),
        };
    }
    if (is_address(target)) {
        return (struct finding){
            .code = FINDING_SRV_TARGET_INVALID,
            .mark = worst,
            .text = text_format("%s: the target of an SRV record is an IP address", target),
        };
    }
    if (status == LOOKUP_FAILED) {
        return (struct finding){
            .code = FINDING_SRV_TARGET_UNRESOLVED,
            .mark = worst,
            .text = text_format("%s: %s", target, host_lookup_error(&record->lookup)),
            .hint = text_format("check the DNS servers of %s", target),
        };
    }
    if (status == LOOKUP_ABSENT) {
        return (struct finding){
            .code = FINDING_SRV_TARGET_UNRESOLVED,
            .mark = worst,
            .text = text_format("%s: the target of an SRV record has no address", target),
        };
    }
    if (record->lookup.a.answer.alias || record->lookup.aaaa.answer.alias) {
        return (struct finding){
            .code = FINDING_SRV_TARGET_CNAME,
            .text = text_format("%s: the target of an SRV record is a CNAME", target),
        };
    }
    return (struct finding){.code = FINDING_NONE};
}

static void add_records(struct srv *srv, struct branch at, enum mark worst)
{
    for (size_t i = 0; i < srv->count; i++) {
        struct srv_record *record = &srv->records[i];
        branch_add(at, MARK_NOTE, "SRV %s port %d (priority %d, weight %d)", record->target,
                   record->port, record->priority, record->weight);
        struct finding flaw = flaw_of(record, worst);
        if (flaw.code != FINDING_NONE) {
            branch_add_finding(branch_below(at), flaw);
        }
    }
}

void srv_diagnose(struct srv *srv, struct branch at, enum mark worst)
{
    if (srv->status == LOOKUP_FAILED) {
        const struct record_lookup *failed =
            srv->current.status == LOOKUP_FAILED ? &srv->current : &srv->old;
        branch_add_finding(at, (struct finding){
                                   .code = FINDING_SRV_FAILED,
                                   .mark = worst,
                                   .text = text_format("%s: %s", failed->name, failed->error),
                               });
        return;
    }
    if (srv->not_offered) {
        branch_add_finding(at, (struct finding){
                                   .code = FINDING_SRV_NOT_OFFERED,
                                   .mark = worst,
                                   .text = text_format("%s says that there is no Matrix server: "
                                                       "its target is \".\"",
                                                       srv->owner),
                               });
    } else {
        add_records(srv, at, worst);
    }
    if (srv->deprecated) {
        branch_add_finding(
            at, (struct finding){
                    .code = FINDING_SRV_DEPRECATED,
                    .text = text_format("%s: this service name is deprecated", srv->owner),
                });
    }
    if (srv->more) {
        branch_add_finding(at, (struct finding){
                                   .code = FINDING_SRV_TOO_MANY,
                                   .text = text_format("%s: there are more than %d SRV records",
                                                       srv->owner, DNS_RECORD_LIMIT),
                               });
    }
}

void srv_clear(struct srv *srv)
{
    for (size_t i = 0; i < srv->count; i++) {
        free(srv->records[i].target);
    }
    *srv = (struct srv){0};
}
