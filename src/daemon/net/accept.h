/* From accept(2) to libmicrohttpd: the limits, and the first look at what a client sends. */
#ifndef DAEMON_NET_ACCEPT_H
#define DAEMON_NET_ACCEPT_H

#include "daemon/net/connection.h"
#include "daemon/net/listeners.h"

/* Accepts the connections that wait at a listener, a few at a time, and at most as many as the
   round has events. At `max_connections` each replaces another; see eviction.h. */
void accept_connections(struct connection_set *set, const struct listener *listener,
                        unsigned events);

/* Looks at what a client in CONNECTION_NEW has sent, and hands the connection over when that is
   enough. May end it. */
void accept_first_bytes(struct connection *connection);

#endif
