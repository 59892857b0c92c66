/* The sockets that clients connect to: opened by us, or handed over by the service manager. */
#ifndef DAEMON_NET_LISTENERS_H
#define DAEMON_NET_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "daemon/config/address.h"
#include "daemon/config/configuration.h"

enum listener_kind {
    LISTENER_HTTPS,
    LISTENER_HTTP,
    LISTENER_METRICS,
};

struct listener {
    int source; /* EVENT_LISTENER: what a worker's epoll set tells it by; see connection.h */
    enum listener_kind kind;
    struct address requested; /* as configured */
    struct address bound;     /* as it is: the port that was free */
    int socket;
    bool inherited; /* from the service manager: never closed by a reload */
    bool wanted;    /* while a reload compares old and new */
    bool accepting; /* the workers know it */
};

struct listeners {
    struct listener **items;
    size_t count;
};

/* Adopts `count` sockets that the service manager passed, from the descriptor `first` on, of the
   kinds that `names` (separated by colons, or NULL) says; see sd_listen_fds(3). */
bool listeners_inherit(struct listeners *listeners, int first, int count, const char *names,
                       struct problem *problem);

/* Removes the Unix sockets of the configuration that a killed daemon left behind: those that nobody
   answers at. For the start, while this process may connect to sockets. */
void listeners_remove_stale(const struct config *config);

/* Brings the listeners in line with the configuration: keeps those that it still names, opens new
   ones and puts those that are no longer named into `dropped`, still open. Where one cannot be
   opened, nothing has changed, and the problem names its address. The default listener is not
   opened where the service manager passed an HTTPS or plain socket. */
bool listeners_update(struct listeners *listeners, const struct config *config,
                      struct listeners *dropped, struct problem *problem);

/* Whether there will be HTTPS listeners with this configuration. */
bool listeners_tls(const struct listeners *listeners, const struct config *config);

/* Closes and frees all; Unix sockets that we made are removed from the file system. */
void listeners_close(struct listeners *listeners);

/* Writes every address as a URL, separated by blanks, for the `ready` line. Returns `text`. */
const char *listeners_describe(const struct listeners *listeners, char *text, size_t size);

#endif
