/* --test: what a configuration would serve, in words. */
#ifndef DAEMON_DESCRIBE_H
#define DAEMON_DESCRIBE_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

/* Writes to standard output what would be served for each domain, and by which certificate until
   when. False and a problem where the daemon would not start, or one of its certificates cannot be
   used. */
bool describe(const struct config *config, struct problem *problem);

#endif
