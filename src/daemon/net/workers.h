/* All workers together, as the main thread sees them. */
#ifndef DAEMON_NET_WORKERS_H
#define DAEMON_NET_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "daemon/net/connection.h"
#include "daemon/net/listeners.h"
#include "daemon/net/service.h"

/* Makes `count` workers, each with room for `max_connections`, and starts their threads. With
   `tls` false they have no TLS part. `start` starts a libmicrohttpd daemon. On failure nothing is
   left. */
bool workers_start(struct service *service, unsigned count, unsigned max_connections, bool tls,
                   http_daemon_start_function *start, struct problem *problem);

/* Starts the TLS part of workers that were started without it. */
bool workers_add_tls(struct service *service, http_daemon_start_function *start,
                     struct problem *problem);

/* Lets all workers accept from a listener, or none any more; after the latter call
   workers_synchronize before the listener is freed. */
bool workers_add_listener(struct service *service, struct listener *listener,
                          struct problem *problem);
void workers_remove_listener(struct service *service, struct listener *listener);

/* Returns when every worker has begun a new round, so that none still uses what it had read from a
   shared pointer before the call: the grace period after which the old can be freed. */
void workers_synchronize(struct service *service);

/* Lets requests that are being read or answered end for at most `patience` milliseconds, closes
   all connections, ends the threads and frees the workers. */
void workers_stop(struct service *service, uint64_t patience);

#endif
