#include "daemon/net/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum {
    ACCEPTS_PER_ROUND = 16
}; /* from one listener, so that those who are in get their turn */

/* Whether a limit that has been reached is to be told now: at most once a minute, by one worker. */
static bool may_tell_limit(struct service *service, enum service_limit limit)
{
    int64_t now = (int64_t)(monotonic_milliseconds() / 1000);
    int64_t last = atomic_load(&service->limit_told[limit]);

    return (last == 0 || now - last >= 60) &&
           atomic_compare_exchange_strong(&service->limit_told[limit], &last, now);
}

/* Whom a new connection replaces at the limit: who has waited longest without a request. */
static struct connection *longest_waiting(const struct worker *worker)
{
    static const enum connection_phase order[] = {CONNECTION_IDLE, CONNECTION_WAITING,
                                                  CONNECTION_PARKED, CONNECTION_READING,
                                                  CONNECTION_GREETING};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct connection *first = worker->phases[order[i]].first;

        if (first) {
            return first;
        }
    }
    return NULL;
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
void arrivals_end_asked(struct worker *worker)
{
    unsigned asked = atomic_exchange(&worker->asked_to_end, 0);

    while (asked-- > 0) {
        struct connection *connection = longest_waiting(worker);

        if (!connection) {
            return;
        }
        connection_end(connection);
    }
}

/* Makes room for a connection that is already counted. False where it has to go itself. */
static bool make_room(struct worker *worker, const struct site_table *table)
{
    struct service *service = worker->service;
    unsigned count = atomic_load_explicit(&service->connections, memory_order_relaxed);
    struct connection *connection;

    if (count <= table->max_connections) {
        return true;
    }
    if (may_tell_limit(service, SERVICE_LIMIT_CONNECTIONS)) {
        log_warning("max_connections: all %u are in use: new connections replace those that have "
                    "waited longest",
                    table->max_connections);
    }
    connection = longest_waiting(worker);
    if (connection) {
        connection_end(connection);
        return true;
    }
    /* For the moment that takes there is one more. */
    return count <= table->max_connections + SPARE_CONNECTIONS && ask_other_worker(worker);
}

/* Hands a connection to libmicrohttpd, which owns its socket from here on. */
static void hand_over(struct connection *connection, bool tls)
{
    /* To libmicrohttpd every connection is one of a Unix socket: the limits by address, for which
       it wants the real one, are ours. */
    static const struct sockaddr_un anywhere = {.sun_family = AF_UNIX};
    struct worker *worker = connection->worker;
    enum MHD_Result added;

    connection_unwatch(connection);
    connection->handshake = tls ? HANDSHAKE_RUNNING : HANDSHAKE_NONE;
    connection->handed_over = true;
    connection_move(connection, tls ? CONNECTION_GREETING : CONNECTION_READING);
    worker->arriving = connection;
    added = MHD_add_connection(tls ? worker->https : worker->http, connection->socket,
                               (const struct sockaddr *)&anywhere, sizeof(anywhere.sun_family));
    if (added != MHD_YES && worker->arriving) {
        connection_forget(connection); /* the socket is closed already */
    }
    worker->arriving = NULL;
    worker->run_https = worker->run_https || tls;
    worker->run_http = worker->run_http || !tls;
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
    size_t received = count > 0 ? (size_t)count : 0;
    size_t needed;

    if (count < 0) {
        return errno == EAGAIN || errno == EINTR ? FIRST_BYTES_AWAITED : FIRST_BYTES_CLOSED;
    }
    if (received == 0) {
        return FIRST_BYTES_CLOSED;
    }
    if (bytes[0] != HANDSHAKE_RECORD) {
        return FIRST_BYTES_PLAIN;
    }
    if (received <= RECORD_HEADER) {
        return FIRST_BYTES_AWAITED;
    }
    if (bytes[RECORD_HEADER] != CLIENT_HELLO) {
        return FIRST_BYTES_NONSENSE;
    }
    needed = RECORD_HEADER + (size_t)(bytes[3] << 8 | bytes[4]);
    if (needed > ENOUGH) {
        needed = ENOUGH;
    }
    return received < needed ? FIRST_BYTES_AWAITED : FIRST_BYTES_TLS;
}

void arrivals_greet(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->kind != LISTENER_HTTPS) {
        hand_over(connection, false);
        return;
    }
    switch (look_at_first_bytes(connection->socket)) {
    case FIRST_BYTES_TLS:
        hand_over(connection, true);
        break;
    case FIRST_BYTES_PLAIN:
        connection->misdirected = true;
        hand_over(connection, false);
        break;
    case FIRST_BYTES_AWAITED:
        if (!connection->watched && !connection_watch(connection)) {
            connection_end(connection);
        }
        break;
    case FIRST_BYTES_NONSENSE:
        metrics_count_handshake(&worker->counters, METRICS_HANDSHAKE_FAILED);
        connection_end(connection);
        break;
    case FIRST_BYTES_CLOSED:
        connection_end(connection);
        break;
    }
}

/* accept(2) found no descriptor or no memory left. */
static void make_descriptor_free(struct worker *worker)
{
    static const struct timespec moment = {.tv_nsec = 2000000};
    struct connection *connection = longest_waiting(worker);

    if (may_tell_limit(worker->service, SERVICE_LIMIT_DESCRIPTORS)) {
        log_warning("cannot accept a connection: %s: raise the limit of open files or lower "
                    "max_connections",
                    strerror(errno));
    }
    if (connection) {
        connection_end(connection);
    } else {
        /* The listener goes on saying that somebody waits: without a pause this would be all that
           the worker does until others have closed something. */
        ask_other_worker(worker);
        nanosleep(&moment, NULL);
    }
}

/* Counts a connection for its address. False where that has as many as it gets: nobody is to make
   room for it. */
static bool address_has_room(struct connection *connection, const struct site_table *table)
{
    struct service *service = connection->worker->service;
    char text[INET6_ADDRSTRLEN];

    if (connection->kind != LISTENER_HTTPS || connection->peer.any.sa_family == AF_UNSPEC) {
        return true;
    }
    connection->limited = address_limit_take(&service->address_limit, &connection->peer.any,
                                             table->max_connections_per_ip, &connection->ticket);
    if (!connection->limited && may_tell_limit(service, SERVICE_LIMIT_ADDRESS)) {
        log_warning("max_connections_per_ip: %s has %u connections and gets no more",
                    connection_peer(connection, text), table->max_connections_per_ip);
    }
    return connection->limited;
}

/* Takes a client in. False where there was none. */
static bool accept_one(struct worker *worker, const struct listener *listener)
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
            make_descriptor_free(worker);
        }
        return false;
    }
    atomic_fetch_add_explicit(&service->connections, 1, memory_order_relaxed);
    connection = connection_take(worker);
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
    if (!address_has_room(connection, table) || !make_room(worker, table)) {
        connection_end(connection);
        return true;
    }
    connection_enter(connection, CONNECTION_WAITING);
    arrivals_greet(connection);
    return true;
}

void arrivals_accept(struct worker *worker, const struct listener *listener)
{
    /* To find that nobody is left costs as much as a packet. So a worker that has little to do
       takes one: if there are others, they are the next event. */
    for (unsigned i = 0; i < worker->events && i < ACCEPTS_PER_ROUND; i++) {
        if (!accept_one(worker, listener)) {
            break;
        }
    }
}
