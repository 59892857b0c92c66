/* One client's connection: always in exactly one phase, always with one deadline. And all of a
   worker's connections together. */
#ifndef DAEMON_NET_CONNECTION_H
#define DAEMON_NET_CONNECTION_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "daemon/net/counters.h"
#include "daemon/net/events.h"
#include "daemon/net/listeners.h"
#include "daemon/net/service.h"
#include "daemon/net/transport.h"
#include "daemon/tls/credentials.h"

enum {
    SPARE_CONNECTIONS = 32
}; /* beyond the limit: those that are being closed to make room */

/* What the connection is waiting for. */
enum connection_phase {
    CONNECTION_NEW,       /* for the client's first bytes */
    CONNECTION_HANDSHAKE, /* for the rest of the TLS handshake */
    CONNECTION_SUSPENDED, /* the same, for so long that libmicrohttpd does not see it any more */
    CONNECTION_READING,   /* for the request's headers */
    CONNECTION_ANSWERING, /* for the client to take the answer */
    CONNECTION_IDLE,      /* for the next request */
    CONNECTION_PHASE_COUNT,
    CONNECTION_CLOSING = CONNECTION_PHASE_COUNT, /* shut down; libmicrohttpd has yet to notice */
};

/* One of a worker's two libmicrohttpd daemons. */
struct http_daemon {
    enum event_source source;  /* EVENT_HTTP_DAEMON */
    struct MHD_Daemon *handle; /* NULL until it is started */
    bool run;                  /* it has something to do */
};

struct connection_set;

/* Starts a libmicrohttpd daemon, with TLS or without, for a worker's connections; NULL and errno
   where that fails. */
typedef struct MHD_Daemon *http_daemon_start_function(struct connection_set *set, bool tls);

struct connection {
    enum event_source source; /* EVENT_CONNECTION */
    enum connection_phase phase;
    uint64_t deadline; /* CLOCK_MONOTONIC, milliseconds */
    struct connection *previous;
    struct connection *next; /* in its phase, or in the free list */
    struct connection_set *set;
    enum listener_kind kind;
    bool watched;                  /* in the worker's epoll set; a plain one for its end alone */
    bool misdirected;              /* plain HTTP on an HTTPS listener */
    struct http_daemon *http;      /* that owns the socket, once handed over */
    struct MHD_Connection *handle; /* libmicrohttpd's, once handed over */
    struct stream stream;          /* its socket, and what TLS makes of it */

    /* Its part in the limits. */
    bool limited; /* counted for the limit by address */
    bool counted; /* by the service and for its address, until it ends */
    int holder;   /* its address's slot in the service's table of holders */
    /* A ring of those of its address in this worker; the first has got no further for longest. */
    struct connection *holder_previous;
    struct connection *holder_next;
    uint64_t progressed; /* CLOCK_MONOTONIC, milliseconds: when it last got further */
    uint16_t round_trip; /* milliseconds; 0: not known yet. See eviction.c */
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } peer; /* AF_UNSPEC for a Unix socket */

    bool offers_challenges;          /* acme-tls/1 is among the protocols it can choose */
    struct credentials *credentials; /* held from its choice until the connection closes */

    /* The request that is being read or answered. */
    char *target;           /* a copy of the raw request target, where somebody needs it */
    const char *target_end; /* where libmicrohttpd's own copy ends, to be compared only */
    bool line_malformed;
    bool end_unclear;     /* what follows its body is not taken for another request */
    bool request_seen;    /* the handler has been called for it */
    size_t body_received; /* bytes */
};

/* The connections of one phase, by deadline. */
struct connection_list {
    struct connection *first;
    struct connection *last;
};

/* A worker's connections, and what they share. Only its thread uses it. */
struct connection_set {
    struct service *service;
    int epoll;                 /* the worker's */
    int wake_up;               /* an eventfd in it: another thread wants a new round to begin */
    uint64_t now;              /* CLOCK_MONOTONIC at the start of this round, milliseconds */
    struct http_daemon tls;    /* for HTTPS; may be missing */
    struct http_daemon http;   /* for plain HTTP */
    struct connection *adding; /* is being handed to libmicrohttpd */

    struct connection *items; /* room for all; a page is touched when it is first used */
    size_t capacity;
    _Atomic size_t count; /* in use */
    struct connection *free;
    size_t fresh;             /* from here on none has been used yet */
    struct connection **held; /* by slot of the service's holders, the ring of that address */
    int heaviest;             /* the slot that was last found to hold the most; see eviction.c */
    struct connection_list phases[CONNECTION_PHASE_COUNT];

    struct transport transport;
    struct counters counters;
};

/* Makes room for `max_connections`, in an epoll set of its own, without libmicrohttpd's daemons. On
   failure, too, it is to be closed. */
bool connection_set_open(struct connection_set *set, struct service *service,
                         unsigned max_connections, struct problem *problem);

/* Frees all, libmicrohttpd's daemons first. */
void connection_set_close(struct connection_set *set);

/* A connection that is not in use, in no phase yet; NULL where all are. */
struct connection *connection_take(struct connection_set *set);

/* Counts a connection that has just been accepted, in the service and for its peer's address. */
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

/* Whether the client has closed its side, or the connection has failed; recv(2) does not say so
   while there are bytes. */
bool connection_has_hung_up(const struct connection *connection);

/* Has libmicrohttpd notice that the client of a plain connection sends no more. Where the end came
   together with bytes, libmicrohttpd has read as much as there was and waits for an event, which
   the end has already been. Between two runs. */
void connection_notice_end(struct connection *connection);

void connection_unwatch(struct connection *connection);

/* Hands a connection to libmicrohttpd, which owns its socket from here on. */
void connection_hand_over(struct connection *connection, bool tls);

/* Takes a connection in CONNECTION_HANDSHAKE out of libmicrohttpd's sight, and back into it. */
void connection_suspend(struct connection *connection);
void connection_resume(struct connection *connection);

/* Has libmicrohttpd look for more of a request; see transport_end_run. */
void connection_read_on(struct stream *stream);

/* Ends a connection now, and counts it no longer. libmicrohttpd learns of it as of a client that
   hung up; a connection that it does not have yet is closed and forgotten when this returns. */
void connection_end(struct connection *connection);

/* The client's address as text, "unix" for a Unix socket. Returns `text`. */
const char *connection_peer(const struct connection *connection,
                            char text[static INET6_ADDRSTRLEN]);

#endif
