/* Keeping certificates up to date while the daemon runs: by the watch on their files, and by the
   clock. The main thread's; it never works for long at once, nor for most of its time, whatever
   happens to the files. */
#ifndef DAEMON_TLS_RENEWAL_H
#define DAEMON_TLS_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/tls/certificate_set.h"

struct renewal;

/* `grace` waits until no worker can be about to take up credentials that have been replaced. NULL
   where memory ran out. Without inotify a warning is logged, and files are looked at by the clock.
 */
struct renewal *renewal_new(void (*grace)(void *context), void *context);

/* Takes NULL. */
void renewal_free(struct renewal *renewal);

/* From now on it is about this set, which must live until the next call. */
void renewal_follow(struct renewal *renewal, struct certificate_set *set);

/* Has all files of the set looked at soon. */
void renewal_look(struct renewal *renewal);

/* The descriptor to poll for reading, or -1 where there is none, or none for the moment. */
int renewal_descriptor(const struct renewal *renewal);

/* When renewal_run is to be called at the latest (CLOCK_MONOTONIC, milliseconds). */
uint64_t renewal_due(const struct renewal *renewal);

/* Does what is due; `readable`: the descriptor is. */
void renewal_run(struct renewal *renewal, bool readable);

#endif
