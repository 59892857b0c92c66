#include "daemon/net/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/net/eviction.h"
#include "daemon/tls/random.h"

enum {
    ACCEPTS_PER_ROUND = 16
}; /* from one listener, so that those who are in get their turn */

/* Makes room for a connection that is already counted. False where it has to go itself. */
static bool make_room(struct connection *connection, const struct site_table *table)
{
    struct service *service = connection->set->service;
    unsigned count = atomic_load_explicit(&service->connections, memory_order_relaxed);
    unsigned owed = atomic_load_explicit(&service->evictions_owed, memory_order_relaxed);

    if (count <= table->max_connections && owed > 0) {
        /* Others have closed by themselves: what was asked of another worker is not needed. */
        atomic_compare_exchange_strong(&service->evictions_owed, &owed, 0);
        return true;
    }
    if (count <= table->max_connections + owed) {
        return true;
    }
    if (service_may_log(service, SERVICE_LIMIT_CONNECTIONS)) {
        log_warning("max_connections: all %u are in use: a new connection replaces one of the "
                    "address that holds the most",
                    table->max_connections);
    }
    /* Until another worker has closed one of its own there is one more. */
    return owed < SPARE_CONNECTIONS && eviction_make_room(connection->set, connection);
}

enum first_bytes {
    FIRST_BYTES_TLS,
    FIRST_BYTES_PLAIN,
    FIRST_BYTES_AWAITED,
    FIRST_BYTES_NONSENSE,
    FIRST_BYTES_CLOSED,
};

/* Of a client that has sent part of its ClientHello: whether the rest can come. */
static enum first_bytes await_rest(const struct connection *connection)
{
    return connection_has_hung_up(connection) ? FIRST_BYTES_CLOSED : FIRST_BYTES_AWAITED;
}

/* What a client on an HTTPS listener begins with. libmicrohttpd gets a TLS connection only when its
   first record, the ClientHello, is there whole (RFC 8446, section 5.1): until then it costs no
   more than its place. */
static enum first_bytes look_at_first_bytes(const struct connection *connection)
{
    enum {
        RECORD_HEADER = 5,
        HANDSHAKE_RECORD = 22,
        CLIENT_HELLO = 1,
        ENOUGH = 4096
    };
    unsigned char bytes[ENOUGH];
    ssize_t count = recv(connection->stream.socket, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
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
        return await_rest(connection);
    }
    if (bytes[RECORD_HEADER] != CLIENT_HELLO) {
        return FIRST_BYTES_NONSENSE;
    }
    needed = RECORD_HEADER + (size_t)(bytes[3] << 8 | bytes[4]);
    if (needed > ENOUGH) {
        needed = ENOUGH;
    }
    return received < needed ? await_rest(connection) : FIRST_BYTES_TLS;
}

static void start_handshake(struct connection *connection)
{
    struct problem problem;

    if (random_works(&problem)) {
        connection_hand_over(connection, true);
        return;
    }
    log_error_seldom(problem.text);
    counters_add_handshake(&connection->set->counters, COUNTERS_HANDSHAKE_FAILED);
    connection_end(connection);
}

void accept_first_bytes(struct connection *connection)
{
    if (connection->kind != LISTENER_HTTPS) {
        connection_hand_over(connection, false);
        return;
    }
    switch (look_at_first_bytes(connection)) {
    case FIRST_BYTES_TLS:
        start_handshake(connection);
        break;
    case FIRST_BYTES_PLAIN:
        connection->misdirected = true;
        connection_hand_over(connection, false);
        break;
    case FIRST_BYTES_AWAITED:
        if (!connection->watched && !connection_watch(connection)) {
            connection_end(connection);
        }
        break;
    case FIRST_BYTES_NONSENSE:
        counters_add_handshake(&connection->set->counters, COUNTERS_HANDSHAKE_FAILED);
        connection_end(connection);
        break;
    case FIRST_BYTES_CLOSED:
        connection_end(connection);
        break;
    }
}

/* accept(2) found no descriptor or no memory left. */
static void free_descriptor(struct connection_set *set)
{
    static const struct timespec moment = {.tv_nsec = 2000000};

    if (service_may_log(set->service, SERVICE_LIMIT_DESCRIPTORS)) {
        log_warning("cannot accept a connection: %s: raise the limit of open files or lower "
                    "max_connections",
                    strerror(errno));
    }
    if (!eviction_free_descriptor(set)) {
        /* The listener goes on saying that a client waits: without a pause this would be all that
           the worker does until others have closed something. */
        nanosleep(&moment, NULL);
    }
}

/* accept(2) has failed otherwise. */
static void handle_failure(struct connection_set *set, int error)
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
        if (service_may_log(set->service, SERVICE_LIMIT_ACCEPT)) {
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
    struct service *service = connection->set->service;
    char text[INET6_ADDRSTRLEN];

    if (connection->kind != LISTENER_HTTPS || connection->peer.any.sa_family == AF_UNSPEC ||
        connection->holder == HOLDERS_NONE) {
        return true;
    }
    connection->limited = true;
    if (holders_limit(&service->holders, connection->holder) <= table->max_connections_per_ip) {
        return true;
    }
    counters_add_refusal(&connection->set->counters, COUNTERS_REFUSED_ADDRESS_LIMIT);
    if (service_may_log(service, SERVICE_LIMIT_ADDRESS)) {
        log_warning("max_connections_per_ip: %s has %u connections and gets no more",
                    connection_peer(connection, text), table->max_connections_per_ip);
    }
    return false;
}

/* Accepts a connection. False where there was none. */
static bool accept_one(struct connection_set *set, const struct listener *listener)
{
    struct service *service = set->service;
    const struct site_table *table = service_table(service);
    struct connection *connection;
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(peer);
    int socket =
        accept4(listener->socket, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (socket < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            free_descriptor(set);
        } else {
            handle_failure(set, errno);
        }
        return false;
    }
    connection = connection_take(set);
    if (!connection) {
        close(socket);
        return true;
    }
    connection->stream.socket = socket;
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
    connection_enter(connection, CONNECTION_NEW);
    accept_first_bytes(connection);
    return true;
}

void accept_connections(struct connection_set *set, const struct listener *listener,
                        unsigned events)
{
    /* To find that nobody is left costs as much as a packet. So a worker that has little to do
       takes one: if there are others, they are the next event. */
    for (unsigned i = 0; i < events && i < ACCEPTS_PER_ROUND; i++) {
        if (!accept_one(set, listener)) {
            break;
        }
    }
}
