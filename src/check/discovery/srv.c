#include "check/discovery/srv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/text.h"

static void ask(struct service *service, struct record_lookup *lookup, const char *label,
                const char *name)
{
    char *owner = text_format("%s._tcp.%s", label, name);
    record_lookup_start(service->environment->resolver, lookup, owner, DNS_SRV);
    free(owner);
}

void service_start(struct service *service, const struct environment *environment, const char *name)
{
    service->started = true;
    service->environment = environment;
    ask(service, &service->current, "_matrix-fed", name);
    ask(service, &service->old, "_matrix", name);
}

/* RFC 2782: lower priorities first; more weight is tried more often, so it is shown first. */
static int compare_targets(const void *a, const void *b)
{
    const struct service_target *x = a;
    const struct service_target *y = b;
    if (x->priority != y->priority) {
        return x->priority - y->priority;
    }
    return x->weight != y->weight ? y->weight - x->weight : strcmp(x->name, y->name);
}

/* Takes the records that count, and asks for their targets' addresses. */
static void take_records(struct service *service, const struct record_lookup *lookup)
{
    const struct dns_answer *answer = &lookup->answer;
    service->more = answer->more;
    snprintf(service->owner, sizeof(service->owner), "%s", lookup->name);
    service->not_offered = answer->count == 1 && strcmp(answer->records[0].target, ".") == 0;
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        service->targets[service->count++] = (struct service_target){
            .priority = record->priority,
            .weight = record->weight,
            .port = record->port,
            .name = text_copy(record->target, strlen(record->target)),
        };
    }
    qsort(service->targets, service->count, sizeof(service->targets[0]), compare_targets);
    for (size_t i = 0; i < service->count; i++) {
        struct service_target *target = &service->targets[i];
        struct ip_address literal;
        if (ip_address_parse(target->name, strlen(target->name), &literal)) {
            /* A target is a name (RFC 2782): what looks like an address is not to be asked. */
            target->lookup.a.status = LOOKUP_ABSENT;
            target->lookup.aaaa.status = LOOKUP_ABSENT;
        } else {
            host_lookup_start(service->environment->resolver, &target->lookup, target->name);
        }
        char *printable = text_printable(target->name, strlen(target->name));
        free(target->name);
        target->name = printable;
    }
}

/* The deprecated records count only where there are none of the current ones. */
static void choose(struct service *service)
{
    enum lookup_status current = service->current.status;
    enum lookup_status old = service->old.status;
    if (current == LOOKUP_FOUND) {
        service->status = LOOKUP_FOUND;
        take_records(service, &service->current);
    } else if (current == LOOKUP_FAILED) {
        service->status = LOOKUP_FAILED;
    } else if (current == LOOKUP_ABSENT && old != LOOKUP_PENDING) {
        service->status = old;
        service->deprecated = old == LOOKUP_FOUND;
        if (old == LOOKUP_FOUND) {
            take_records(service, &service->old);
        }
    }
    if (service->status == LOOKUP_ABSENT || service->status == LOOKUP_FAILED) {
        snprintf(service->owner, sizeof(service->owner), "%s", service->current.name);
    }
}

bool service_advance(struct service *service)
{
    if (!service->started) {
        return true;
    }
    if (service->status == LOOKUP_PENDING) {
        choose(service);
    }
    if (service->status == LOOKUP_PENDING || service->old.status == LOOKUP_PENDING) {
        return false;
    }
    service->both = service->current.status == LOOKUP_FOUND && service->old.status == LOOKUP_FOUND;
    for (size_t i = 0; i < service->count; i++) {
        if (host_lookup_status(&service->targets[i].lookup) == LOOKUP_PENDING) {
            return false;
        }
    }
    return true;
}

bool service_is_unsure(struct service *service)
{
    for (size_t i = 0; i < service->count; i++) {
        if (host_lookup_status(&service->targets[i].lookup) == LOOKUP_FAILED) {
            return true;
        }
    }
    return false;
}

static void judge_target(struct service_target *target, struct lines *lines, int depth,
                         enum mark worst)
{
    enum lookup_status status = host_lookup_status(&target->lookup);
    struct ip_address literal;
    if (target->port == 0) {
        lines_add_finding(lines, depth, worst, FINDING_SRV_TARGET_INVALID,
                          text_format("%s: the port is 0", target->name),
                          text_format("give the SRV record the port that the homeserver has"));
    } else if (ip_address_parse(target->name, strlen(target->name), &literal)) {
        lines_add_finding(lines, depth, worst, FINDING_SRV_TARGET_INVALID,
                          text_format("%s: an SRV record's target is an IP address", target->name),
                          text_format("let it name a host that has that address"));
    } else if (status == LOOKUP_FAILED) {
        lines_add_finding(lines, depth, worst, FINDING_SRV_TARGET_UNRESOLVED,
                          text_format("%s: %s", target->name, host_lookup_error(&target->lookup)),
                          text_format("check the DNS servers of %s", target->name));
    } else if (status == LOOKUP_ABSENT) {
        lines_add_finding(
            lines, depth, worst, FINDING_SRV_TARGET_UNRESOLVED,
            text_format("%s: an SRV record leads there, but it has no address", target->name),
            text_format("add an A or AAAA record for it, or remove the SRV record"));
    } else if (target->lookup.a.answer.alias || target->lookup.aaaa.answer.alias) {
        lines_add_finding(lines, depth, MARK_WARN, FINDING_SRV_TARGET_CNAME,
                          text_format("%s: an SRV record's target is a CNAME", target->name),
                          text_format("let the SRV record name the host itself: RFC 2782 forbids "
                                      "a CNAME there, and some resolvers fail on it"));
    }
}

void service_judge(struct service *service, struct lines *lines, int depth, enum mark worst)
{
    if (service->status == LOOKUP_FAILED) {
        const struct record_lookup *failed =
            service->current.status == LOOKUP_FAILED ? &service->current : &service->old;
        lines_add_finding(lines, depth, worst, FINDING_SRV_FAILED,
                          text_format("%s: %s", failed->name, failed->error),
                          text_format("check the domain's DNS servers: homeservers ask them for "
                                      "SRV records"));
        return;
    }
    for (size_t i = 0; i < service->count && !service->not_offered; i++) {
        struct service_target *target = &service->targets[i];
        lines_add(lines, depth, MARK_NOTE, "SRV %s port %d (priority %d, weight %d)", target->name,
                  target->port, target->priority, target->weight);
        judge_target(target, lines, depth + 1, worst);
    }
    if (service->not_offered) {
        lines_add_finding(lines, depth, worst, FINDING_SRV_NOT_OFFERED,
                          text_format("%s says that there is no Matrix server: its target is \".\"",
                                      service->owner),
                          text_format("remove the record, or let it name the homeserver's host"));
    }
    if (service->deprecated) {
        lines_add_finding(lines, depth, MARK_WARN, FINDING_SRV_DEPRECATED,
                          text_format("%s: this service name is deprecated", service->owner),
                          text_format("name the record _matrix-fed._tcp instead of _matrix._tcp"));
    }
    if (service->more) {
        lines_add_finding(
            lines, depth, MARK_WARN, FINDING_SRV_TOO_MANY,
            text_format("%s: there are more than %d SRV records", service->owner, DNS_RECORD_LIMIT),
            text_format("only %d of them were checked: keep fewer", DNS_RECORD_LIMIT));
    }
}

void service_clear(struct service *service)
{
    for (size_t i = 0; i < service->count; i++) {
        free(service->targets[i].name);
    }
    memset(service, 0, sizeof(*service));
}
