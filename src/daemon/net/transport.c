#include "daemon/net/transport.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/net/connection.h"
#include "daemon/net/worker.h"

static struct connection *connection_of(gnutls_transport_ptr_t pointer)
{
    return pointer;
}

/* An empty one of the worker's, or NULL where clients that send much more than is answered have
   taken all. */
static struct read_ahead *read_ahead_take(struct transport *transport)
{
    struct read_ahead *ahead = transport->free;

    if (ahead) {
        transport->free = ahead->next;
    } else if (transport->fresh < READ_AHEADS) {
        ahead = &transport->read_aheads[transport->fresh++];
    }
    return ahead;
}

static void read_ahead_give(struct connection *connection)
{
    struct transport *transport = &connection->worker->transport;

    connection->read_ahead->next = transport->free;
    transport->free = connection->read_ahead;
    connection->read_ahead = NULL;
}

/* Gives GnuTLS what has been read ahead. */
static ssize_t read_ahead_serve(struct connection *connection, void *data, size_t size)
{
    struct read_ahead *ahead = connection->read_ahead;
    size_t left = ahead->used - ahead->taken;

    size = size < left ? size : left;
    memcpy(data, ahead->bytes + ahead->taken, size);
    ahead->taken += size;
    if (ahead->taken == ahead->used) {
        read_ahead_give(connection);
    }
    return (ssize_t)size;
}

/* As recv(2), but reads as much as there is, for this call and the next ones. */
static ssize_t read_ahead_fill(struct connection *connection, void *data, size_t size)
{
    struct read_ahead *ahead = read_ahead_take(&connection->worker->transport);
    ssize_t count;

    if (!ahead) {
        return recv(connection->socket, data, size, 0);
    }
    connection->read_ahead = ahead;
    count = recv(connection->socket, ahead->bytes, sizeof(ahead->bytes), 0);
    if (count <= 0) {
        int error = errno;

        read_ahead_give(connection);
        errno = error;
        return count;
    }
    ahead->used = (size_t)count;
    ahead->taken = 0;
    if (ahead->used < sizeof(ahead->bytes)) {
        connection->drained_run = connection->worker->run;
    }
    return read_ahead_serve(connection, data, size);
}

/* Has the kernel acknowledge the client's Finished at once, where its request has not come with it:
   a client with Nagle's algorithm sends the request only then, and we have nothing to send that
   would carry the acknowledgement. Else it would wait for 40 ms. */
static void acknowledge(struct connection *connection)
{
    static const int on = 1;

    connection->acknowledged = true;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/* As recv(2). GnuTLS asks for the client's bytes when it has said what it had to say. */
static ssize_t pull(gnutls_transport_ptr_t pointer, void *data, size_t size)
{
    struct connection *connection = connection_of(pointer);
    struct worker *worker = connection->worker;
    bool handshake = connection->handshake == HANDSHAKE_RUNNING;
    ssize_t count = -1;

    transport_release(worker);
    if (connection->challenge && !handshake) {
        return 0; /* as if the client had hung up: nothing that it sends gets any further */
    }
    errno = EAGAIN;
    if (connection->read_ahead) {
        count = read_ahead_serve(connection, data, size);
    } else if (!handshake || connection->drained_run != worker->run) {
        count = read_ahead_fill(connection, data, size);
    } /* else what has come since this run emptied the socket is an event for the next one */
    if (count > 0) {
        worker_note_progress(connection);
    } else if (count < 0 && errno == EAGAIN) {
        worker_note_waiting(connection);
        if (!handshake && !connection->acknowledged) {
            acknowledge(connection);
        }
        errno = EAGAIN;
    }
    return count;
}

/* As sendmsg(2). */
static ssize_t send_now(const struct connection *connection, const struct iovec *vector,
                        size_t count, bool more)
{
    struct msghdr message = {.msg_iov = (struct iovec *)vector, .msg_iovlen = count};

    return sendmsg(connection->socket, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

/* Sends what is held back; `more`: the end of the connection follows at once and can go with it. */
static void release(struct worker *worker, bool more)
{
    struct transport *transport = &worker->transport;
    struct connection *holder = transport->holder;
    struct iovec held = {.iov_base = transport->bytes, .iov_len = transport->held};

    transport->holder = NULL;
    if (holder && send_now(holder, &held, 1, more) != (ssize_t)held.iov_len) {
        /* There was room (see kernel_has_room), so this is a broken connection, or no memory. */
        shutdown(holder->socket, SHUT_RDWR);
    }
}

void transport_release(struct worker *worker)
{
    if (worker->transport.holder) {
        release(worker, false);
    }
}

/* Whether the kernel takes all that can be held: it does where the client has acknowledged
   everything, since a socket's send buffer is larger than HOLD_SIZE (tcp(7), tcp_wmem). */
static bool kernel_has_room(const struct connection *connection)
{
    int outstanding = 1;

    return ioctl(connection->socket, SIOCOUTQ, &outstanding) == 0 && outstanding == 0;
}

/* Whether bytes can be held back until more has come. */
static bool may_hold(const struct connection *connection, size_t size)
{
    const struct transport *transport = &connection->worker->transport;

    if (transport->holder) {
        return size <= HOLD_SIZE - transport->held;
    }
    return size <= HOLD_SIZE && kernel_has_room(connection);
}

static void hold(struct connection *connection, const struct iovec *vector, size_t count)
{
    struct transport *transport = &connection->worker->transport;

    if (!transport->holder) {
        transport->holder = connection;
        transport->held = 0;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(transport->bytes + transport->held, vector[i].iov_base, vector[i].iov_len);
        transport->held += vector[i].iov_len;
    }
}

/* Whether more follows at once: in the handshake, until GnuTLS asks for the client's bytes; in an
   answer, until its last record, or the alert that ends the connection with it. */
static bool more_follows(struct connection *connection)
{
    switch (connection->phase) {
    case CONNECTION_GREETING:
    case CONNECTION_READING:
        return connection->handshake != HANDSHAKE_REFUSED;
    case CONNECTION_ANSWERING:
        if (connection->records_left > 0) {
            connection->records_left--;
        }
        return connection->records_left > 0 || connection->close_after;
    default:
        return false;
    }
}

/* As sendmsg(2). */
static ssize_t push(gnutls_transport_ptr_t pointer, const giovec_t *vector, int count)
{
    struct connection *connection = connection_of(pointer);
    struct worker *worker = connection->worker;
    bool more = more_follows(connection);
    size_t size = 0;
    ssize_t sent;

    worker_note_progress(connection);
    for (int i = 0; i < count; i++) {
        size += vector[i].iov_len;
    }
    if (worker->transport.holder != connection) {
        transport_release(worker);
    }
    if (!may_hold(connection, size)) {
        release(worker, true);
        sent = send_now(connection, vector, (size_t)count, connection->records_left > 0);
        if (sent < 0) {
            worker_note_waiting(connection);
        }
        return sent;
    }
    hold(connection, vector, (size_t)count);
    if (!more) {
        /* Where the connection ends, close(2) is next, whose FIN goes with what the kernel has. */
        release(worker, connection->close_after);
    }
    return (ssize_t)size;
}

void transport_attach(struct connection *connection, gnutls_session_t session)
{
    gnutls_transport_set_ptr(session, connection);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_vec_push_function(session, push);
}

void transport_detach(struct connection *connection)
{
    if (connection->worker->transport.holder == connection) {
        release(connection->worker, true); /* what libmicrohttpd answers by itself, and hangs up */
    }
    if (connection->read_ahead) {
        read_ahead_give(connection);
    }
}
