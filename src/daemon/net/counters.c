#include "daemon/net/counters.h"

const unsigned counters_statuses[COUNTERS_STATUS_COUNT] = {200, 204, 304, 308, 400, 404, 405};

/* One writer, so a load and a store will do; readers see a whole number. */
static void count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void counters_add_request(struct counters *counters, enum counters_document document,
                          unsigned status)
{
    for (int i = 0; i < COUNTERS_STATUS_COUNT; i++) {
        if (counters_statuses[i] == status) {
            count(&counters->requests[document][i]);
        }
    }
}

void counters_add_handshake(struct counters *counters, enum counters_handshake result)
{
    count(&counters->handshakes[result]);
}

void counters_add_refusal(struct counters *counters, enum counters_refusal reason)
{
    count(&counters->refused[reason]);
}
