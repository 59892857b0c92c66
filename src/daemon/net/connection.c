#include "daemon/net/connection.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/net/worker.h"

struct connection *connection_take(struct worker *worker)
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

/* Puts a connection behind the others of its address. */
static void join_holder(struct connection *connection)
{
    struct connection **first = &connection->worker->held[connection->holder];

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
    struct connection **first = &connection->worker->held[connection->holder];

    connection->holder_previous->holder_next = connection->holder_next;
    connection->holder_next->holder_previous = connection->holder_previous;
    if (*first == connection) {
        *first = connection->holder_next == connection ? NULL : connection->holder_next;
    }
}

void connection_count(struct connection *connection)
{
    struct service *service = connection->worker->service;

    atomic_fetch_add_explicit(&service->connections, 1, memory_order_relaxed);
    connection->counted = true;
    connection->progressed = connection->worker->now;
    connection->holder = holders_take(&service->holders, &connection->peer.any);
    if (connection->holder != HOLDERS_NONE) {
        join_holder(connection);
    }
}

static void uncount(struct connection *connection)
{
    struct service *service = connection->worker->service;

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
    connection->progressed = connection->worker->now;
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
    list = &connection->worker->phases[connection->phase];
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
    struct connection_list *list = &connection->worker->phases[phase];
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
    const struct site_table *table = service_table(connection->worker->service);

    connection_note_progress(connection);
    connection->deadline =
        connection->worker->now +
        (phase == CONNECTION_IDLE ? table->keepalive_timeout : table->request_timeout);
    connection_move(connection, phase);
}

bool connection_watch(struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = connection};

    connection->watched =
        epoll_ctl(connection->worker->epoll, EPOLL_CTL_ADD, connection->socket, &event) == 0;
    return connection->watched;
}

void connection_unwatch(struct connection *connection)
{
    if (connection->watched) {
        connection->watched = false;
        epoll_ctl(connection->worker->epoll, EPOLL_CTL_DEL, connection->socket, NULL);
    }
}

void connection_park(struct connection *connection)
{
    /* Its documentation calls MHD_suspend_connection safe within the access handler only. What
       else it needs is to be called in the thread that runs the daemon, on a connection that is
       neither suspended nor cleaned up: so it is here, between two runs. */
    MHD_suspend_connection(connection->handle);
    connection_move(connection, CONNECTION_PARKED);
    if (!connection_watch(connection)) {
        connection_end(connection);
    }
}

void connection_unpark(struct connection *connection)
{
    connection_unwatch(connection);
    connection_move(connection, CONNECTION_GREETING);
    MHD_resume_connection(connection->handle);
    connection->worker->run_https = true;
}

void connection_end(struct connection *connection)
{
    struct worker *worker = connection->worker;

    if (connection->phase == CONNECTION_PARKED) {
        connection_unpark(connection);
    }
    leave(connection);
    uncount(connection);
    connection_unwatch(connection);
    if (!connection->handed_over) {
        close(connection->socket);
        connection_forget(connection);
        return;
    }
    shutdown(connection->socket, SHUT_RDWR);
    worker->run_https = worker->run_https || connection->handshake != HANDSHAKE_NONE;
    worker->run_http = worker->run_http || connection->handshake == HANDSHAKE_NONE;
}

void connection_forget(struct connection *connection)
{
    struct worker *worker = connection->worker;

    leave(connection);
    worker_note_waiting(connection);
    transport_detach(connection);
    uncount(connection);
    credentials_release(connection->credentials);
    free(connection->target);
    connection->next = worker->free;
    worker->free = connection;
    worker->connection_count--;
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
