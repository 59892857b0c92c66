/* Giving up root. */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include <stdbool.h>

#include "matrix/problem.h"

/* Becomes the user `name`, with its groups and no capability but CAP_DAC_READ_SEARCH, which is what
   it takes to read renewed certificates that only root can. Must be called as root, before any
   thread starts. A user that does not exist, or is root, is a problem. */
bool privileges_drop(const char *name, struct problem *problem);

/* Whether there is such a user, and it is not root; for --test. */
bool privileges_check(const char *name, struct problem *problem);

#endif
