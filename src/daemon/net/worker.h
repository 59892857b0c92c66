/* The threads that serve. Each has an event loop of its own: it accepts, waits for the first bytes,
   hands connections to its two libmicrohttpd daemons (one with TLS), runs these, and ends what is
   overdue. No worker waits for another, and none takes a lock. */
#ifndef DAEMON_NET_WORKER_H
#define DAEMON_NET_WORKER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/problem.h"
#include "daemon/http/metrics.h"
#include "daemon/net/connection.h"
#include "daemon/net/listeners.h"
#include "daemon/net/service.h"
#include "daemon/net/transport.h"

/* An event's place in an epoll set that is no connection and no listener. */
struct event_mark {
    enum event_source source;
};

enum {
    SPARE_CONNECTIONS = 32
}; /* beyond the limit: those that are being closed to make room */

struct worker {
    struct service *service;
    pthread_t thread;
    bool started;
    int epoll; /* listeners, connections that wait for their first bytes, and the three below */
    int wake_up;
    struct MHD_Daemon *https;
    struct MHD_Daemon *http;
    struct event_mark wake_up_mark;
    struct event_mark https_mark;
    struct event_mark http_mark;
    bool run_https; /* libmicrohttpd has something to do */
    bool run_http;
    uint64_t run;        /* counts the runs of the TLS daemon */
    size_t busy;         /* TLS connections that got further and may get further still */
    uint64_t busy_count; /* which count this is, from 1 on; see connection.h */
    bool progressed;     /* some connection has got further in this run */
    unsigned quiet_runs; /* how many runs in a row have moved nothing */
    uint64_t now;        /* CLOCK_MONOTONIC at the start of this round, milliseconds */

    struct connection *connections; /* room for all; a page is touched when it is first used */
    size_t connection_capacity;
    _Atomic size_t connection_count; /* in use */
    struct connection **held; /* by slot of the service's holders, this worker's of that address */
    struct connection *free;
    size_t fresh;                /* from here on none has been used yet */
    struct connection *arriving; /* is being handed to libmicrohttpd */
    unsigned events;             /* how many there were in this round */
    struct connection_list phases[CONNECTION_PHASE_COUNT];

    struct transport transport;
    struct counters counters;
    _Atomic uint64_t rounds; /* how often the loop has gone round: see workers.h */
};

/* The thread: serves until the service stops. `context` is the worker. */
void *worker_loop(void *context);

/* A TLS connection has got further: it may have more to do. */
void worker_note_progress(struct connection *connection);

/* A connection cannot get further before its client says more, or takes what was said. */
void worker_note_waiting(struct connection *connection);

/* Has a worker begin a new round. */
void worker_wake(const struct worker *worker);

#endif
