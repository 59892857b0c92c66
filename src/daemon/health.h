/* --health-check: asks the daemon that runs by the same configuration. */
#ifndef DAEMON_HEALTH_H
#define DAEMON_HEALTH_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

/* Asks the first listener (a plain one if there is one, else HTTPS) for a document of the first
   domain; connecting, the handshake and the answer may take 5 seconds each. True where it answers
   as this configuration has it: 200 with that very document, or, on a plain listener with
   http_redirect, 308 to HTTPS. Else a problem says what happened. The certificate is not verified:
   whether other servers trust it is not this question. */
bool health_check(const struct config *config, struct problem *problem);

#endif
