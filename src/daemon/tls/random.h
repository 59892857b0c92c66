/* Whether there are random numbers. */
#ifndef DAEMON_TLS_RANDOM_H
#define DAEMON_TLS_RANDOM_H

#include <stdbool.h>

#include "base/problem.h"

/* Whether this thread can draw random numbers. To be asked before each handshake: GnuTLS seeds its
   generators anew now and then, and one that fails in the middle of a handshake leaves the whole
   library in an error state from which it does not return. */
bool random_works(struct problem *problem);

#endif
