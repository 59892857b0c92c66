#include "daemon/reload.h"

#include <malloc.h>
#include <string.h>

#include "base/log.h"
#include "daemon/http/http_daemon.h"
#include "daemon/net/workers.h"
#include "daemon/system/sandbox.h"
#include "daemon/system/service_manager.h"

/* What takes the place of what is in use. */
struct replacement {
    struct site_table *table;
    struct listeners_change listeners;
};

/* Makes the replacement; where that fails nothing has changed. Clients that come by a new listener
   before the replacement is in force get answers from the old table. */
static bool prepare(struct running *running, const struct config *config,
                    struct replacement *replacement, struct problem *problem)
{
    bool tls = listeners_tls(&running->listeners, config);

    if (!sandbox_allows(config, problem)) {
        return false;
    }
    replacement->table = running_build_table(running, config, problem);
    if (!replacement->table) {
        return false;
    }
    if ((!tls || workers_add_tls(running->service, http_daemon_start, problem)) &&
        listeners_prepare(&running->listeners, config, &replacement->listeners, problem)) {
        if (running_add_listeners(running, &replacement->listeners.opened, problem)) {
            return true;
        }
        listeners_abandon(&replacement->listeners);
    }
    site_table_free(replacement->table);
    return false;
}

/* Puts the replacement in force. Nothing in here can fail. */
static void commit(struct running *running, const struct config *config,
                   struct replacement *replacement)
{
    struct site_table *old = atomic_exchange(&running->service->table, replacement->table);

    log_setup(config->log_level, config->log_format);
    listeners_commit(&running->listeners, &replacement->listeners);
    running_remove_listeners(running, &replacement->listeners.dropped);
    listeners_close(&replacement->listeners.dropped);
    running_follow_certificates(running);
    site_table_free(old);
}

static bool differ(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") != 0;
}

/* Warns of what has changed in the configuration but cannot in a process that runs. */
static void warn_unchangeable(const struct running *running, const struct config *config)
{
    if (differ(config->user, running->user)) {
        log_warning("user: a change takes effect at the next start");
    }
    if (running_threads(running, config) != running->service->worker_count) {
        log_warning("threads: a change takes effect at the next start");
    }
    if (config->max_connections > running->max_connections) {
        log_warning("max_connections: more than %u take effect at the next start",
                    running->max_connections);
    }
}

static bool replace(struct running *running, struct problem *problem)
{
    struct config *config = config_load(running->options, problem);
    struct replacement replacement;
    bool good;

    if (!config) {
        return false;
    }
    config_log(config);
    good = prepare(running, config, &replacement, problem);
    if (good) {
        commit(running, config, &replacement);
        warn_unchangeable(running, config);
    }
    config_free(config);
    return good;
}

void reload(struct running *running)
{
    struct problem problem;

    service_manager_reloading();
    log_info("reloading");
    if (replace(running, &problem)) {
        atomic_fetch_add(&running->service->reloads_ok, 1);
        running_log_ready(running);
    } else {
        atomic_fetch_add(&running->service->reloads_failed, 1);
        log_error("%s", problem.text);
        log_error("not reloaded: the configuration from before goes on: correct it and reload "
                  "again");
        service_manager_status("the last reload failed: %s", problem.text);
    }
    /* After the watch is on the new paths, so that nothing is missed in between. */
    renewal_look(running->renewal);
    malloc_trim(0);
    service_manager_ready();
}
