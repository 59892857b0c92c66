/* What the main thread and the workers share. */
#ifndef DAEMON_NET_SERVICE_H
#define DAEMON_NET_SERVICE_H

#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/net/holders.h"
#include "daemon/site/site_table.h"

struct worker;

/* What can run out, each logged on its own, so that none hides another. */
enum service_limit {
    SERVICE_LIMIT_CONNECTIONS,
    SERVICE_LIMIT_ADDRESS,
    SERVICE_LIMIT_DESCRIPTORS,
    SERVICE_LIMIT_ACCEPT,
    SERVICE_LIMIT_COUNT,
};

struct service {
    /* The published table. The main thread replaces it and frees the old one after a grace period
       (workers_synchronize); a worker reads it anew whenever it needs it, and keeps nothing of it
       from one round of its loop to the next. */
    _Atomic(struct site_table *) table;
    atomic_uint connections; /* open ones, of all workers */
    atomic_bool stopping;
    _Atomic uint64_t stop_deadline; /* CLOCK_MONOTONIC, milliseconds; valid while stopping */
    struct holders holders;
    atomic_uint evictions_owed; /* connections to be closed by some worker for another's new one */
    gnutls_datum_t ticket_key;  /* GnuTLS derives from it the keys in use, which rotate */
    struct worker *workers;
    int *wake_ups; /* each worker's eventfd; see service_wake */
    unsigned worker_count;
    _Atomic uint64_t reloads_ok;
    _Atomic uint64_t reloads_failed;
    /* CLOCK_MONOTONIC, seconds: when each limit was last logged */
    _Atomic int64_t limit_logged[SERVICE_LIMIT_COUNT];
};

static inline const struct site_table *service_table(struct service *service)
{
    return atomic_load_explicit(&service->table, memory_order_acquire);
}

/* Whether a limit that has been reached is to be logged now: once a minute at most. */
bool service_may_log(struct service *service, enum service_limit limit);

/* Has a worker begin a new round. */
void service_wake(const struct service *service, unsigned worker);

#endif
