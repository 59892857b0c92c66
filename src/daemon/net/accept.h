/* From accept(2) to libmicrohttpd: the limits, and the first look at what a client sends. */
#ifndef DAEMON_NET_ACCEPT_H
#define DAEMON_NET_ACCEPT_H

#include "daemon/net/connection.h"
#include "daemon/net/listeners.h"
#include "daemon/net/worker.h"

/* Accepts the connections that wait at a listener, a few at a time. At `max_connections` each
   replaces another; see eviction.h. */
void accept_connections(struct worker *worker, const struct listener *listener);

/* Looks at what a client in CONNECTION_WAITING has sent, and hands the connection over when that is
   enough. May end it. */
void accept_first_bytes(struct connection *connection);

#endif
