/* Which program has an address that could not be bound, as far as /proc says. */
#ifndef DAEMON_NET_SOCKET_HOLDER_H
#define DAEMON_NET_SOCKET_HOLDER_H

#include <stdbool.h>

#include "daemon/config/address.h"

enum {
    SOCKET_HOLDER_SIZE = 64
};

/* Writes "nginx (process 812)" for a program that listens on this address, or on a wildcard of its
   port. False where none is found: other users' processes are root's to look into. */
bool socket_holder(const struct address *address, char text[static SOCKET_HOLDER_SIZE]);

#endif
