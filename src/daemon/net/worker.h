/* The threads that serve. Each has an event loop of its own: it accepts, waits for the first bytes,
   hands connections to its two libmicrohttpd daemons (one with TLS), runs these, and ends what is
   overdue. No worker waits for another, and none takes a lock. */
#ifndef DAEMON_NET_WORKER_H
#define DAEMON_NET_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/net/connection.h"
#include "daemon/net/events.h"

struct worker {
    enum event_source source; /* EVENT_WAKE_UP */
    pthread_t thread;
    bool started;
    struct connection_set connections;
    _Atomic uint64_t rounds; /* how often the loop has gone round: see workers.h */
};

/* The thread: serves until the service stops. `context` is the worker. */
void *worker_loop(void *context);

#endif
