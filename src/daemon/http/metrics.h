/* Counting what happens, and telling Prometheus. */
#ifndef DAEMON_HTTP_METRICS_H
#define DAEMON_HTTP_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/site/responses.h"

struct service;

/* What a request was for. */
enum metrics_document {
    METRICS_DOCUMENT_FIRST, /* the documents, in the order of enum document */
    METRICS_DOCUMENT_OTHER = METRICS_DOCUMENT_FIRST + DOCUMENT_COUNT,
    METRICS_DOCUMENT_COUNT,
};

enum metrics_handshake {
    METRICS_HANDSHAKE_OK,
    METRICS_HANDSHAKE_FAILED,
    METRICS_HANDSHAKE_UNRECOGNIZED_NAME,
    METRICS_HANDSHAKE_CHALLENGE, /* of an ACME server, ended as it should */
    METRICS_HANDSHAKE_COUNT,
};

/* Why a connection was refused, or ended before its client was done. */
enum metrics_refusal {
    METRICS_REFUSED_ADDRESS_LIMIT,
    METRICS_REFUSED_EVICTED,
    METRICS_REFUSED_HANDSHAKE_TOO_LONG,
    METRICS_REFUSED_COUNT,
};

enum {
    METRICS_STATUS_COUNT = 8
};

/* One worker's counters; only it writes them, so no two threads meet at one. */
struct counters {
    _Atomic uint64_t requests[METRICS_DOCUMENT_COUNT][METRICS_STATUS_COUNT];
    _Atomic uint64_t handshakes[METRICS_HANDSHAKE_COUNT];
    _Atomic uint64_t refused[METRICS_REFUSED_COUNT];
};

void metrics_count_request(struct counters *counters, enum metrics_document document,
                           unsigned status);

void metrics_count_handshake(struct counters *counters, enum metrics_handshake result);

void metrics_count_refusal(struct counters *counters, enum metrics_refusal reason);

/* The whole text (Prometheus text format 0.0.4), to be freed with free(); NULL where memory ran
   out. Called by a worker, within its round. */
char *metrics_render(struct service *service);

extern const char metrics_content_type[];

#endif
