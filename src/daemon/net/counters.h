/* What each worker counts, for the metrics. Only it writes its counters, so no two threads meet at
   one; the sums are made when they are read. */
#ifndef DAEMON_NET_COUNTERS_H
#define DAEMON_NET_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/site/responses.h"

/* What a request was for. */
enum counters_document {
    COUNTERS_DOCUMENT_FIRST, /* the documents, in the order of enum document */
    COUNTERS_DOCUMENT_OTHER = COUNTERS_DOCUMENT_FIRST + DOCUMENT_COUNT,
    COUNTERS_DOCUMENT_COUNT,
};

enum counters_handshake {
    COUNTERS_HANDSHAKE_OK,
    COUNTERS_HANDSHAKE_FAILED,
    COUNTERS_HANDSHAKE_UNRECOGNIZED_NAME,
    COUNTERS_HANDSHAKE_CHALLENGE, /* of an ACME server, ended as it should */
    COUNTERS_HANDSHAKE_COUNT,
};

/* Why a connection was refused, or ended before its client was done. */
enum counters_refusal {
    COUNTERS_REFUSED_ADDRESS_LIMIT,
    COUNTERS_REFUSED_EVICTED,
    COUNTERS_REFUSED_HANDSHAKE_TOO_LONG,
    COUNTERS_REFUSED_COUNT,
};

enum {
    COUNTERS_STATUS_COUNT = 7
};

/* The statuses of all answers that there are. */
extern const unsigned counters_statuses[COUNTERS_STATUS_COUNT];

struct counters {
    _Atomic uint64_t requests[COUNTERS_DOCUMENT_COUNT][COUNTERS_STATUS_COUNT];
    _Atomic uint64_t handshakes[COUNTERS_HANDSHAKE_COUNT];
    _Atomic uint64_t refused[COUNTERS_REFUSED_COUNT];
};

void counters_add_request(struct counters *counters, enum counters_document document,
                          unsigned status);

void counters_add_handshake(struct counters *counters, enum counters_handshake result);

void counters_add_refusal(struct counters *counters, enum counters_refusal reason);

#endif
