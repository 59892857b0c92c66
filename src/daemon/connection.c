#include "daemon/connection.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/worker.h"

void connection_leave(struct connection *connection)
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

void connection_enter(struct connection *connection, enum connection_phase phase)
{
    struct worker *worker = connection->worker;
    const struct site_table *table = service_table(worker->service);
    struct connection_list *list = &worker->phases[phase];

    connection_leave(connection);
    connection->phase = phase;
    connection->deadline = worker->now + (phase == CONNECTION_IDLE ? table->keepalive_timeout
                                                                   : table->request_timeout);
    connection->previous = list->last;
    connection->next = NULL;
    if (list->last) {
        list->last->next = connection;
    } else {
        list->first = connection;
    }
    list->last = connection;
}

void connection_end(struct connection *connection)
{
    struct worker *worker = connection->worker;

    connection_leave(connection);
    if (connection->handed_over) {
        shutdown(connection->socket, SHUT_RDWR);
        worker->run_https = worker->run_https || connection->handshake != HANDSHAKE_NONE;
        worker->run_http = worker->run_http || connection->handshake == HANDSHAKE_NONE;
    } else {
        close(connection->socket);
        worker_forget(worker, connection);
    }
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
