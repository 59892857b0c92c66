/* How TLS records get to the socket and from it: with as few system calls and packets as can be.
   GnuTLS asks for a record's header and its body apart, and hands over a flight or an answer in
   pieces; the kernel is asked for, and given, all of it at once. */
#ifndef DAEMON_NET_TRANSPORT_H
#define DAEMON_NET_TRANSPORT_H

#include <gnutls/gnutls.h>
#include <stddef.h>

enum {
    READ_AHEAD_SIZE = 4096,
    READ_AHEADS = 32, /* of each worker; nearly always one is in use */
    HOLD_SIZE = 8192,
};

struct connection;
struct worker;

/* Bytes that came from a socket and that GnuTLS has not asked for yet. */
struct read_ahead {
    struct read_ahead *next; /* in the list of those that are free */
    size_t used;
    size_t taken;
    unsigned char bytes[READ_AHEAD_SIZE];
};

/* What a worker has for this. */
struct transport {
    struct read_ahead *free;
    size_t fresh; /* from here on none has been used yet */
    struct read_ahead read_aheads[READ_AHEADS];
    struct connection *holder; /* whose bytes are held, or NULL */
    size_t held;
    unsigned char bytes[HOLD_SIZE];
};

/* Makes a session read and write its connection's socket through the worker's transport. */
void transport_attach(struct connection *connection, gnutls_session_t session);

/* Sends what is held back, if any. Nothing may be held beyond a run of libmicrohttpd. */
void transport_release(struct worker *worker);

/* Before a connection's socket is closed: sends what is held, forgets what was read ahead. */
void transport_detach(struct connection *connection);

#endif
