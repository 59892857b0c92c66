/* One client's connection: always in exactly one phase, always with one deadline. */
#ifndef DAEMON_NET_CONNECTION_H
#define DAEMON_NET_CONNECTION_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/net/listeners.h"
#include "daemon/tls/credentials.h"

struct worker;

/* What the connection is waiting for. */
enum connection_phase {
    CONNECTION_WAITING,  /* for the client's first bytes */
    CONNECTION_GREETING, /* for the rest of the TLS handshake */
    CONNECTION_PARKED,   /* the same, for so long that libmicrohttpd does not look at it any more */
    CONNECTION_READING,  /* for the request's headers */
    CONNECTION_ANSWERING, /* for the client to take the answer */
    CONNECTION_IDLE,      /* for the next request */
    CONNECTION_PHASE_COUNT,
    CONNECTION_CLOSING = CONNECTION_PHASE_COUNT, /* shut down; libmicrohttpd has yet to notice */
};

enum handshake_state {
    HANDSHAKE_NONE, /* plain HTTP */
    HANDSHAKE_RUNNING,
    HANDSHAKE_DONE,
    HANDSHAKE_REFUSED, /* we ended it: no certificate for the name */
};

/* What a socket in a worker's epoll set belongs to; each starts with one of these. */
enum event_source {
    EVENT_LISTENER,
    EVENT_CONNECTION,
    EVENT_WAKE_UP,
    EVENT_HTTPS_DAEMON,
    EVENT_HTTP_DAEMON,
};

struct connection {
    enum event_source source; /* EVENT_CONNECTION */
    enum connection_phase phase;
    uint64_t deadline; /* CLOCK_MONOTONIC, milliseconds */
    struct connection *previous;
    struct connection *next; /* in its phase, or in the free list */
    struct worker *worker;
    enum listener_kind kind;
    int socket;
    bool watched;     /* in the worker's epoll set */
    bool handed_over; /* libmicrohttpd owns the socket */
    bool misdirected; /* plain HTTP on an HTTPS listener */
    bool limited;     /* counted for the limit by address */
    bool counted;     /* by the service and for its address, until it ends */
    int holder;       /* its address's slot in the service's table of holders */
    struct connection
        *holder_previous;           /* a ring of those of its address in this worker, where the */
    struct connection *holder_next; /* first has got no further for longest */
    uint64_t progressed;            /* CLOCK_MONOTONIC, milliseconds: when it last got further */
    uint16_t round_trip;            /* milliseconds; 0: not known yet. See eviction.c */
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } peer; /* AF_UNSPEC for a Unix socket */

    enum handshake_state handshake;
    bool offers_challenges;          /* acme-tls/1 is among the protocols it can choose */
    bool challenge;                  /* it has: the handshake is all there is (RFC 8737) */
    struct MHD_Connection *handle;   /* libmicrohttpd's, once handed over */
    gnutls_session_t session;        /* libmicrohttpd's, NULL for plain HTTP */
    struct credentials *credentials; /* held from its choice until the connection closes */

    /* The request that is being read or answered. */
    char *target;           /* a copy of the raw request target, where somebody needs it */
    const char *target_end; /* where libmicrohttpd's own copy ends, to be compared only */
    bool line_malformed;
    size_t body_received;          /* bytes */
    bool request_seen;             /* the handler has been called for it */
    bool close_after;              /* the answer ends the connection */
    unsigned records_left;         /* TLS records of the answer that are still to be sent */
    bool acknowledged;             /* the client's Finished is; see transport.c */
    uint64_t busy_count;           /* the worker's where it is among its busy ones, else another */
    uint64_t drained_run;          /* the run in which there was nothing more to read */
    uint64_t pulled_run;           /* the run in which GnuTLS last asked for bytes */
    size_t budget_used;            /* bytes that have come to nothing yet; see TLS_BUDGET */
    struct read_ahead *read_ahead; /* held while GnuTLS has not asked for all of it */
};

/* The connections of one phase, by deadline. */
struct connection_list {
    struct connection *first;
    struct connection *last;
};

/* A connection of the worker's that is not in use, in no phase yet; NULL where all are. */
struct connection *connection_take(struct worker *worker);

/* Counts a connection that has just been accepted: with the service's, and for its peer's address.
 */
void connection_count(struct connection *connection);

/* Notes that a connection has got further: its client has done what it was waited for. */
void connection_note_progress(struct connection *connection);

/* Gives its place back, after its socket has been closed. */
void connection_forget(struct connection *connection);

/* Moves a connection to a phase, with the same deadline. */
void connection_move(struct connection *connection, enum connection_phase phase);

/* Moves a connection to a phase, with the deadline that this phase gives from now on. */
void connection_enter(struct connection *connection, enum connection_phase phase);

/* Has the worker's own epoll set tell when the client sends something. False where it cannot. */
bool connection_watch(struct connection *connection);
void connection_unwatch(struct connection *connection);

/* Takes a connection in CONNECTION_GREETING out of libmicrohttpd's sight, and back into it. */
void connection_park(struct connection *connection);
void connection_unpark(struct connection *connection);

/* Ends a connection now, and counts it no longer. libmicrohttpd learns of it as of a client that
   hung up; a connection that it does not have yet is closed and forgotten when this returns. */
void connection_end(struct connection *connection);

/* The client's address as text, "unix" for a Unix socket. Returns `text`. */
const char *connection_peer(const struct connection *connection,
                            char text[static INET6_ADDRSTRLEN]);

#endif
