/* Which connection is closed where there is no room for a new one: one of the address that holds
   the most, whatever it waits for and whichever kind of listener it came by. */
#ifndef DAEMON_NET_EVICTION_H
#define DAEMON_NET_EVICTION_H

#include <stdbool.h>

#include "daemon/net/connection.h"

/* Closes one of the connections of the address that holds the most, or has the worker close it that
   has it. Of these, and where several addresses hold as many, the one goes that has got no further
   for longest, in its own round trips. `spared` (or NULL) is not chosen. False where there is none
   to close. */
bool eviction_make_room(struct connection_set *set, const struct connection *spared);

/* Closes one of this worker's connections, chosen in the same way among them, so that its
   descriptor can be used. False where none has stood still for a round trip: those that get on give
   theirs back soon. */
bool eviction_free_descriptor(struct connection_set *set);

/* Closes what other workers found to be too much, as far as this one has it and it still is. */
void eviction_settle(struct connection_set *set);

#endif
