/* How libmicrohttpd is set up. */
#ifndef DAEMON_HTTP_HTTP_DAEMON_H
#define DAEMON_HTTP_HTTP_DAEMON_H

#include <microhttpd.h>
#include <stdbool.h>

#include "daemon/net/connection.h"

/* Starts one of a worker's two libmicrohttpd daemons: without a socket or thread of its own, driven
   by the worker's loop through its epoll set. Its limits and time-outs are off, because the worker
   keeps them. NULL on failure. */
struct MHD_Daemon *http_daemon_start(struct connection_set *set, bool tls);

#endif
