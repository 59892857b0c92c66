#include "daemon/net/worker.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/net/accept.h"
#include "daemon/net/eviction.h"

enum {
    EVENTS_PER_ROUND = 64,
    RUNS_PER_ROUND = 8,  /* of libmicrohttpd, while it gets any further */
    SUSPEND_AGE = 100,   /* milliseconds after accept(2) */
    STOPPING_ROUND = 50, /* milliseconds that a round lasts at most while stopping */
    STOPPING_GRACE = 500 /* milliseconds that a silent connection has then, from accept on */
};

/* A watched connection's client has sent something, or hung up. */
static void handle_connection(struct connection *connection)
{
    /* In this round it may have been ended, and its place taken by another that is not watched. */
    if (!connection->watched) {
        return;
    }
    if (connection->phase == CONNECTION_SUSPENDED) {
        connection_resume(connection);
    } else if (connection->http) {
        connection_notice_end(connection);
    } else {
        accept_first_bytes(connection);
    }
}

/* Handles one of the round's `count` events. */
static void handle_event(struct connection_set *set, enum event_source *source, int count)
{
    uint64_t ignored;

    switch (*source) {
    case EVENT_LISTENER:
        accept_connections(set, (struct listener *)source, (unsigned)count);
        break;
    case EVENT_CONNECTION:
        handle_connection((struct connection *)source);
        break;
    case EVENT_HTTP_DAEMON:
        ((struct http_daemon *)source)->run = true;
        break;
    case EVENT_WAKE_UP:
        if (read(set->wake_up, &ignored, sizeof(ignored)) > 0) {
            eviction_settle(set);
        }
        break;
    }
}

/* Runs the TLS daemon for as long as a connection may get any further. It cannot be asked whether
   it has more to do: it would say yes for as long as any handshake waits for its client, which
   would burn a core. */
static void run_tls(struct connection_set *set)
{
    set->tls.run = false;
    for (int i = 0; i < RUNS_PER_ROUND; i++) {
        transport_begin_run(&set->transport);
        MHD_run(set->tls.handle);
        if (!transport_end_run(&set->transport, connection_read_on)) {
            return;
        }
    }
    set->tls.run = true; /* on with it in the next round */
}

/* Runs the plain daemon, which can be asked. */
static void run_http(struct connection_set *set)
{
    MHD_UNSIGNED_LONG_LONG timeout;

    set->http.run = false;
    for (int i = 0; i < RUNS_PER_ROUND; i++) {
        MHD_run(set->http.handle);
        if (MHD_get_timeout(set->http.handle, &timeout) != MHD_YES || timeout > 0) {
            return;
        }
    }
    set->http.run = true;
}

/* Suspends the handshakes whose client makes us wait: in libmicrohttpd each would cost a little in
   every run, and a crowd of them much. Returns when that is next due. */
static uint64_t suspend_slow(struct connection_set *set)
{
    const struct site_table *table = service_table(set->service);
    struct connection *connection;

    while ((connection = set->phases[CONNECTION_HANDSHAKE].first) != NULL &&
           connection->deadline + SUSPEND_AGE <= set->now + table->request_timeout) {
        connection_suspend(connection);
    }
    return connection ? connection->deadline + SUSPEND_AGE - table->request_timeout : UINT64_MAX;
}

/* Ends what is overdue. Returns the time until the next deadline, or until `next` where that is
   earlier, in milliseconds, or -1. */
static int end_overdue(struct connection_set *set, uint64_t next)
{
    for (int phase = 0; phase < CONNECTION_PHASE_COUNT; phase++) {
        struct connection *connection;

        while ((connection = set->phases[phase].first) != NULL &&
               connection->deadline <= set->now) {
            connection_end(connection);
        }
        if (connection && connection->deadline < next) {
            next = connection->deadline;
        }
    }
    if (set->tls.run || set->http.run) {
        return 0;
    }
    return next == UINT64_MAX ? -1 : (int)(next - set->now);
}

/* While stopping: ends the connections without a request. One that is new may be about to send it.
 */
static void end_idle(struct connection_set *set)
{
    const struct site_table *table = service_table(set->service);
    struct connection *connection;

    while (set->phases[CONNECTION_IDLE].first) {
        connection_end(set->phases[CONNECTION_IDLE].first);
    }
    while ((connection = set->phases[CONNECTION_NEW].first) != NULL &&
           connection->deadline + STOPPING_GRACE <= set->now + table->request_timeout) {
        connection_end(connection);
    }
}

static bool may_stop(const struct connection_set *set)
{
    const struct service *service = set->service;

    return atomic_load(&service->stopping) &&
           (set->count == 0 || set->now >= atomic_load(&service->stop_deadline));
}

/* At the end of a worker: libmicrohttpd must have no suspended connection when it stops. */
static void end_all(struct connection_set *set)
{
    for (int phase = 0; phase < CONNECTION_PHASE_COUNT; phase++) {
        while (set->phases[phase].first) {
            connection_end(set->phases[phase].first);
        }
    }
    if (set->tls.handle) {
        MHD_run(set->tls.handle);
    }
}

/* Does what the events of a round ask for. Returns how long the next round may wait for events, in
   milliseconds; -1: for ever. */
static int work(struct connection_set *set, struct epoll_event *events, int count)
{
    bool stopping = atomic_load(&set->service->stopping);
    uint64_t next;
    int timeout;

    for (int i = 0; i < count; i++) {
        handle_event(set, events[i].data.ptr, count);
    }
    if (set->tls.run) {
        run_tls(set);
    }
    next = suspend_slow(set);
    if (set->http.run) {
        run_http(set);
    }
    if (stopping) {
        end_idle(set);
    }
    timeout = end_overdue(set, next);
    return stopping && (timeout < 0 || timeout > STOPPING_ROUND) ? STOPPING_ROUND : timeout;
}

void *worker_loop(void *context)
{
    struct worker *worker = context;
    struct connection_set *set = &worker->connections;
    struct epoll_event events[EVENTS_PER_ROUND];
    int timeout = -1;

    while (!may_stop(set)) {
        int count;

        /* Here the worker holds nothing that it has read from a shared pointer, and no event: all
           of the last round are handled, and what is taken away from now on causes none. */
        atomic_fetch_add(&worker->rounds, 1);
        count = epoll_wait(set->epoll, events, EVENTS_PER_ROUND, timeout);
        set->now = monotonic_milliseconds();
        timeout = work(set, events, count);
    }
    end_all(set);
    return NULL;
}
