/* /.well-known/matrix/support, where there is one (Client-Server API, "Well-known URIs"). */
#ifndef CHECK_DISCOVERY_SUPPORT_H
#define CHECK_DISCOVERY_SUPPORT_H

#include <stdbool.h>

#include "check/findings/findings.h"
#include "check/net/follow.h"

struct support {
    bool tried;
    struct follow document;

    /* Known when it has been diagnosed. */
    bool found;
    bool ok;
};

void support_start(struct support *support, const struct network *network, const char *hostname,
                   const struct host_lookup *addresses);

/* True when it is done, or was never started. */
bool support_advance(struct support *support);

/* Adds nothing where there is no such document: it is optional. */
void support_diagnose(struct support *support, struct branch at);

void support_clear(struct support *support);

#endif
