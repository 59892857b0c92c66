#include "daemon/net/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "daemon/net/accept.h"
#include "daemon/net/eviction.h"

enum {
    EVENTS_PER_ROUND = 64,
    RUNS_PER_ROUND = 8,  /* of libmicrohttpd, while it gets any further */
    QUIET_RUNS = 64,     /* in as many its buffer takes the parts of a record, 128 bytes each */
    PARKING_AGE = 100,   /* milliseconds after accept(2) */
    STOPPING_ROUND = 50, /* milliseconds that a round lasts at most while stopping */
    STOPPING_GRACE = 500 /* milliseconds that a silent connection has then, from accept on */
};

void worker_wake(const struct worker *worker)
{
    uint64_t one = 1;

    /* Fails only where it is about to wake up anyway. */
    if (write(worker->wake_up, &one, sizeof(one)) < 0) {
        return;
    }
}

void worker_note_progress(struct connection *connection)
{
    struct worker *worker = connection->worker;

    worker->progressed = true;
    if (connection->handshake != HANDSHAKE_NONE && connection->busy_count != worker->busy_count) {
        connection->busy_count = worker->busy_count;
        worker->busy++;
    }
}

void worker_note_waiting(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->busy_count == worker->busy_count) {
        connection->busy_count = 0;
        worker->busy--;
    }
}

/* A watched connection's client has said something, or hung up. */
static void worker_handle_connection(struct connection *connection)
{
    /* In this round it may have been ended, and its place taken by another that is not watched. */
    if (!connection->watched) {
        return;
    }
    if (connection->phase == CONNECTION_PARKED) {
        connection_unpark(connection);
    } else {
        accept_first_bytes(connection);
    }
}

static void worker_handle(struct worker *worker, void *source)
{
    uint64_t ignored;

    switch (*(enum event_source *)source) {
    case EVENT_LISTENER:
        accept_connections(worker, source);
        break;
    case EVENT_CONNECTION:
        worker_handle_connection(source);
        break;
    case EVENT_WAKE_UP:
        if (read(worker->wake_up, &ignored, sizeof(ignored)) > 0) {
            eviction_settle(worker);
        }
        break;
    case EVENT_HTTPS_DAEMON:
        worker->run_https = true;
        break;
    case EVENT_HTTP_DAEMON:
        worker->run_http = true;
        break;
    }
}

/* Runs the TLS daemon for as long as a connection may get any further. It cannot be asked whether
   it has more to do: it would say yes for as long as any handshake waits for its client, which
   would burn a core. Nor is it enough that nothing moved in a run: of a record that is longer than
   its buffer it takes a part in each, from GnuTLS. Returns whether it is to be run again in the
   next round. */
static bool run_https(struct worker *worker)
{
    for (int i = 0; i < RUNS_PER_ROUND; i++) {
        worker->run++;
        worker->progressed = false;
        MHD_run(worker->https);
        transport_release(worker);
        transport_rearm(worker);
        worker->quiet_runs = worker->progressed ? 0 : worker->quiet_runs + 1;
        if (worker->quiet_runs > QUIET_RUNS) {
            worker->busy_count++; /* counts anew: nobody is busy */
            worker->busy = 0;
        }
        if (worker->busy == 0) {
            worker->quiet_runs = 0;
            return false;
        }
    }
    return true;
}

/* Runs the plain daemon, which can be asked. */
static bool run_http(struct worker *worker)
{
    MHD_UNSIGNED_LONG_LONG timeout;

    for (int i = 0; i < RUNS_PER_ROUND; i++) {
        MHD_run(worker->http);
        if (MHD_get_timeout(worker->http, &timeout) != MHD_YES || timeout > 0) {
            return false;
        }
    }
    return true;
}

/* Parks the handshakes whose client makes us wait: in libmicrohttpd each would cost a little in
   every run, and a crowd of them much. */
static void worker_park(struct worker *worker)
{
    const struct site_table *table = service_table(worker->service);
    struct connection *connection;

    while ((connection = worker->phases[CONNECTION_GREETING].first) != NULL &&
           connection->deadline + PARKING_AGE <= worker->now + table->request_timeout) {
        connection_park(connection);
    }
}

/* Ends what is overdue. Returns the time until the next deadline in milliseconds, or -1. */
static int worker_expire(struct worker *worker)
{
    uint64_t next = UINT64_MAX;

    for (int phase = 0; phase < CONNECTION_PHASE_COUNT; phase++) {
        struct connection *connection;

        while ((connection = worker->phases[phase].first) != NULL &&
               connection->deadline <= worker->now) {
            connection_end(connection);
        }
        if (connection && connection->deadline < next) {
            next = connection->deadline;
        }
    }
    if (worker->run_https || worker->run_http) {
        return 0;
    }
    return next == UINT64_MAX ? -1 : (int)(next - worker->now);
}

/* While stopping: ends those who are not asking anything. Who has just connected is about to. */
static void worker_end_idle(struct worker *worker)
{
    const struct site_table *table = service_table(worker->service);
    struct connection *connection;

    while (worker->phases[CONNECTION_IDLE].first) {
        connection_end(worker->phases[CONNECTION_IDLE].first);
    }
    while ((connection = worker->phases[CONNECTION_WAITING].first) != NULL &&
           connection->deadline + STOPPING_GRACE <= worker->now + table->request_timeout) {
        connection_end(connection);
    }
}

static bool worker_may_stop(const struct worker *worker)
{
    const struct service *service = worker->service;

    return atomic_load(&service->stopping) &&
           (worker->connection_count == 0 || worker->now >= atomic_load(&service->stop_deadline));
}

/* At the end of a worker: libmicrohttpd must have no parked connection when it stops. */
static void worker_end_all(struct worker *worker)
{
    for (int phase = 0; phase < CONNECTION_PHASE_COUNT; phase++) {
        while (worker->phases[phase].first) {
            connection_end(worker->phases[phase].first);
        }
    }
    if (worker->https) {
        MHD_run(worker->https);
    }
}

void *worker_loop(void *context)
{
    struct worker *worker = context;
    struct epoll_event events[EVENTS_PER_ROUND];
    int timeout = -1;

    while (!worker_may_stop(worker)) {
        int count;

        /* Here the worker holds nothing that it has read from a shared pointer, and no event: all
           of the last round are handled, and what is taken away from now on causes none. */
        atomic_fetch_add(&worker->rounds, 1);
        count = epoll_wait(worker->epoll, events, EVENTS_PER_ROUND, timeout);
        worker->now = monotonic_milliseconds();
        worker->events = count > 0 ? (unsigned)count : 0;
        for (int i = 0; i < count; i++) {
            worker_handle(worker, events[i].data.ptr);
        }
        if (worker->run_https) {
            worker->run_https = run_https(worker);
            worker_park(worker);
        }
        if (worker->run_http) {
            worker->run_http = run_http(worker);
        }
        if (atomic_load(&worker->service->stopping)) {
            worker_end_idle(worker);
        }
        timeout = worker_expire(worker);
        if (atomic_load(&worker->service->stopping) && (timeout < 0 || timeout > STOPPING_ROUND)) {
            timeout = STOPPING_ROUND;
        }
    }
    worker_end_all(worker);
    return NULL;
}
