/* The running daemon: start, reload, renewal, stop. */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/options.h"

/* Serves until SIGTERM or SIGINT. False and a problem where it could not begin to. */
bool run(const struct options *options, struct problem *problem);

#endif
