#include "check/discovery/targets.h"

static bool is_known(const struct targets *targets, const struct ip_address *address, int port)
{
    for (size_t i = 0; i < targets->count; i++) {
        if (targets->items[i].port == port &&
            ip_address_equal(&targets->items[i].address, address)) {
            return true;
        }
    }
    return false;
}

void targets_add(struct targets *targets, const struct host_lookup *lookup, int port,
                 enum ip_reach limit, const char *srv_target)
{
    for (size_t i = 0; port != 0 && i < lookup->count && targets->count < TARGET_LIMIT; i++) {
        if (!is_known(targets, &lookup->addresses[i], port)) {
            targets->items[targets->count++] = (struct target){
                .address = lookup->addresses[i],
                .port = port,
                .srv_target = srv_target,
                .limit = limit,
            };
        }
    }
}

void targets_start(struct targets *targets, const struct network *network,
                   const struct target_names *names)
{
    targets->names = *names;
    for (size_t i = 0; i < targets->count; i++) {
        target_start(&targets->items[i], network, &targets->names);
    }
}

bool targets_advance(struct targets *targets)
{
    bool done = true;
    for (size_t i = 0; i < targets->count; i++) {
        done = target_advance(&targets->items[i]) && done;
    }
    return done;
}

const struct target *targets_waited_for(const struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        if (!targets->items[i].done) {
            return &targets->items[i];
        }
    }
    return NULL;
}

enum verdict targets_diagnose(struct targets *targets, struct branch at)
{
    size_t good = 0;
    size_t unchecked = 0;
    size_t wrong = 0;
    struct lines details[TARGET_LIMIT] = {0};
    for (size_t i = 0; i < targets->count; i++) {
        struct target *target = &targets->items[i];
        struct branch own = {.lines = &details[i], .depth = at.depth};
        target_diagnose(target, own);
        good += target->ok ? 1 : 0;
        unchecked += target->unchecked ? 1 : 0;
        wrong += !target->ok && !target->unchecked && !target->unreached ? 1 : 0;
    }
    for (size_t i = 0; i < targets->count; i++) {
        /* Other servers try the next address, and one of them works. */
        for (size_t j = 0; good > 0 && targets->items[i].unreached && j < details[i].count; j++) {
            details[i].items[j].mark = MARK_WARN;
        }
        lines_append(at.lines, &details[i]);
    }
    /* A target that answers wrongly breaks federation for servers that try it first. */
    return unchecked == targets->count ? VERDICT_UNKNOWN
           : good == 0 || wrong > 0    ? VERDICT_FAILS
                                       : VERDICT_WORKS;
}

bool targets_include(const struct targets *targets, const struct host_lookup *lookup)
{
    for (size_t i = 0; i < lookup->count; i++) {
        for (size_t j = 0; j < targets->count; j++) {
            if (ip_address_equal(&lookup->addresses[i], &targets->items[j].address)) {
                return true;
            }
        }
    }
    return false;
}

void targets_clear(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        target_clear(&targets->items[i]);
    }
    targets->count = 0;
}
