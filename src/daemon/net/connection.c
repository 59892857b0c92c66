#include "daemon/net/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

/* Zeroed memory of which a page is used once it is touched. NULL where there is none. */
static void *reserve(size_t count, size_t size)
{
    void *room = mmap(NULL, count * size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return room == MAP_FAILED ? NULL : room;
}

static void unreserve(void *room, size_t count, size_t size)
{
    if (room) {
        munmap(room, count * size);
    }
}

bool connection_set_open(struct connection_set *set, struct service *service,
                         unsigned max_connections, struct problem *problem)
{
    *set = (struct connection_set){
        .service = service,
        .now = monotonic_milliseconds(),
        .tls.source = EVENT_HTTP_DAEMON,
        .http.source = EVENT_HTTP_DAEMON,
        .capacity = (size_t)max_connections + SPARE_CONNECTIONS,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
    };
    if (set->epoll < 0 || set->wake_up < 0) {
        return problem_set(problem, "cannot start a thread: %s: raise the limit of open files",
                           strerror(errno));
    }
    set->items = reserve(set->capacity, sizeof(*set->items));
    set->held = reserve(holders_size(&service->holders), sizeof(struct connection *));
    if (!set->items || !set->held ||
        !transport_init(&set->transport, set->capacity, &set->counters)) {
        return problem_set(problem, "no memory for %u connections: lower max_connections",
                           max_connections);
    }
    return true;
}

void connection_set_close(struct connection_set *set)
{
    if (set->tls.handle) {
        MHD_stop_daemon(set->tls.handle);
    }
    if (set->http.handle) {
        MHD_stop_daemon(set->http.handle);
    }
    if (set->epoll >= 0) {
        close(set->epoll);
    }
    if (set->wake_up >= 0) {
        close(set->wake_up);
    }
    transport_clear(&set->transport);
    unreserve(set->items, set->capacity, sizeof(*set->items));
    unreserve(set->held, holders_size(&set->service->holders), sizeof(struct connection *));
}

struct connection *connection_take(struct connection_set *set)
{
    struct connection *connection = set->free;

    if (connection) {
        set->free = connection->next;
    } else if (set->fresh < set->capacity) {
        connection = &set->items[set->fresh++];
    } else {
        return NULL;
    }
    *connection = (struct connection){
        .source = EVENT_CONNECTION,
        .phase = CONNECTION_CLOSING,
        .set = set,
        .stream.transport = &set->transport,
    };
    set->count++;
    return connection;
}

/* Puts a connection behind the others of its address. */
static void join_holder(struct connection *connection)
{
    struct connection **first = &connection->set->held[connection->holder];

    if (!*first) {
        connection->holder_previous = connection;
        connection->holder_next = connection;
        *first = connection;
        return;
    }
    connection->holder_next = *first;
    connection->holder_previous = (*first)->holder_previous;
    connection->holder_previous->holder_next = connection;
    connection->holder_next->holder_previous = connection;
}

static void leave_holder(struct connection *connection)
{
    struct connection **first = &connection->set->held[connection->holder];

    connection->holder_previous->holder_next = connection->holder_next;
    connection->holder_next->holder_previous = connection->holder_previous;
    if (*first == connection) {
        *first = connection->holder_next == connection ? NULL : connection->holder_next;
    }
}

void connection_count(struct connection *connection)
{
    struct service *service = connection->set->service;

    atomic_fetch_add_explicit(&service->connections, 1, memory_order_relaxed);
    connection->counted = true;
    connection->progressed = connection->set->now;
    connection->holder = holders_take(&service->holders, &connection->peer.any);
    if (connection->holder != HOLDERS_NONE) {
        join_holder(connection);
    }
}

static void uncount(struct connection *connection)
{
    struct service *service = connection->set->service;

    if (!connection->counted) {
        return;
    }
    connection->counted = false;
    atomic_fetch_sub_explicit(&service->connections, 1, memory_order_relaxed);
    if (connection->holder != HOLDERS_NONE) {
        leave_holder(connection);
        if (connection->limited) {
            holders_unlimit(&service->holders, connection->holder);
        }
        holders_give(&service->holders, connection->holder);
    }
}

void connection_note_progress(struct connection *connection)
{
    connection->progressed = connection->set->now;
    if (connection->counted && connection->holder != HOLDERS_NONE &&
        connection->holder_next != connection) {
        leave_holder(connection);
        join_holder(connection);
    }
}

/* Takes a connection out of its phase's list. */
static void leave(struct connection *connection)
{
    struct connection_list *list;

    if (connection->phase >= CONNECTION_PHASE_COUNT) {
        return;
    }
    list = &connection->set->phases[connection->phase];
    if (connection->previous) {
        connection->previous->next = connection->next;
    } else {
        list->first = connection->next;
    }
    if (connection->next) {
        connection->next->previous = connection->previous;
    } else {
        list->last = connection->previous;
    }
    connection->previous = NULL;
    connection->next = NULL;
    connection->phase = CONNECTION_CLOSING;
}

void connection_move(struct connection *connection, enum connection_phase phase)
{
    struct connection_list *list = &connection->set->phases[phase];
    struct connection *before;

    leave(connection);
    connection->phase = phase;
    /* Nearly always the last one is the place at once. */
    before = list->last;
    while (before && before->deadline > connection->deadline) {
        before = before->previous;
    }
    connection->previous = before;
    connection->next = before ? before->next : list->first;
    if (connection->next) {
        connection->next->previous = connection;
    } else {
        list->last = connection;
    }
    if (before) {
        before->next = connection;
    } else {
        list->first = connection;
    }
}

void connection_enter(struct connection *connection, enum connection_phase phase)
{
    const struct site_table *table = service_table(connection->set->service);

    connection_note_progress(connection);
    connection->deadline =
        connection->set->now +
        (phase == CONNECTION_IDLE ? table->keepalive_timeout : table->request_timeout);
    connection_move(connection, phase);
}

bool connection_watch(struct connection *connection)
{
    bool plain = connection->http && connection->stream.handshake == HANDSHAKE_NONE;
    unsigned events = plain ? 0 : EPOLLIN;
    struct epoll_event event = {.events = events | EPOLLRDHUP | EPOLLET, .data.ptr = connection};

    connection->watched =
        epoll_ctl(connection->set->epoll, EPOLL_CTL_ADD, connection->stream.socket, &event) == 0;
    return connection->watched;
}

void connection_unwatch(struct connection *connection)
{
    if (connection->watched) {
        connection->watched = false;
        epoll_ctl(connection->set->epoll, EPOLL_CTL_DEL, connection->stream.socket, NULL);
    }
}

bool connection_has_hung_up(const struct connection *connection)
{
    struct pollfd file = {.fd = connection->stream.socket, .events = POLLRDHUP};

    return poll(&file, 1, 0) > 0;
}

void connection_notice_end(struct connection *connection)
{
    MHD_run(connection->http->handle); /* takes the bytes; may be the end of the connection */
    if (connection->watched && connection_has_hung_up(connection)) {
        /* To shut down what is shut down makes an event, and leaves answers alone. */
        shutdown(connection->stream.socket, SHUT_RD);
        connection->http->run = true;
    }
}

void connection_hand_over(struct connection *connection, bool tls)
{
    /* To libmicrohttpd every connection is one of a Unix socket: the limits by address, for which
       it wants the real one, are ours. */
    static const struct sockaddr_un anywhere = {.sun_family = AF_UNIX};
    struct connection_set *set = connection->set;
    enum MHD_Result added;

    connection_unwatch(connection);
    connection->stream.handshake = tls ? HANDSHAKE_RUNNING : HANDSHAKE_NONE;
    connection->http = tls ? &set->tls : &set->http;
    connection->http->run = true;
    connection_note_progress(connection);
    connection_move(connection, tls ? CONNECTION_HANDSHAKE : CONNECTION_READING);
    set->adding = connection;
    added = MHD_add_connection(connection->http->handle, connection->stream.socket,
                               (const struct sockaddr *)&anywhere, sizeof(anywhere.sun_family));
    if (set->adding == connection && added != MHD_YES) {
        connection_forget(connection); /* the socket is closed already */
    } else if (set->adding == connection && !tls) {
        connection_watch(connection); /* where that fails, its end can go unnoticed for a while */
    }
    set->adding = NULL;
}

/* The documentation of MHD_suspend_connection calls it safe within the access handler only. What
   else it needs is to be called in the thread that runs the daemon, on a connection that is neither
   suspended nor cleaned up: so it is in the two functions below, between two runs. */

void connection_suspend(struct connection *connection)
{
    MHD_suspend_connection(connection->handle);
    connection_move(connection, CONNECTION_SUSPENDED);
    if (!connection_watch(connection)) {
        connection_end(connection);
    }
}

void connection_read_on(struct stream *stream)
{
    struct connection *connection =
        (struct connection *)((char *)stream - offsetof(struct connection, stream));

    if (connection->phase == CONNECTION_READING || connection->phase == CONNECTION_IDLE) {
        /* A connection that is resumed counts as readable. */
        MHD_suspend_connection(connection->handle);
        MHD_resume_connection(connection->handle);
        transport_note_progress(stream);
    } /* else libmicrohttpd reads on by itself, once it has answered */
}

void connection_resume(struct connection *connection)
{
    connection_unwatch(connection);
    connection_move(connection, CONNECTION_HANDSHAKE);
    MHD_resume_connection(connection->handle);
    connection->http->run = true;
}

void connection_end(struct connection *connection)
{
    if (connection->phase == CONNECTION_SUSPENDED) {
        connection_resume(connection);
    }
    leave(connection);
    uncount(connection);
    connection_unwatch(connection);
    if (!connection->http) {
        close(connection->stream.socket);
        connection_forget(connection);
        return;
    }
    shutdown(connection->stream.socket, SHUT_RDWR);
    connection->http->run = true;
}

void connection_forget(struct connection *connection)
{
    struct connection_set *set = connection->set;

    leave(connection);
    transport_detach(&connection->stream);
    uncount(connection);
    connection->watched = false; /* the socket is closed */
    credentials_release(connection->credentials);
    free(connection->target);
    connection->next = set->free;
    set->free = connection;
    set->count--;
}

const char *connection_peer(const struct connection *connection, char text[static INET6_ADDRSTRLEN])
{
    const struct sockaddr *peer = &connection->peer.any;

    if (peer->sa_family == AF_INET) {
        inet_ntop(AF_INET, &connection->peer.ipv4.sin_addr, text, INET6_ADDRSTRLEN);
    } else if (peer->sa_family == AF_INET6) {
        const struct in6_addr *address = &connection->peer.ipv6.sin6_addr;

        if (IN6_IS_ADDR_V4MAPPED(address)) {
            inet_ntop(AF_INET, &address->s6_addr[12], text, INET6_ADDRSTRLEN);
        } else {
            inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
        }
    } else {
        return "unix";
    }
    return text;
}
