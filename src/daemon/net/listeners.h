/* The sockets that clients connect to: opened by us, or passed by the service manager. */
#ifndef DAEMON_NET_LISTENERS_H
#define DAEMON_NET_LISTENERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "daemon/config/address.h"
#include "daemon/config/configuration.h"
#include "daemon/net/events.h"

enum listener_kind {
    LISTENER_HTTPS,
    LISTENER_HTTP,
    LISTENER_METRICS,
};

struct listener {
    enum event_source source;         /* EVENT_LISTENER */
    _Atomic(enum listener_kind) kind; /* workers read it; a reload may change it */
    struct address requested;         /* as configured */
    struct address bound;             /* as it is: the port that was free */
    int socket;                       /* -1: not yet open */
    bool inherited;                   /* from the service manager: never closed by a reload */
    bool ipv6_only;                   /* IPv4 clients of a wildcard come to another listener */

    /* While a change is prepared. */
    bool wanted;
    bool paused;
    enum listener_kind next_kind;
};

struct listeners {
    struct listener **items;
    size_t count;
};

/* Another set of listeners, as far as making it can fail. */
struct listeners_change {
    struct listeners next;    /* all that there will be, by reference */
    struct listeners opened;  /* those of `next` that are new */
    struct listeners dropped; /* those of now that are not in `next`; still open */
};

/* Adopts `count` sockets that the service manager passed, from the descriptor `first` on, of the
   kinds that `names` (separated by colons, or NULL) says; see sd_listen_fds(3). */
bool listeners_inherit(struct listeners *listeners, int first, int count, const char *names,
                       struct problem *problem);

/* Removes the Unix sockets of the configuration that a killed daemon left behind: those at which
   nothing answers. For the start, while this process may connect to sockets. */
void listeners_remove_stale(const struct config *config);

/* Whether there will be HTTPS listeners with this configuration. */
bool listeners_tls(const struct listeners *listeners, const struct config *config);

/* Prepares to bring the listeners in line with the configuration: keeps those whose address it
   still names, of whatever kind they will be, and opens the others. The default listener is not
   opened where the service manager passed an HTTPS or plain socket. A dropped listener that has the
   port of a new one is paused. Followed by listeners_commit or listeners_abandon, before which
   workers may learn of those opened. Where one cannot be opened, nothing has changed, and the
   problem names its address. */
bool listeners_prepare(struct listeners *listeners, const struct config *config,
                       struct listeners_change *change, struct problem *problem);

/* Puts the change in force; it cannot fail. The caller closes `change->dropped` with
   listeners_close once no worker can use them. */
void listeners_commit(struct listeners *listeners, struct listeners_change *change);

/* Takes the change back, and closes what was opened; no worker may use that. */
void listeners_abandon(struct listeners_change *change);

/* Closes and frees all; Unix sockets that we made are removed from the file system. */
void listeners_close(struct listeners *listeners);

/* Writes every address as a URL, separated by blanks, for the `ready` line. Returns `text`. */
const char *listeners_describe(const struct listeners *listeners, char *text, size_t size);

#endif
