#include "daemon/net/holders.h"

#include <gnutls/crypto.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SLOTS_PER_BUCKET = 8, /* of 8 bytes: a cache line */
    BUCKETS_PER_ADDRESS = 4,
    PLACES_PER_ADDRESS = BUCKETS_PER_ADDRESS * SLOTS_PER_BUCKET,
    SLOTS_PER_CONNECTION = 4,
    COUNT_BITS = 24,
};

#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)

static size_t size_in_bytes(const struct holders *holders)
{
    return holders_size(holders) * (sizeof(*holders->slots) + sizeof(*holders->limited)) +
           (holders->most + 1) * sizeof(*holders->holding);
}

bool holders_init(struct holders *holders, size_t connections, struct problem *problem)
{
    void *room;

    *holders = (struct holders){.bucket_count = BUCKETS_PER_ADDRESS, .most = connections};
    while (holders_size(holders) < SLOTS_PER_CONNECTION * connections) {
        holders->bucket_count *= 2;
    }
    if (gnutls_rnd(GNUTLS_RND_NONCE, holders->secret, sizeof(holders->secret)) != 0) {
        return problem_set(problem, "no random numbers: allow this process getrandom(2)");
    }
    /* Aligned to a page, so that a bucket is one cache line. */
    room = mmap(NULL, size_in_bytes(holders), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    if (room == MAP_FAILED) {
        return problem_set(problem, "no memory for %zu connections: lower max_connections",
                           connections);
    }
    holders->slots = room;
    holders->limited = (_Atomic uint32_t *)(holders->slots + holders_size(holders));
    holders->holding = holders->limited + holders_size(holders);
    return true;
}

void holders_clear(struct holders *holders)
{
    if (holders->slots) {
        munmap(holders->slots, size_in_bytes(holders));
        holders->slots = NULL;
    }
}

size_t holders_size(const struct holders *holders)
{
    return holders->bucket_count * SLOTS_PER_BUCKET;
}

/* An IPv4 address as an IPv6 /64 that no client has: those of ff00::/8 are multicast. */
static uint64_t ipv4_key(const void *address)
{
    unsigned char network[8] = {0xff, 0xff, 0xff, 0xfe};
    uint64_t key;

    memcpy(network + 4, address, 4);
    memcpy(&key, network, sizeof(key));
    return key;
}

/* What counts as one client: an IPv4 address, or the /64 that an IPv6 host usually has to itself. A
   link-local address is fe80::/64 for all hosts of a link; they are not the internet. */
static uint64_t address_key(const struct sockaddr *address)
{
    uint64_t key = UINT64_MAX; /* no IPv4 address, and no IPv6 network of a client either */

    if (address->sa_family == AF_INET) {
        return ipv4_key(&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const void *)address;

        if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr)) {
            return ipv4_key(&ipv6->sin6_addr.s6_addr[12]);
        }
        memcpy(&key, &ipv6->sin6_addr, sizeof(key));
    }
    return key;
}

/* The two halves of the product, folded. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Mixed with the secrets twice, as wyhash does: a crowd can neither aim at another's place, nor do
   addresses that follow each other crowd together. */
static uint64_t hash_of(const struct holders *holders, uint64_t key)
{
    const uint64_t *secret = holders->secret;

    return fold(fold(key ^ secret[0], secret[1] | 1) ^ secret[0], key ^ 0x9e3779b97f4a7c15u);
}

/* How many slots have so many connections. */
static _Atomic uint32_t *holding(const struct holders *holders, uint32_t connections)
{
    return &holders->holding[connections < holders->most ? connections : holders->most];
}

static void raise_highest(struct holders *holders, uint32_t connections)
{
    uint32_t highest = atomic_load(&holders->highest);

    while (highest < connections &&
           !atomic_compare_exchange_weak(&holders->highest, &highest, connections)) {
    }
}

/* A slot that had `before` connections has `now` so many. */
static void note_change(struct holders *holders, uint32_t before, uint32_t now)
{
    if (now > 0) {
        atomic_fetch_add(holding(holders, now), 1);
        raise_highest(holders, now);
    }
    if (before > 0) {
        atomic_fetch_sub(holding(holders, before), 1);
    }
}

uint32_t holders_largest(struct holders *holders)
{
    uint32_t highest = atomic_load(&holders->highest);
    uint32_t largest = highest;

    while (largest > 0 && atomic_load(holding(holders, largest)) == 0) {
        largest--;
    }
    if (largest < highest && atomic_compare_exchange_strong(&holders->highest, &highest, largest)) {
        /* Another may have counted more before that line, and found nothing to raise. */
        for (uint32_t above = highest; above > largest; above--) {
            if (atomic_load(holding(holders, above)) > 0) {
                raise_highest(holders, above);
                return above;
            }
        }
    }
    return largest;
}

uint32_t holders_with(const struct holders *holders, uint32_t connections)
{
    return atomic_load(holding(holders, connections));
}

/* One more connection in a slot, if that is still the address's. */
static bool count_up(struct holders *holders, size_t place, uint64_t tag)
{
    _Atomic uint64_t *slot = &holders->slots[place];
    uint64_t value = atomic_load_explicit(slot, memory_order_relaxed);

    while ((value & ~COUNT_MASK) == tag && (value & COUNT_MASK) != 0) {
        if (atomic_compare_exchange_weak_explicit(slot, &value, value + 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            uint32_t before = (uint32_t)(value & COUNT_MASK);

            note_change(holders, before, before + 1);
            return true;
        }
    }
    return false;
}

int holders_take(struct holders *holders, const struct sockaddr *address)
{
    uint64_t hash = hash_of(holders, address_key(address));
    uint64_t tag = hash & ~COUNT_MASK;
    /* The tag's own bits choose no bucket: two addresses of one tag are seldom neighbours. */
    size_t first = (hash & COUNT_MASK) % holders->bucket_count * SLOTS_PER_BUCKET;
    size_t size = holders_size(holders);

    for (;;) {
        int unused = HOLDERS_NONE;
        uint64_t unused_value = 0;

        for (size_t i = 0; i < PLACES_PER_ADDRESS; i++) {
            size_t place = (first + i) % size;
            uint64_t value;

            if (count_up(holders, place, tag)) {
                return (int)place;
            }
            value = atomic_load_explicit(&holders->slots[place], memory_order_relaxed);
            if (unused == HOLDERS_NONE && (value & COUNT_MASK) == 0) {
                unused = (int)place;
                unused_value = value;
            }
        }
        /* Where another has taken the free slot meanwhile, it may be for the same address. */
        if (unused == HOLDERS_NONE) {
            return HOLDERS_NONE;
        }
        if (atomic_compare_exchange_strong_explicit(&holders->slots[unused], &unused_value, tag | 1,
                                                    memory_order_relaxed, memory_order_relaxed)) {
            note_change(holders, 0, 1);
            return unused;
        }
    }
}

void holders_give(struct holders *holders, int slot)
{
    if (slot != HOLDERS_NONE) {
        uint32_t before =
            (uint32_t)(atomic_fetch_sub_explicit(&holders->slots[slot], 1, memory_order_relaxed) &
                       COUNT_MASK);

        note_change(holders, before, before - 1);
    }
}

uint32_t holders_count(const struct holders *holders, int slot)
{
    return (uint32_t)(atomic_load_explicit(&holders->slots[slot], memory_order_relaxed) &
                      COUNT_MASK);
}

uint32_t holders_limit(struct holders *holders, int slot)
{
    return 1 + atomic_fetch_add_explicit(&holders->limited[slot], 1, memory_order_relaxed);
}

void holders_unlimit(struct holders *holders, int slot)
{
    atomic_fetch_sub_explicit(&holders->limited[slot], 1, memory_order_relaxed);
}
