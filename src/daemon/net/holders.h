/* How many connections each client address holds, for the limit by address and for eviction: an
   exact count in fixed memory, without a lock. All workers share one table. */
#ifndef DAEMON_NET_HOLDERS_H
#define DAEMON_NET_HOLDERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/problem.h"

enum {
    HOLDERS_NONE = -1
};

/* Each slot is one address: a secret hash of it in the upper 40 bits, its number of connections in
   the lower 24. A slot whose number is 0 is free. An address is looked for in a few neighbouring
   buckets of one cache line each, which a secret hash chooses, so that no crowd can aim at them. */
struct holders {
    uint64_t secret[2];
    size_t bucket_count; /* a power of two */
    _Atomic uint64_t *slots;
    _Atomic uint32_t *limited; /* of the connections of each slot, those that the limit is for */
    size_t most;               /* connections that there can be */
    _Atomic uint32_t *holding; /* by a number of connections, how many slots have it */
    _Atomic uint32_t highest;  /* number that some slot has; or more, see holders_largest */
};

/* Makes room for so many connections of as many addresses. */
bool holders_init(struct holders *holders, size_t connections, struct problem *problem);

void holders_clear(struct holders *holders);

/* The number of slots; each is from 0 on. */
size_t holders_size(const struct holders *holders);

/* Counts a connection from `address`, which is an IPv4 address (also where it is mapped into IPv6),
   an IPv6 /64, or one for all that is neither, such as Unix sockets. Returns its slot, to be given
   back; HOLDERS_NONE, and nothing is counted, where all slots around its place are taken: with at
   most as many connections as there is room for, that is less likely than one in a million.

   Two workers that count an address's first connection at the same moment may use a slot each; then
   it is two holders until one of these is free again. */
int holders_take(struct holders *holders, const struct sockaddr *address);

/* Takes a counted connection back. HOLDERS_NONE is let pass. */
void holders_give(struct holders *holders, int slot);

/* The number of connections that the address of a slot holds now. */
uint32_t holders_count(const struct holders *holders, int slot);

/* The largest number of connections that an address holds now, and how many addresses hold so many.
   Neither looks through the slots. While others count, a number may be late. */
uint32_t holders_largest(struct holders *holders);
uint32_t holders_with(const struct holders *holders, uint32_t connections);

/* Counts one of a slot's connections among those that the limit by address is for, and returns
   their number; and takes it back, which has to be done before the connection itself is given back.
 */
uint32_t holders_limit(struct holders *holders, int slot);
void holders_unlimit(struct holders *holders, int slot);

#endif
