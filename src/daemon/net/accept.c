#include "daemon/net/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/net/eviction.h"
#include "daemon/tls/random.h"

enum {
    ACCEPTS_PER_ROUND = 16
}; /* from one listener, so that those who are in get their turn */

/* Whether a limit that has been reached is to be logged now: at most once a minute, by one worker.
 */
static bool may_log_limit(struct service *service, enum service_limit limit)
{
    int64_t now = (int64_t)(monotonic_milliseconds() / 1000);
    int64_t last = atomic_load(&service->limit_logged[limit]);

    return (last == 0 || now - last >= 60) &&
           atomic_compare_exchange_strong(&service->limit_logged[limit], &last, now);
}

/* Makes room for a connection that is already counted. False where it has to go itself. */
static bool make_room(struct connection *connection, const struct site_table *table)
{
    struct worker *worker = connection->worker;
    struct service *service = worker->service;
    unsigned count = atomic_load_explicit(&service->connections, memory_order_relaxed);
    unsigned owed = atomic_load_explicit(&service->evictions_owed, memory_order_relaxed);

    if (count <= table->max_connections + owed) {
        return true;
    }
    if (may_log_limit(service, SERVICE_LIMIT_CONNECTIONS)) {
        log_warning("max_connections: all %u are in use: a new connection replaces one of the "
                    "address that holds the most",
                    table->max_connections);
    }
    /* Until another worker has closed one of its own there is one more. */
    return owed < SPARE_CONNECTIONS && eviction_make_room(worker, connection);
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
    connection_note_progress(connection);
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

static void start_handshake(struct connection *connection)
{
    struct problem problem;

    if (random_works(&problem)) {
        hand_over(connection, true);
        return;
    }
    log_error_seldom(problem.text);
    metrics_count_handshake(&connection->worker->counters, METRICS_HANDSHAKE_FAILED);
    connection_end(connection);
}

void accept_first_bytes(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->kind != LISTENER_HTTPS) {
        hand_over(connection, false);
        return;
    }
    switch (look_at_first_bytes(connection->socket)) {
    case FIRST_BYTES_TLS:
        start_handshake(connection);
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

    if (may_log_limit(worker->service, SERVICE_LIMIT_DESCRIPTORS)) {
        log_warning("cannot accept a connection: %s: raise the limit of open files or lower "
                    "max_connections",
                    strerror(errno));
    }
    if (worker->connection_count == 0 || !eviction_make_room(worker, NULL)) {
        /* The listener goes on saying that a client waits: without a pause this would be all that
           the worker does until others have closed something. */
        nanosleep(&moment, NULL);
    }
}

/* accept(2) has failed otherwise. */
static void note_failure(struct worker *worker, int error)
{
    static const struct timespec moment = {.tv_nsec = 2000000};

    switch (error) {
    case EAGAIN:
    case EINTR:
    case EINVAL: /* the listener does not listen while a reload gives its port to another */
    /* The client has gone again: accept(2) returns errors of its connection. */
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
    case ETIMEDOUT:
        break;
    default:
        if (may_log_limit(worker->service, SERVICE_LIMIT_ACCEPT)) {
            log_error("cannot accept connections: accept4: %s: allow this process that call (a "
                      "container's seccomp profile can refuse it)",
                      strerror(error));
        }
        nanosleep(&moment, NULL); /* the listener goes on saying that a client waits */
        break;
    }
}

/* False where a connection's address has more than it gets: then nothing makes room for it. */
static bool address_has_room(struct connection *connection, const struct site_table *table)
{
    struct service *service = connection->worker->service;
    char text[INET6_ADDRSTRLEN];

    if (connection->kind != LISTENER_HTTPS || connection->peer.any.sa_family == AF_UNSPEC ||
        connection->holder == HOLDERS_NONE) {
        return true;
    }
    connection->limited = true;
    if (holders_limit(&service->holders, connection->holder) <= table->max_connections_per_ip) {
        return true;
    }
    metrics_count_refusal(&connection->worker->counters, METRICS_REFUSED_ADDRESS_LIMIT);
    if (may_log_limit(service, SERVICE_LIMIT_ADDRESS)) {
        log_warning("max_connections_per_ip: %s has %u connections and gets no more",
                    connection_peer(connection, text), table->max_connections_per_ip);
    }
    return false;
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
        } else {
            note_failure(worker, errno);
        }
        return false;
    }
    connection = connection_take(worker);
    if (!connection) {
        close(socket);
        return true;
    }
    connection->socket = socket;
    connection->kind = listener->kind;
    connection->peer.any.sa_family = AF_UNSPEC;
    if (peer.ss_family == AF_INET || peer.ss_family == AF_INET6) {
        memcpy(&connection->peer, &peer, sizeof(connection->peer));
    }
    connection_count(connection);
    if (!address_has_room(connection, table) || !make_room(connection, table)) {
        connection_end(connection);
        return true;
    }
    connection_enter(connection, CONNECTION_WAITING);
    accept_first_bytes(connection);
    return true;
}

void accept_connections(struct worker *worker, const struct listener *listener)
{
    /* To find that nobody is left costs as much as a packet. So a worker that has little to do
       takes one: if there are others, they are the next event. */
    for (unsigned i = 0; i < worker->events && i < ACCEPTS_PER_ROUND; i++) {
        if (!accept_one(worker, listener)) {
            break;
        }
    }
}
