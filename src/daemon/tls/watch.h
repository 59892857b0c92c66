/* Seeing that certificate files have changed, whatever way they were changed. */
#ifndef DAEMON_TLS_WATCH_H
#define DAEMON_TLS_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/tls/certificate_set.h"

/* A watch follows each path through its symbolic links, and notices in every directory on the way
   what happens to the entry that leads on: certbot's links, Kubernetes' `..data`, a rename over the
   file, a write into it. Where inotify cannot (NFS, too many watches), the caller looks by the
   clock. */
struct watch;

/* NULL where there is no inotify. */
struct watch *watch_new(void);

/* Takes NULL. */
void watch_free(struct watch *watch);

/* The descriptor to poll for reading, until the next call of another function here. */
int watch_descriptor(const struct watch *watch);

/* Watches the certificates of `set` and no others from now on. False, after one log line, where
   some could not be watched. The set must live until the next call. */
bool watch_set(struct watch *watch, const struct certificate_set *set);

/* Reads what has happened: marks the certificates concerned as pending. Returns whether there were
   any. */
bool watch_read(struct watch *watch);

/* Whether some certificate is pending. */
bool watch_pending(const struct watch *watch);

/* The certificate that has been pending for longest, no longer pending and watched anew along the
   path as it is now; NULL where none is. */
struct certificate *watch_next(struct watch *watch);

#endif
