#include "daemon/net/transport.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum {
    /* In a row: in as many libmicrohttpd's buffer takes the parts of a record, 128 bytes each. */
    QUIET_RUNS = 64,
    RECORD_HEADER = 5,
    HANDSHAKE_TYPE = 22,
    NONCE_SIZE = 12,
    TAG_SIZE = 16,
};

bool transport_init(struct transport *transport, size_t connections, struct counters *counters)
{
    size_t size = connections * sizeof(*transport->read_aheads);
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (room == MAP_FAILED) {
        return false;
    }
    transport->read_aheads = room;
    transport->capacity = connections;
    transport->counters = counters;
    transport->busy_count = 1;
    return true;
}

void transport_clear(struct transport *transport)
{
    if (transport->read_aheads) {
        munmap(transport->read_aheads, transport->capacity * sizeof(*transport->read_aheads));
        transport->read_aheads = NULL;
    }
}

void transport_note_progress(struct stream *stream)
{
    struct transport *transport = stream->transport;

    transport->progressed = true;
    if (stream->handshake != HANDSHAKE_NONE && stream->busy_count != transport->busy_count) {
        stream->busy_count = transport->busy_count;
        transport->busy++;
    }
}

void transport_note_result(struct stream *stream)
{
    stream->budget_used = 0;
    transport_note_progress(stream);
}

/* A stream cannot get further before its client sends more, or takes what was sent. */
static void note_waiting(struct stream *stream)
{
    struct transport *transport = stream->transport;

    if (stream->busy_count == transport->busy_count) {
        stream->busy_count = 0;
        transport->busy--;
    }
}

/* Gives a stream an empty buffer; there is one for each. */
static struct read_ahead *read_ahead_take(struct stream *stream)
{
    struct transport *transport = stream->transport;
    struct read_ahead *ahead = transport->free;

    if (ahead) {
        transport->free = ahead->next;
    } else {
        ahead = &transport->read_aheads[transport->fresh++];
    }
    ahead->stream = stream;
    ahead->begin = 0;
    ahead->end = 0;
    ahead->left = false;
    stream->read_ahead = ahead;
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

static void read_ahead_give(struct stream *stream)
{
    struct transport *transport = stream->transport;
    struct read_ahead *ahead = stream->read_ahead;

    unlist(transport, ahead);
    ahead->next = transport->free;
    transport->free = ahead;
    stream->read_ahead = NULL;
}

/* Whether what has been read is what GnuTLS asks for: a record's header, or all of its body. Of a
   body that is longer than the buffer it gets a buffer full at a time. */
static bool suffices(const struct read_ahead *ahead, size_t size)
{
    size_t available = ahead->end - ahead->begin;

    return available >= size || available == sizeof(ahead->bytes);
}

/* As recv(2), into the buffer: as much as there is and fits. */
static ssize_t read_ahead_fill(struct stream *stream)
{
    struct read_ahead *ahead = stream->read_ahead;
    ssize_t count;

    memmove(ahead->bytes, ahead->bytes + ahead->begin, ahead->end - ahead->begin);
    ahead->end -= ahead->begin;
    ahead->begin = 0;
    count = recv(stream->socket, ahead->bytes + ahead->end, sizeof(ahead->bytes) - ahead->end, 0);
    if (count > 0) {
        ahead->end += (size_t)count;
        if (ahead->end < sizeof(ahead->bytes)) {
            stream->drained_run = stream->transport->run;
        }
    }
    return count;
}

/* Gives GnuTLS what has been read ahead. */
static ssize_t read_ahead_serve(struct stream *stream, void *data, size_t size)
{
    struct read_ahead *ahead = stream->read_ahead;
    size_t available = ahead->end - ahead->begin;

    size = size < available ? size : available;
    memcpy(data, ahead->bytes + ahead->begin, size);
    ahead->begin += size;
    if (ahead->begin == ahead->end) {
        read_ahead_give(stream);
    } else {
        list(stream->transport, ahead);
    }
    return (ssize_t)size;
}

/* As recv(2), but all that is asked for or nothing (see suffices): of each piece GnuTLS would make
   a buffer for a whole record, and put all that it has so far together anew. */
static ssize_t receive(struct stream *stream, void *data, size_t size)
{
    struct read_ahead *ahead = stream->read_ahead;
    bool drained =
        stream->handshake == HANDSHAKE_RUNNING && stream->drained_run == stream->transport->run;

    if (!ahead && drained) {
        /* What has come since this run emptied the socket is an event for the next one. */
        errno = EAGAIN;
        return -1;
    }
    ahead = ahead ? ahead : read_ahead_take(stream);
    while (!suffices(ahead, size)) {
        ssize_t count = read_ahead_fill(stream);

        if (count <= 0) {
            int error = errno;

            unlist(stream->transport, ahead);
            if (ahead->begin == ahead->end) {
                read_ahead_give(stream);
            }
            errno = error;
            return count;
        }
    }
    return read_ahead_serve(stream, data, size);
}

/* Ends a connection whose client has sent so much that GnuTLS still gathers, or that came to
   nothing, or what GnuTLS must not see. Returns what recv(2) does on an error. */
static ssize_t refuse(struct stream *stream)
{
    struct counters *counters = stream->transport->counters;
    bool handshake = stream->handshake == HANDSHAKE_RUNNING;

    if (handshake) {
        counters_add_handshake(counters, COUNTERS_HANDSHAKE_FAILED);
    }
    if (stream->handshake != HANDSHAKE_REFUSED) {
        counters_add_refusal(counters, COUNTERS_REFUSED_HANDSHAKE_TOO_LONG);
        stream->handshake = HANDSHAKE_REFUSED;
        gnutls_alert_send(stream->session, GNUTLS_AL_FATAL, GNUTLS_A_UNEXPECTED_MESSAGE);
    }
    errno = EPROTO;
    return -1;
}

/* Has the kernel acknowledge the client's Finished at once, where its request has not come with it:
   a client with Nagle's algorithm sends the request only then, and we have nothing to send that
   would carry the acknowledgement. Else it would wait for 40 ms. */
static void acknowledge(struct stream *stream)
{
    static const int on = 1;

    stream->acknowledged = true;
    setsockopt(stream->socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/* As sendmsg(2). */
static ssize_t send_now(const struct stream *stream, const struct iovec *vector, size_t count,
                        bool more)
{
    struct msghdr message = {.msg_iov = (struct iovec *)vector, .msg_iovlen = count};

    return sendmsg(stream->socket, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

/* Sends what is held back; `more`: the end of the connection follows at once and can go with it. */
static void release(struct transport *transport, bool more)
{
    struct stream *stream = transport->held_for;
    struct iovec held = {.iov_base = transport->bytes, .iov_len = transport->held};

    transport->held_for = NULL;
    if (stream && send_now(stream, &held, 1, more) != (ssize_t)held.iov_len) {
        /* There was room (see kernel_has_room), so this is a broken connection, or no memory. */
        shutdown(stream->socket, SHUT_RDWR);
    }
}

/* The first byte of what a record of TLS 1.3 protects, given the first of its body: GCM and
   ChaCha20-Poly1305 combine both with the same byte, which a protected zero tells. 0 on failure. */
static unsigned char first_byte_inside(gnutls_session_t session, unsigned char protected)
{
    static const char zero[1];
    gnutls_datum_t mac, iv, key;
    gnutls_aead_cipher_hd_t cipher;
    unsigned char sequence[8], nonce[NONCE_SIZE], sealed[sizeof(zero) + TAG_SIZE] = {0};
    size_t size = sizeof(sealed);

    if (gnutls_record_get_state(session, 1, &mac, &iv, &key, sequence) != 0 ||
        iv.size != sizeof(nonce) ||
        gnutls_aead_cipher_init(&cipher, gnutls_cipher_get(session), &key) != 0) {
        return 0;
    }
    memcpy(nonce, iv.data, sizeof(nonce));
    for (size_t i = 0; i < sizeof(sequence); i++) {
        nonce[NONCE_SIZE - sizeof(sequence) + i] ^= sequence[i];
    }
    if (gnutls_aead_cipher_encrypt(cipher, nonce, sizeof(nonce), NULL, 0, TAG_SIZE, zero,
                                   sizeof(zero), sealed, &size) != 0) {
        sealed[0] = protected;
    }
    gnutls_aead_cipher_deinit(cipher);
    return protected ^ sealed[0];
}

/* Follows the records that GnuTLS takes. False where one must not reach it: an empty record within
   a handshake message (RFC 8446, section 5.1, forbids it), of which GnuTLS 3.7 and 3.8 would read
   the nothing for ever. It has no content, so it begins with its type, 22. Parts of handshake
   messages come to nothing; so a record is looked at where the one before it did, and no other. */
static bool follow_record(struct stream *stream, const unsigned char *bytes, size_t size)
{
    bool looked_at = stream->suspicious;

    if (stream->record_left == 0) {
        stream->record_left = size == RECORD_HEADER ? (unsigned)(bytes[3] << 8 | bytes[4]) : 0;
        stream->suspicious = stream->handshake == HANDSHAKE_DONE && stream->budget_used > 0 &&
                             gnutls_protocol_get_version(stream->session) == GNUTLS_TLS1_3;
        return true;
    }
    stream->record_left -= size < stream->record_left ? (unsigned)size : stream->record_left;
    stream->suspicious = false;
    return !looked_at || first_byte_inside(stream->session, bytes[0]) != HANDSHAKE_TYPE;
}

/* As recv(2). GnuTLS asks for the client's bytes when it has said what it had to say. */
static ssize_t pull(gnutls_transport_ptr_t pointer, void *data, size_t size)
{
    struct stream *stream = pointer;
    bool handshake = stream->handshake == HANDSHAKE_RUNNING;
    ssize_t count;

    release(stream->transport, false);
    stream->pulled_run = stream->transport->run;
    if (stream->challenge && !handshake) {
        return 0; /* as if the client had hung up: nothing that it sends gets any further */
    }
    if (stream->budget_used >= TLS_BUDGET) {
        return refuse(stream);
    }
    count = receive(stream, data, size);
    if (count > 0) {
        if (!follow_record(stream, data, (size_t)count)) {
            return refuse(stream);
        }
        stream->budget_used += (size_t)count;
        transport_note_progress(stream);
    } else if (count < 0 && errno == EAGAIN) {
        note_waiting(stream);
        if (!handshake && !stream->acknowledged) {
            acknowledge(stream);
        }
        errno = EAGAIN;
    }
    return count;
}

/* Whether the kernel takes all that can be held: it does where the client has acknowledged
   everything, since a socket's send buffer is larger than HOLD_SIZE (tcp(7), tcp_wmem). */
static bool kernel_has_room(const struct stream *stream)
{
    int outstanding = 1;

    return ioctl(stream->socket, SIOCOUTQ, &outstanding) == 0 && outstanding == 0;
}

/* Whether bytes can be held back until more has come. */
static bool may_hold(const struct stream *stream, size_t size)
{
    const struct transport *transport = stream->transport;

    if (transport->held_for) {
        return size <= HOLD_SIZE - transport->held;
    }
    return size <= HOLD_SIZE && kernel_has_room(stream);
}

static void hold(struct stream *stream, const struct iovec *vector, size_t count)
{
    struct transport *transport = stream->transport;

    if (!transport->held_for) {
        transport->held_for = stream;
        transport->held = 0;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(transport->bytes + transport->held, vector[i].iov_base, vector[i].iov_len);
        transport->held += vector[i].iov_len;
    }
}

/* Whether more follows at once. */
static bool more_follows(struct stream *stream)
{
    switch (stream->sending) {
    case SENDING_FLIGHT:
        return stream->handshake != HANDSHAKE_REFUSED;
    case SENDING_ANSWER:
        if (stream->records_left > 0) {
            stream->records_left--;
        }
        return stream->records_left > 0 || stream->close_after;
    case SENDING_ALERT:
        break;
    }
    return false;
}

/* As sendmsg(2). */
static ssize_t push(gnutls_transport_ptr_t pointer, const giovec_t *vector, int count)
{
    struct stream *stream = pointer;
    struct transport *transport = stream->transport;
    bool more = more_follows(stream);
    size_t size = 0;
    ssize_t sent;

    transport_note_progress(stream);
    for (int i = 0; i < count; i++) {
        size += vector[i].iov_len;
    }
    if (transport->held_for != stream) {
        release(transport, false);
    }
    if (!may_hold(stream, size)) {
        release(transport, true);
        sent = send_now(stream, vector, (size_t)count, stream->records_left > 0);
        if (sent < 0) {
            note_waiting(stream);
        }
        return sent;
    }
    hold(stream, vector, (size_t)count);
    if (!more) {
        /* Where the connection ends, close(2) is next, whose FIN goes with what the kernel has. */
        release(transport, stream->close_after);
    }
    return (ssize_t)size;
}

void transport_attach(struct stream *stream, gnutls_session_t session)
{
    stream->session = session;
    gnutls_transport_set_ptr(session, stream);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_vec_push_function(session, push);
}

void transport_begin_answer(struct stream *stream, unsigned records, bool close_after)
{
    stream->sending = SENDING_ANSWER;
    stream->records_left = records;
    stream->close_after = close_after;
}

void transport_end_answer(struct stream *stream)
{
    stream->sending = SENDING_ALERT;
}

void transport_begin_run(struct transport *transport)
{
    transport->run++;
    transport->progressed = false;
}

/* Finds the streams with bytes left that this run has not looked at. GnuTLS answers "again" to an
   empty record or a KeyUpdate even where more has been read ahead, and libmicrohttpd takes that for
   an empty socket. */
static void read_on_where_left(struct transport *transport, void (*read_on)(struct stream *stream))
{
    struct read_ahead *next;

    for (struct read_ahead *ahead = transport->left; ahead; ahead = next) {
        struct stream *stream = ahead->stream;

        next = ahead->next;
        if (stream->pulled_run != transport->run) {
            unlist(transport, ahead); /* once for each time that GnuTLS took something */
            read_on(stream);
        }
    }
}

bool transport_end_run(struct transport *transport, void (*read_on)(struct stream *stream))
{
    release(transport, false);
    read_on_where_left(transport, read_on);
    /* Not every run moves something: of a record that is longer than its buffer libmicrohttpd takes
       a part in each, from GnuTLS. */
    transport->quiet_runs = transport->progressed ? 0 : transport->quiet_runs + 1;
    if (transport->quiet_runs > QUIET_RUNS) {
        transport->busy_count++; /* counts anew: none is busy */
        transport->busy = 0;
    }
    if (transport->busy == 0) {
        transport->quiet_runs = 0;
    }
    return transport->busy > 0;
}

void transport_detach(struct stream *stream)
{
    if (stream->transport->held_for == stream) {
        release(stream->transport, true); /* what libmicrohttpd answers by itself, and hangs up */
    }
    if (stream->read_ahead) {
        read_ahead_give(stream);
    }
    note_waiting(stream);
}
