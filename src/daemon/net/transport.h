/* How TLS records get to the socket and from it: with as few system calls and packets as can be.
   GnuTLS asks for a record's header and its body apart, and hands over a flight or an answer in
   pieces; the kernel is asked for, and given, all of it at once. Here is known, too, which
   connections have got further in a run of libmicrohttpd, and so whether another run is due. */
#ifndef DAEMON_NET_TRANSPORT_H
#define DAEMON_NET_TRANSPORT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/net/counters.h"

enum {
    READ_AHEAD_SIZE = 4096, /* with what belongs to it */
    HOLD_SIZE = 8192,
    /* Bytes that a client can send for its handshake, and after it until libmicrohttpd has
       something to show for them. GnuTLS gathers a message of up to 16 MB, in memory that it
       doubles. Room for two ClientHellos of 16 KB (one after a HelloRetryRequest), and what goes
       with them. */
    TLS_BUDGET = 36 * 1024,
};

enum handshake_state {
    HANDSHAKE_NONE, /* plain HTTP */
    HANDSHAKE_RUNNING,
    HANDSHAKE_DONE,
    HANDSHAKE_REFUSED, /* we ended it: no certificate for the name, or too long */
};

/* What is being sent. */
enum sending {
    SENDING_FLIGHT, /* more follows at once, until GnuTLS asks for the client's bytes */
    SENDING_ANSWER, /* more follows until its last record, or the alert that ends the connection */
    SENDING_ALERT,  /* nothing follows */
};

/* What the transport knows of a connection, plain ones included. */
struct stream {
    struct transport *transport; /* its worker's */
    int socket;
    gnutls_session_t session; /* libmicrohttpd's, NULL for plain HTTP */
    enum handshake_state handshake;
    bool challenge; /* acme-tls/1: the handshake is all there is (RFC 8737) */
    enum sending sending;
    bool close_after;      /* the answer ends the connection */
    bool acknowledged;     /* the client's Finished is; see acknowledge() */
    unsigned records_left; /* TLS records of the answer that are still to be sent */
    uint64_t busy_count;   /* the transport's where it is among its busy ones, else another */
    uint64_t drained_run;  /* the run in which there was nothing more to read */
    uint64_t pulled_run;   /* the run in which GnuTLS last asked for bytes */
    unsigned record_left;  /* bytes of a record that GnuTLS has yet to ask for */
    bool suspicious;       /* the record before it came to nothing; see follow_record() */
    size_t budget_used;    /* bytes that have come to nothing yet; see TLS_BUDGET */
    struct read_ahead *read_ahead; /* held while GnuTLS has not asked for all of it */
};

/* Bytes that came from a socket and that GnuTLS has not asked for yet: those from `begin` to
   `end`. */
struct read_ahead {
    struct stream *stream;
    struct read_ahead *previous; /* in the list `left` */
    struct read_ahead *next;     /* in the list `left`, or in that of the free ones */
    bool left;                   /* GnuTLS could have more, and has not asked */
    size_t begin;
    size_t end;
    unsigned char bytes[READ_AHEAD_SIZE - 6 * sizeof(size_t)];
};

/* A worker's. */
struct transport {
    struct counters *counters;
    struct read_ahead *read_aheads; /* one for each connection; a page, touched when first used */
    size_t capacity;
    size_t fresh; /* from here on none has been used yet */
    struct read_ahead *free;
    struct read_ahead *left; /* where GnuTLS took some bytes and left some */

    uint64_t run;        /* counts the runs of libmicrohttpd's TLS daemon */
    bool progressed;     /* some connection has got further in this run */
    unsigned quiet_runs; /* how many runs in a row have moved nothing */
    size_t busy;         /* TLS connections that got further and may get further still */
    uint64_t busy_count; /* which count this is, from 1 on */

    struct stream *held_for; /* whose bytes are held, or NULL */
    size_t held;
    unsigned char bytes[HOLD_SIZE];
};

/* Prepares a zeroed struct for so many connections. False, and errno, where there is no memory. */
bool transport_init(struct transport *transport, size_t connections, struct counters *counters);

void transport_clear(struct transport *transport);

/* Makes a session read and write a stream's socket through its transport. */
void transport_attach(struct stream *stream, gnutls_session_t session);

/* An answer begins, which is sent in so many TLS records; and its client has taken it. */
void transport_begin_answer(struct stream *stream, unsigned records, bool close_after);
void transport_end_answer(struct stream *stream);

/* A connection has got further, and may get further still without an event. */
void transport_note_progress(struct stream *stream);

/* The same, with something to show for the bytes that its client has sent so far. */
void transport_note_result(struct stream *stream);

/* Surrounds a run of libmicrohttpd's TLS daemon. After it nothing is held back, and no bytes stay
   behind without an event: `read_on` is called for a stream with bytes left of which GnuTLS has
   told libmicrohttpd to wait for the socket, though there may never be another event there. It has
   to have libmicrohttpd look at the connection in the next run. Returns whether another run is due:
   some connection may get further without an event. */
void transport_begin_run(struct transport *transport);
bool transport_end_run(struct transport *transport, void (*read_on)(struct stream *stream));

/* Before a connection's socket is closed: sends what is held, forgets what was read ahead. */
void transport_detach(struct stream *stream);

#endif
