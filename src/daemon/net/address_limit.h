/* How many connections an address has open, counted without a lock. */
#ifndef DAEMON_NET_ADDRESS_LIMIT_H
#define DAEMON_NET_ADDRESS_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    ADDRESS_LIMIT_ROWS = 2,
    ADDRESS_LIMIT_CELLS = 1 << 14,
};

/* A counting sketch: each address has one cell in each row, found by a secret hash; its count is at
   most the smaller of the two. Two addresses count as one only where they meet in both rows, which
   for an honest client and a crowd of n attackers has a chance of (n/16384)². */
struct address_limit {
    uint64_t secret[ADDRESS_LIMIT_ROWS][2];
    _Atomic uint32_t cells[ADDRESS_LIMIT_ROWS][ADDRESS_LIMIT_CELLS];
};

/* The cells of one address, kept by a connection for as long as it is counted. */
struct address_ticket {
    uint16_t cells[ADDRESS_LIMIT_ROWS];
};

/* Draws the secrets. Call once, before any thread uses it. */
void address_limit_init(struct address_limit *limit);

/* Counts a connection from `address`, whose key is the IPv4 address (also when mapped into IPv6) or
   the IPv6 /64. False, and nothing counted, where that would be more than `maximum`. */
bool address_limit_take(struct address_limit *limit, const struct sockaddr *address,
                        uint32_t maximum, struct address_ticket *ticket);

/* Takes a counted connection back. */
void address_limit_give(struct address_limit *limit, const struct address_ticket *ticket);

#endif
