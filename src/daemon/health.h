/* --health-check: asks the daemon that runs by the same configuration. */
#ifndef DAEMON_HEALTH_H
#define DAEMON_HEALTH_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

/* Asks the first listener (a plain one if there is one, else HTTPS) for a document of the first
   domain, and waits at most 5 seconds. The certificate is not verified: whether other servers
   trust it is not this question. True where it answers 200; else a problem says what happened. */
bool health_check(const struct config *config, struct problem *problem);

#endif
