/* The running daemon: start, reload, renewal, stop. */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include <stdbool.h>

#include "daemon/options.h"
#include "matrix/problem.h"

/* Serves until SIGTERM or SIGINT. False and a problem where it could not begin to. */
bool run(const struct options *options, struct problem *problem);

#endif
