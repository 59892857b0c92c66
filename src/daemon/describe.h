/* --test: what a configuration would serve. */
#ifndef DAEMON_DESCRIBE_H
#define DAEMON_DESCRIBE_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

/* Writes to standard output what would be served for each domain, and by which certificate until
   when, as text or as JSON. False and a problem where the daemon would not start, or one of its
   certificates cannot be used. */
bool describe(const struct config *config, bool json, struct problem *problem);

#endif
