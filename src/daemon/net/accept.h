/* From accept(2) to libmicrohttpd: the limits, and the first look at what a client sends. */
#ifndef DAEMON_NET_ACCEPT_H
#define DAEMON_NET_ACCEPT_H

#include "daemon/net/connection.h"
#include "daemon/net/listeners.h"
#include "daemon/net/worker.h"

/* Takes in who waits at a listener, a few at a time. At the limit, who has waited longest without
   asking anything makes room for the new. */
void arrivals_accept(struct worker *worker, const struct listener *listener);

/* Looks at what a client in CONNECTION_WAITING has sent, and hands the connection over when that is
   enough. May end it. */
void arrivals_greet(struct connection *connection);

/* Ends as many waiting connections as other workers asked for. */
void arrivals_end_asked(struct worker *worker);

#endif
