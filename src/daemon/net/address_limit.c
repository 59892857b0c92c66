#include "daemon/net/address_limit.h"

#include <gnutls/crypto.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void address_limit_init(struct address_limit *limit)
{
    if (gnutls_rnd(GNUTLS_RND_NONCE, limit->secret, sizeof(limit->secret)) != 0) {
        abort();
    }
}

/* What counts as one client: an IPv4 address, or the /64 that an IPv6 host usually has to itself.
 */
static uint64_t address_key(const struct sockaddr *address)
{
    uint64_t key = 0;

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const void *)address;

        return ipv4->sin_addr.s_addr;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const void *)address;

        if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr)) {
            uint32_t ipv4;

            memcpy(&ipv4, &ipv6->sin6_addr.s6_addr[12], sizeof(ipv4));
            return ipv4;
        }
        memcpy(&key, &ipv6->sin6_addr, sizeof(key));
    }
    return key;
}

/* Multiply-shift with secret coefficients: universal, so a crowd cannot aim at another's cell. */
static uint16_t cell_of(const uint64_t secret[2], uint64_t key)
{
    unsigned __int128 product = (unsigned __int128)(key ^ secret[1]) * (secret[0] | 1);
    uint64_t mixed = (uint64_t)(product >> 64) ^ (uint64_t)product;

    mixed *= 0x9e3779b97f4a7c15u;
    return (uint16_t)((mixed >> 48) % ADDRESS_LIMIT_CELLS);
}

bool address_limit_take(struct address_limit *limit, const struct sockaddr *address,
                        uint32_t maximum, struct address_ticket *ticket)
{
    uint64_t key = address_key(address);
    uint32_t smallest = UINT32_MAX;

    for (int row = 0; row < ADDRESS_LIMIT_ROWS; row++) {
        uint16_t cell = cell_of(limit->secret[row], key);
        uint32_t count =
            1 + atomic_fetch_add_explicit(&limit->cells[row][cell], 1, memory_order_relaxed);

        ticket->cells[row] = cell;
        smallest = count < smallest ? count : smallest;
    }
    if (smallest > maximum) {
        address_limit_give(limit, ticket);
        return false;
    }
    return true;
}

void address_limit_give(struct address_limit *limit, const struct address_ticket *ticket)
{
    for (int row = 0; row < ADDRESS_LIMIT_ROWS; row++) {
        atomic_fetch_sub_explicit(&limit->cells[row][ticket->cells[row]], 1, memory_order_relaxed);
    }
}
