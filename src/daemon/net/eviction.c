#include "daemon/net/eviction.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum {
    /* Milliseconds. A near client is given this long for a round trip, for it may be busy, or we; a
       client that makes its round trip look long gains no more than the other. */
    ROUND_TRIP_FLOOR = 50,
    ROUND_TRIP_CAP = 400,
    /* Of one address, those that have got no further for longest: the others have not waited long
       enough to be worse, but where an address makes its round trips look long. */
    CONSIDERED = 64,
};

/* The client's round trip in milliseconds, between floor and cap, as the kernel has measured it
   from the start of the connection on. Asked for once, of connections that may have to go. */
static uint64_t round_trip(struct connection *connection)
{
    if (connection->round_trip == 0) {
        struct tcp_info info = {0};
        socklen_t size = sizeof(info);
        uint64_t measured = 0;

        /* A Unix socket has none. */
        if (getsockopt(connection->stream.socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
            measured = info.tcpi_rtt / 1000;
        }
        measured = measured < ROUND_TRIP_FLOOR ? ROUND_TRIP_FLOOR : measured;
        connection->round_trip = (uint16_t)(measured < ROUND_TRIP_CAP ? measured : ROUND_TRIP_CAP);
    }
    return connection->round_trip;
}

enum {
    ROUND_TRIP_UNIT = 1024 /* what counts as one, of the time that a connection has stood still */
};

/* A choice among connections: the one that has stood still for the most round trips so far. */
struct choice {
    const struct connection *spared;
    struct connection *connection;
    uint64_t stalled;
};

/* Considers an address's connections, of which the first has got no further for longest. */
static void consider(struct choice *choice, struct connection *first)
{
    uint64_t now = first->set->now;
    struct connection *connection = first;

    for (int i = 0; i < CONSIDERED && (i == 0 || connection != first); i++) {
        uint64_t stalled = (now - connection->progressed) * ROUND_TRIP_UNIT;

        if (choice->connection && stalled / ROUND_TRIP_FLOOR <= choice->stalled) {
            return; /* nor can those be worse that have got further since */
        }
        stalled /= round_trip(connection);
        if (connection != choice->spared && (!choice->connection || stalled > choice->stalled)) {
            choice->connection = connection;
            choice->stalled = stalled;
        }
        connection = connection->holder_next;
    }
}

/* The slot of the address that alone holds so many, or HOLDERS_NONE. In a flood it is that of the
   new connection, or that which was found before: all slots are looked through seldom. */
static int find_slot(struct connection_set *set, uint32_t count, int own)
{
    const struct holders *holders = &set->service->holders;

    if (own != HOLDERS_NONE && holders_count(holders, own) == count) {
        return own;
    }
    if (holders_count(holders, set->heaviest) == count) {
        return set->heaviest;
    }
    for (size_t slot = 0; slot < holders_size(holders); slot++) {
        if (holders_count(holders, (int)slot) == count) {
            set->heaviest = (int)slot;
            return set->heaviest;
        }
    }
    return HOLDERS_NONE;
}

/* Of this worker's connections from addresses that hold so many, the one to go; its `connection` is
   NULL where there is none. */
static struct choice choose(struct connection_set *set, uint32_t count,
                            const struct connection *spared)
{
    const struct holders *holders = &set->service->holders;
    struct choice choice = {.spared = spared};

    if (holders_with(holders, count) == 1) {
        int slot = find_slot(set, count, spared ? spared->holder : HOLDERS_NONE);

        if (slot != HOLDERS_NONE && set->held[slot]) {
            consider(&choice, set->held[slot]);
        }
        return choice;
    }
    for (size_t slot = 0; slot < holders_size(holders); slot++) {
        if (set->held[slot] && holders_count(holders, (int)slot) == count) {
            consider(&choice, set->held[slot]);
        }
    }
    return choice;
}

/* Has the other workers look whether they hold what there is too much of. */
static bool ask_others(struct connection_set *set)
{
    struct service *service = set->service;

    if (service->worker_count < 2) {
        return false;
    }
    atomic_fetch_add(&service->evictions_owed, 1);
    for (unsigned i = 0; i < service->worker_count; i++) {
        if (service->wake_ups[i] != set->wake_up) {
            service_wake(service, i);
        }
    }
    return true;
}

static void evict(struct connection *connection)
{
    counters_add_refusal(&connection->set->counters, COUNTERS_REFUSED_EVICTED);
    connection_end(connection);
}

bool eviction_make_room(struct connection_set *set, const struct connection *spared)
{
    uint32_t largest = holders_largest(&set->service->holders);
    struct connection *connection = choose(set, largest, spared).connection;

    if (connection) {
        evict(connection);
        return true;
    }
    return ask_others(set);
}

/* The largest number of connections that an address with one in this worker holds. */
static uint32_t largest_holding_here(const struct connection_set *set)
{
    const struct holders *holders = &set->service->holders;
    uint32_t largest = 0;

    for (size_t slot = 0; slot < holders_size(holders); slot++) {
        uint32_t count = set->held[slot] ? holders_count(holders, (int)slot) : 0;

        largest = count > largest ? count : largest;
    }
    return largest;
}

bool eviction_free_descriptor(struct connection_set *set)
{
    struct choice choice = choose(set, largest_holding_here(set), NULL);

    if (!choice.connection || choice.stalled < ROUND_TRIP_UNIT) {
        return false;
    }
    evict(choice.connection);
    return true;
}

/* Whether there are more connections than there may be. */
static bool is_overfull(struct service *service)
{
    return atomic_load(&service->connections) > service_table(service)->max_connections;
}

void eviction_settle(struct connection_set *set)
{
    struct service *service = set->service;
    unsigned owed = atomic_load(&service->evictions_owed);

    while (owed > 0) {
        bool overfull = is_overfull(service);
        struct connection *connection =
            overfull ? choose(set, holders_largest(&service->holders), NULL).connection : NULL;

        if (overfull && !connection) {
            return; /* another worker's */
        }
        /* Where others have closed by themselves meanwhile, none is owed any more. */
        if (atomic_compare_exchange_weak(&service->evictions_owed, &owed, owed - 1)) {
            owed--;
            if (connection) {
                evict(connection);
            }
        }
    }
}
