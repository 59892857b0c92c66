#include "daemon/net/transport.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "daemon/http/metrics.h"
#include "daemon/net/connection.h"
#include "daemon/net/worker.h"

static struct connection *connection_of(gnutls_transport_ptr_t pointer)
{
    return pointer;
}

bool transport_init(struct transport *transport, size_t connections)
{
    size_t size = connections * sizeof(*transport->read_aheads);
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (room == MAP_FAILED) {
        return false;
    }
    transport->read_aheads = room;
    transport->capacity = connections;
    return true;
}

void transport_clear(struct transport *transport)
{
    if (transport->read_aheads) {
        munmap(transport->read_aheads, transport->capacity * sizeof(*transport->read_aheads));
        transport->read_aheads = NULL;
    }
}

/* Gives a connection an empty buffer; there is one for each. */
static struct read_ahead *read_ahead_take(struct connection *connection)
{
    struct transport *transport = &connection->worker->transport;
    struct read_ahead *ahead = transport->free;

    if (ahead) {
        transport->free = ahead->next;
    } else {
        ahead = &transport->read_aheads[transport->fresh++];
    }
    ahead->connection = connection;
    ahead->begin = 0;
    ahead->end = 0;
    ahead->left = false;
    connection->read_ahead = ahead;
    return ahead;
}

/* Takes a buffer out of the list of those that GnuTLS has left bytes in. */
static void unlist(struct transport *transport, struct read_ahead *ahead)
{
    if (!ahead->left) {
        return;
    }
    ahead->left = false;
    *(ahead->previous ? &ahead->previous->next : &transport->left) = ahead->next;
    if (ahead->next) {
        ahead->next->previous = ahead->previous;
    }
}

static void list(struct transport *transport, struct read_ahead *ahead)
{
    if (ahead->left) {
        return;
    }
    ahead->left = true;
    ahead->previous = NULL;
    ahead->next = transport->left;
    if (ahead->next) {
        ahead->next->previous = ahead;
    }
    transport->left = ahead;
}

static void read_ahead_give(struct connection *connection)
{
    struct transport *transport = &connection->worker->transport;
    struct read_ahead *ahead = connection->read_ahead;

    unlist(transport, ahead);
    ahead->next = transport->free;
    transport->free = ahead;
    connection->read_ahead = NULL;
}

/* Whether what has been read is what GnuTLS asks for: a record's header, or all of its body. Of a
   body that is longer than the buffer it gets a buffer full at a time. */
static bool suffices(const struct read_ahead *ahead, size_t size)
{
    size_t available = ahead->end - ahead->begin;

    return available >= size || available == sizeof(ahead->bytes);
}

/* As recv(2), into the buffer: as much as there is and fits. */
static ssize_t read_ahead_fill(struct connection *connection)
{
    struct read_ahead *ahead = connection->read_ahead;
    ssize_t count;

    memmove(ahead->bytes, ahead->bytes + ahead->begin, ahead->end - ahead->begin);
    ahead->end -= ahead->begin;
    ahead->begin = 0;
    count =
        recv(connection->socket, ahead->bytes + ahead->end, sizeof(ahead->bytes) - ahead->end, 0);
    if (count > 0) {
        ahead->end += (size_t)count;
        if (ahead->end < sizeof(ahead->bytes)) {
            connection->drained_run = connection->worker->run;
        }
    }
    return count;
}

/* Gives GnuTLS what has been read ahead. */
static ssize_t read_ahead_serve(struct connection *connection, void *data, size_t size)
{
    struct read_ahead *ahead = connection->read_ahead;
    size_t available = ahead->end - ahead->begin;

    size = size < available ? size : available;
    memcpy(data, ahead->bytes + ahead->begin, size);
    ahead->begin += size;
    if (ahead->begin == ahead->end) {
        read_ahead_give(connection);
    } else {
        list(&connection->worker->transport, ahead);
    }
    return (ssize_t)size;
}

/* As recv(2), but all that is asked for or nothing (see suffices): of each piece GnuTLS would make
   a buffer for a whole record, and put all that it has so far together anew. */
static ssize_t receive(struct connection *connection, void *data, size_t size)
{
    struct read_ahead *ahead = connection->read_ahead;
    bool drained = connection->handshake == HANDSHAKE_RUNNING &&
                   connection->drained_run == connection->worker->run;

    if (!ahead && drained) {
        /* What has come since this run emptied the socket is an event for the next one. */
        errno = EAGAIN;
        return -1;
    }
    ahead = ahead ? ahead : read_ahead_take(connection);
    while (!suffices(ahead, size)) {
        ssize_t count = read_ahead_fill(connection);

        if (count <= 0) {
            int error = errno;

            unlist(&connection->worker->transport, ahead);
            if (ahead->begin == ahead->end) {
                read_ahead_give(connection);
            }
            errno = error;
            return count;
        }
    }
    return read_ahead_serve(connection, data, size);
}

/* Ends a connection whose client has sent so much that GnuTLS still gathers, or that came to
   nothing. */
static void refuse(struct connection *connection)
{
    struct counters *counters = &connection->worker->counters;
    bool handshake = connection->handshake == HANDSHAKE_RUNNING;

    if (connection->handshake == HANDSHAKE_REFUSED) {
        return;
    }
    if (handshake) {
        metrics_count_handshake(counters, METRICS_HANDSHAKE_FAILED);
    }
    metrics_count_refusal(counters, METRICS_REFUSED_HANDSHAKE_TOO_LONG);
    connection->handshake = HANDSHAKE_REFUSED;
    gnutls_alert_send(connection->session, GNUTLS_AL_FATAL, GNUTLS_A_UNEXPECTED_MESSAGE);
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
    bool handshake = connection->handshake == HANDSHAKE_RUNNING;
    ssize_t count;

    transport_release(connection->worker);
    connection->pulled_run = connection->worker->run;
    if (connection->challenge && !handshake) {
        return 0; /* as if the client had hung up: nothing that it sends gets any further */
    }
    if (connection->budget_used >= TLS_BUDGET) {
        refuse(connection);
        errno = EPROTO;
        return -1;
    }
    count = receive(connection, data, size);
    if (count > 0) {
        connection->budget_used += (size_t)count;
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

/* Has libmicrohttpd read on, which was told by GnuTLS to wait for the socket: a connection that is
   resumed counts as readable. In this state it is safe between two runs; see connection_park. */
static void rearm(struct connection *connection)
{
    MHD_suspend_connection(connection->handle);
    MHD_resume_connection(connection->handle);
    worker_note_progress(connection);
}

void transport_rearm(struct worker *worker)
{
    struct transport *transport = &worker->transport;
    struct read_ahead *next;

    for (struct read_ahead *ahead = transport->left; ahead; ahead = next) {
        struct connection *connection = ahead->connection;

        next = ahead->next;
        if (connection->pulled_run == worker->run) {
            continue;
        }
        unlist(transport, ahead);
        if (connection->phase == CONNECTION_READING || connection->phase == CONNECTION_IDLE) {
            rearm(connection);
        } /* else libmicrohttpd reads on by itself, once it has answered */
    }
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
