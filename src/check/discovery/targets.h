/* All addresses of the homeserver, and the verdict on them. */
#ifndef CHECK_DISCOVERY_TARGETS_H
#define CHECK_DISCOVERY_TARGETS_H

#include <stdbool.h>
#include <stddef.h>

#include "check/discovery/target.h"

struct targets {
    struct target items[TARGET_LIMIT];
    size_t count;
    struct target_names names;
};

/* Adds the addresses of a host at a port; those that are there already, and those with port 0, are
   left out. `limit`: see check/net/access.h. `srv_target` is not copied. */
void targets_add(struct targets *targets, const struct host_lookup *lookup, int port,
                 enum ip_reach limit, const char *srv_target);

/* Asks them all. What `names` points to must live as long as the targets. */
void targets_start(struct targets *targets, const struct network *network,
                   const struct target_names *names);

/* Advances; true when all have answered. */
bool targets_advance(struct targets *targets);

/* The first that has not answered, or NULL. */
const struct target *targets_waited_for(const struct targets *targets);

/* Adds the lines of all targets, and returns the verdict. */
enum verdict targets_diagnose(struct targets *targets, struct branch at);

/* Whether some address of the host is among them. */
bool targets_include(const struct targets *targets, const struct host_lookup *lookup);

void targets_clear(struct targets *targets);

#endif
