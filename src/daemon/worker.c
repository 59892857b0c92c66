#include "daemon/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"

enum {
    EVENTS_PER_ROUND = 64,
    ACCEPTS_PER_ROUND = 16, /* from one listener, so that those who are in get their turn */
    RUNS_PER_ROUND = 8,     /* of libmicrohttpd, while it gets any further */
    STOPPING_ROUND = 50,    /* milliseconds that a round lasts at most while stopping */
    STOPPING_GRACE = 500    /* milliseconds that a silent connection has then, from accept on */
};

uint64_t monotonic_milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Connections: a fixed array, so that none is allocated between accept and close. */

static struct connection *worker_take(struct worker *worker)
{
    struct connection *connection = worker->free;

    if (connection) {
        worker->free = connection->next;
    } else if (worker->fresh < worker->connection_capacity) {
        connection = &worker->connections[worker->fresh++];
    } else {
        return NULL;
    }
    *connection = (struct connection){
        .source = EVENT_CONNECTION, .phase = CONNECTION_CLOSING, .worker = worker};
    worker->connection_count++;
    return connection;
}

void worker_note_progress(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->handshake != HANDSHAKE_NONE && connection->progress_run != worker->run) {
        connection->progress_run = worker->run;
        worker->unfinished++;
    }
}

void worker_note_waiting(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->handshake != HANDSHAKE_NONE && connection->progress_run == worker->run) {
        connection->progress_run = 0;
        worker->unfinished--;
    }
}

void worker_forget(struct worker *worker, struct connection *connection)
{
    connection_leave(connection);
    worker_note_waiting(connection);
    if (connection->limited) {
        address_limit_give(&worker->service->address_limit, &connection->ticket);
    }
    atomic_fetch_sub_explicit(&worker->service->connections, 1, memory_order_relaxed);
    credentials_release(connection->credentials);
    free(connection->target);
    connection->next = worker->free;
    worker->free = connection;
    worker->connection_count--;
}

/* Whether a limit that has been reached is to be told now: at most once a minute, by one worker. */
static bool may_tell_limit(struct service *service)
{
    int64_t now = (int64_t)(monotonic_milliseconds() / 1000);
    int64_t last = atomic_load(&service->limit_told);

    return (last == 0 || now - last >= 60) &&
           atomic_compare_exchange_strong(&service->limit_told, &last, now);
}

/* Whom a new connection replaces at the limit: who has waited longest without a request. */
static struct connection *worker_longest_waiting(const struct worker *worker)
{
    struct connection *idle = worker->phases[CONNECTION_IDLE].first;

    return idle ? idle : worker->phases[CONNECTION_REQUESTING].first;
}

void worker_wake(const struct worker *worker)
{
    uint64_t one = 1;

    /* Fails only where it is about to wake up anyway. */
    if (write(worker->wake_up, &one, sizeof(one)) < 0) {
        return;
    }
}

/* Asks the worker with the most connections to end one of those that wait. */
static bool ask_other_worker(struct worker *worker)
{
    struct service *service = worker->service;
    struct worker *fullest = NULL;
    size_t most = 0;

    for (unsigned i = 0; i < service->worker_count; i++) {
        struct worker *other = &service->workers[i];
        size_t count = atomic_load_explicit(&other->connection_count, memory_order_relaxed);

        if (other != worker && count > most) {
            fullest = other;
            most = count;
        }
    }
    if (fullest) {
        atomic_fetch_add(&fullest->asked_to_end, 1);
        worker_wake(fullest);
    }
    return fullest != NULL;
}

/* Ends those that another worker needs the room of. */
static void worker_end_asked(struct worker *worker)
{
    unsigned asked = atomic_exchange(&worker->asked_to_end, 0);

    while (asked-- > 0) {
        struct connection *longest_waiting = worker_longest_waiting(worker);

        if (!longest_waiting) {
            return;
        }
        connection_end(longest_waiting);
    }
}

/* Makes room for a connection that is already counted. False where it has to go itself. */
static bool worker_make_room(struct worker *worker, const struct site_table *table)
{
    struct service *service = worker->service;
    unsigned count = atomic_load_explicit(&service->connections, memory_order_relaxed);
    struct connection *longest_waiting;

    if (count <= table->max_connections) {
        return true;
    }
    if (may_tell_limit(service)) {
        log_warning("max_connections: all %u are in use: new connections replace those that have "
                    "waited longest",
                    table->max_connections);
    }
    longest_waiting = worker_longest_waiting(worker);
    if (longest_waiting) {
        connection_end(longest_waiting);
        return true;
    }
    /* For the moment that takes there is one more. */
    return count <= table->max_connections + SPARE_CONNECTIONS && ask_other_worker(worker);
}

/* Hands a connection to libmicrohttpd, which owns its socket from here on. */
static void worker_hand_over(struct worker *worker, struct connection *connection, bool tls)
{
    /* To libmicrohttpd every connection is one of a Unix socket: then it leaves the TCP options
       alone (they are inherited from the listener, and tls.c and sendmsg(2) do the corking). The
       limits by address, for which it wants the real one, are ours. */
    static const struct sockaddr_un anywhere = {.sun_family = AF_UNIX};
    struct MHD_Daemon *daemon = tls ? worker->https : worker->http;

    connection->handed_over = true;
    worker->arriving = connection;
    if (MHD_add_connection(daemon, connection->socket, (const struct sockaddr *)&anywhere,
                           sizeof(anywhere.sun_family)) != MHD_YES &&
        worker->arriving) {
        /* The socket is closed already. */
        worker->arriving = NULL;
        worker_forget(worker, connection);
        return;
    }
    worker->arriving = NULL;
    if (tls) {
        worker->run_https = true;
    } else {
        worker->run_http = true;
    }
}

enum first_bytes {
    FIRST_BYTES_TLS,
    FIRST_BYTES_PLAIN,
    FIRST_BYTES_AWAITED,
    FIRST_BYTES_NONSENSE,
    FIRST_BYTES_CLOSED,
};

/* What a client on an HTTPS listener begins with. libmicrohttpd gets a TLS connection only when its
   first record, the ClientHello, is there whole (RFC 8446, section 5.1): until then it costs no
   more than its place. */
static enum first_bytes look_at_first_bytes(int socket)
{
    enum {
        RECORD_HEADER = 5,
        HANDSHAKE_RECORD = 22,
        CLIENT_HELLO = 1,
        ENOUGH = 4096
    };
    unsigned char bytes[ENOUGH];
    ssize_t count = recv(socket, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
    size_t record;

    if (count < 0) {
        return errno == EAGAIN || errno == EINTR ? FIRST_BYTES_AWAITED : FIRST_BYTES_CLOSED;
    }
    if (count == 0) {
        return FIRST_BYTES_CLOSED;
    }
    if (bytes[0] != HANDSHAKE_RECORD) {
        return FIRST_BYTES_PLAIN;
    }
    if (count <= RECORD_HEADER) {
        return FIRST_BYTES_AWAITED;
    }
    if (bytes[RECORD_HEADER] != CLIENT_HELLO) {
        return FIRST_BYTES_NONSENSE;
    }
    record = RECORD_HEADER + (size_t)(bytes[3] << 8 | bytes[4]);
    return (size_t)count >= (record < ENOUGH ? record : ENOUGH) ? FIRST_BYTES_TLS
                                                                : FIRST_BYTES_AWAITED;
}

/* Moves a connection that libmicrohttpd does not have yet on, if its client has said enough. */
static void worker_greet(struct worker *worker, struct connection *connection, bool registered)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = connection};

    switch (connection->kind == LISTENER_HTTPS ? look_at_first_bytes(connection->socket)
                                               : FIRST_BYTES_PLAIN) {
    case FIRST_BYTES_TLS:
        connection->handshake = HANDSHAKE_RUNNING;
        break;
    case FIRST_BYTES_PLAIN:
        connection->misdirected = connection->kind == LISTENER_HTTPS;
        break;
    case FIRST_BYTES_AWAITED:
        if (!registered &&
            epoll_ctl(worker->epoll, EPOLL_CTL_ADD, connection->socket, &event) != 0) {
            connection_end(connection);
        }
        return;
    case FIRST_BYTES_NONSENSE:
        metrics_count_handshake(&worker->counters, METRICS_HANDSHAKE_FAILED);
        connection_end(connection);
        return;
    case FIRST_BYTES_CLOSED:
        connection_end(connection);
        return;
    }
    if (registered) {
        epoll_ctl(worker->epoll, EPOLL_CTL_DEL, connection->socket, NULL);
    }
    worker_hand_over(worker, connection, connection->handshake == HANDSHAKE_RUNNING);
}

/* Takes a client in. False where there was none. */
static bool worker_accept_one(struct worker *worker, const struct listener *listener)
{
    struct service *service = worker->service;
    const struct site_table *table = service_table(service);
    struct connection *connection;
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(peer);
    int socket =
        accept4(listener->socket, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (socket < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            if (may_tell_limit(service)) {
                log_warning("cannot accept a connection: %s: raise the limit of open files or "
                            "lower max_connections",
                            strerror(errno));
            }
            connection = worker_longest_waiting(worker);
            if (connection) {
                connection_end(connection);
            }
        }
        return false;
    }
    atomic_fetch_add_explicit(&service->connections, 1, memory_order_relaxed);
    connection = worker_make_room(worker, table) ? worker_take(worker) : NULL;
    if (!connection) {
        atomic_fetch_sub_explicit(&service->connections, 1, memory_order_relaxed);
        close(socket);
        return true;
    }
    connection->socket = socket;
    connection->kind = listener->kind;
    connection->peer.any.sa_family = AF_UNSPEC;
    if (peer.ss_family == AF_INET || peer.ss_family == AF_INET6) {
        memcpy(&connection->peer, &peer, sizeof(connection->peer));
    }
    connection_enter(connection, CONNECTION_REQUESTING);
    if (listener->kind == LISTENER_HTTPS && connection->peer.any.sa_family != AF_UNSPEC) {
        connection->limited =
            address_limit_take(&service->address_limit, &connection->peer.any,
                               table->max_connections_per_ip, &connection->ticket);
        if (!connection->limited) {
            char text[INET6_ADDRSTRLEN];

            if (may_tell_limit(service)) {
                log_warning("max_connections_per_ip: %s has %u connections and gets no more",
                            connection_peer(connection, text), table->max_connections_per_ip);
            }
            connection_end(connection);
            return true;
        }
    }
    worker_greet(worker, connection, false);
    return true;
}

static void worker_accept(struct worker *worker, const struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_ROUND; i++) {
        if (!worker_accept_one(worker, listener)) {
            break;
        }
    }
}

static void worker_handle(struct worker *worker, void *source)
{
    uint64_t ignored;

    switch (*(enum event_source *)source) {
    case EVENT_LISTENER:
        worker_accept(worker, source);
        break;
    case EVENT_CONNECTION:
        worker_greet(worker, source, true);
        break;
    case EVENT_WAKE_UP:
        if (read(worker->wake_up, &ignored, sizeof(ignored)) > 0) {
            worker_end_asked(worker);
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

/* Runs the TLS daemon for as long as some connection gets any further. It cannot be asked whether
   it has more to do: it would say yes for as long as any handshake waits for its client, which
   would burn a core. Returns whether it is to be run again in the next round. */
static bool run_https(struct worker *worker)
{
    for (int i = 0; i < RUNS_PER_ROUND; i++) {
        worker->run++;
        worker->unfinished = 0;
        MHD_run(worker->https);
        if (worker->unfinished == 0) {
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
    struct connection *connection = worker->phases[CONNECTION_REQUESTING].first;

    while (worker->phases[CONNECTION_IDLE].first) {
        connection_end(worker->phases[CONNECTION_IDLE].first);
    }
    while (connection) {
        struct connection *next = connection->next;

        if (!connection->handed_over &&
            connection->deadline - table->request_timeout + STOPPING_GRACE <= worker->now) {
            connection_end(connection);
        }
        connection = next;
    }
}

static bool worker_may_stop(const struct worker *worker)
{
    const struct service *service = worker->service;

    return atomic_load(&service->stopping) &&
           (worker->connection_count == 0 || worker->now >= atomic_load(&service->stop_deadline));
}

void *worker_loop(void *context)
{
    struct worker *worker = context;
    struct epoll_event events[EVENTS_PER_ROUND];
    int timeout = -1;

    while (!worker_may_stop(worker)) {
        int count = epoll_wait(worker->epoll, events, EVENTS_PER_ROUND, timeout);

        atomic_fetch_add(&worker->rounds, 1);
        worker->now = monotonic_milliseconds();
        for (int i = 0; i < count; i++) {
            worker_handle(worker, events[i].data.ptr);
        }
        if (worker->run_https) {
            worker->run_https = run_https(worker);
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
    return NULL;
}
