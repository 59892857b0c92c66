/* Giving up root. */
#ifndef DAEMON_SYSTEM_PRIVILEGES_H
#define DAEMON_SYSTEM_PRIVILEGES_H

#include <stdbool.h>

#include "base/problem.h"

/* Becomes the user `name`, with its groups and no capability but the one to read any file
   (CAP_DAC_READ_SEARCH), which is what it takes to read renewed certificates that only root can.
   Must be called as root, before any thread starts. A user that does not exist, or is root, is a
   problem. */
bool privileges_drop(const char *name, struct problem *problem);

/* Whether there is such a user, and it is not root; for --test. */
bool privileges_check(const char *name, struct problem *problem);

/* Gives up every capability of this thread, and of those that it will start, but reading any file
   and opening privileged ports, for as far as it has these. */
bool privileges_reduce(struct problem *problem);

/* A problem, from errno, for a system call without which the daemon does not run. Returns false. */
bool privileges_refused(const char *call, struct problem *problem);

#endif
