/* The running daemon as the main thread holds it, and what its start, its reloads and its end
 * share. */
#ifndef DAEMON_RUNNING_H
#define DAEMON_RUNNING_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"
#include "daemon/config/options.h"
#include "daemon/net/listeners.h"
#include "daemon/net/service.h"
#include "daemon/site/site_table.h"
#include "daemon/tls/renewal.h"

struct running {
    const struct options *options;
    struct service *service;
    struct listeners listeners;
    struct renewal *renewal;
    int signals; /* a signalfd, or -1 */
    /* As they were at the start: a reload cannot change them. */
    unsigned max_connections;
    unsigned default_threads;
    char *user; /* or NULL */
};

/* The table for a configuration, sharing what it can with the published one. NULL and a problem. */
struct site_table *running_build_table(const struct running *running, const struct config *config,
                                       struct problem *problem);

/* One thread for each CPU that this process may use, and at most 4. To be asked before the right to
   read files is given up. */
unsigned running_default_threads(void);

/* How many threads a configuration gives: as configured, else the default. */
unsigned running_threads(const struct running *running, const struct config *config);

/* Lets the workers accept from these listeners; from all of them, or none. */
bool running_add_listeners(struct running *running, const struct listeners *listeners,
                           struct problem *problem);

/* Returns when no worker can use these listeners any more. */
void running_remove_listeners(struct running *running, const struct listeners *listeners);

/* Has certificates renewed by the published table. */
void running_follow_certificates(struct running *running);

void running_log_ready(const struct running *running);

#endif
