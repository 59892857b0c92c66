/* How TLS records get to the socket and from it: with as few system calls and packets as can be.
   GnuTLS asks for a record's header and its body apart, and hands over a flight or an answer in
   pieces; the kernel is asked for, and given, all of it at once. */
#ifndef DAEMON_NET_TRANSPORT_H
#define DAEMON_NET_TRANSPORT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    READ_AHEAD_SIZE = 4096, /* with what belongs to it */
    HOLD_SIZE = 8192,
    /* Bytes that a client can send for its handshake, and after it until libmicrohttpd has
       something to show for them. GnuTLS gathers a message of up to 16 MB, in memory that it
       doubles. Room for two ClientHellos of 16 KB (one after a HelloRetryRequest), and what goes
       with them. */
    TLS_BUDGET = 36 * 1024,
};

struct connection;
struct worker;

/* Bytes that came from a socket and that GnuTLS has not asked for yet: those from `begin` to
   `end`. */
struct read_ahead {
    struct connection *connection;
    struct read_ahead *previous; /* in the list `left` */
    struct read_ahead *next;     /* in the list `left`, or in that of the free ones */
    bool left;                   /* GnuTLS could have more, and has not asked */
    size_t begin;
    size_t end;
    unsigned char bytes[READ_AHEAD_SIZE - 6 * sizeof(size_t)];
};

/* What a worker has for this. */
struct transport {
    struct read_ahead *read_aheads; /* one for each connection; a page, touched when first used */
    size_t capacity;
    size_t fresh; /* from here on none has been used yet */
    struct read_ahead *free;
    struct read_ahead *left;   /* where GnuTLS took some bytes and left some */
    struct connection *holder; /* whose bytes are held, or NULL */
    size_t held;
    unsigned char bytes[HOLD_SIZE];
};

/* Prepares a zeroed struct for so many connections. False, and errno, where there is no memory. */
bool transport_init(struct transport *transport, size_t connections);

void transport_clear(struct transport *transport);

/* Makes a session read and write its connection's socket through the worker's transport. */
void transport_attach(struct connection *connection, gnutls_session_t session);

/* Sends what is held back, if any. Nothing may be held beyond a run of libmicrohttpd. */
void transport_release(struct worker *worker);

/* After a run of libmicrohttpd: no bytes stay behind without an event. GnuTLS answers "again" to an
   empty record or a KeyUpdate even where more has been read ahead, and libmicrohttpd takes that for
   an empty socket, whose next event may never come. So where a run has left such a connection
   alone, libmicrohttpd is made to look at it in the next, once for each time that GnuTLS took
   something. */
void transport_rearm(struct worker *worker);

/* Before a connection's socket is closed: sends what is held, forgets what was read ahead. */
void transport_detach(struct connection *connection);

#endif
