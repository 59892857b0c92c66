#include "daemon/running.h"

#include "base/cpus.h"
#include "base/log.h"
#include "daemon/net/workers.h"
#include "daemon/system/service_manager.h"

enum {
    DEFAULT_THREADS_LIMIT = 4, /* far beyond what any domain is asked */
};

struct site_table *running_build_table(const struct running *running, const struct config *config,
                                       struct problem *problem)
{
    enum site_certificates needed = listeners_tls(&running->listeners, config)
                                        ? SITE_CERTIFICATES_AS_NEEDED
                                        : SITE_CERTIFICATES_NONE;

    return site_table_build(config, atomic_load(&running->service->table), needed, problem);
}

unsigned running_default_threads(void)
{
    unsigned cpus = cpus_usable();

    return cpus < DEFAULT_THREADS_LIMIT ? cpus : DEFAULT_THREADS_LIMIT;
}

unsigned running_threads(const struct running *running, const struct config *config)
{
    return config->threads > 0 ? config->threads : running->default_threads;
}

bool running_add_listeners(struct running *running, const struct listeners *listeners,
                           struct problem *problem)
{
    for (size_t i = 0; i < listeners->count; i++) {
        /* One that there is no IPv6 for is not open. */
        if (listeners->items[i]->socket >= 0 &&
            !workers_add_listener(running->service, listeners->items[i], problem)) {
            running_remove_listeners(running, listeners);
            return false;
        }
    }
    return true;
}

void running_remove_listeners(struct running *running, const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        workers_remove_listener(running->service, listeners->items[i]);
    }
    workers_synchronize(running->service);
}

void running_follow_certificates(struct running *running)
{
    renewal_follow(running->renewal, &atomic_load(&running->service->table)->certificates);
}

void running_log_ready(const struct running *running)
{
    char addresses[2048];

    listeners_describe(&running->listeners, addresses, sizeof(addresses));
    log_info("ready %s", addresses);
    service_manager_status("serving %s", addresses);
}
