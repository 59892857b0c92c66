/* What every part of a check works with. */
#ifndef CHECK_ENVIRONMENT_H
#define CHECK_ENVIRONMENT_H

#include <stdbool.h>

#include "check/net/fetch.h"
#include "check/net/resolver.h"

struct environment {
    struct resolver *resolver;
    struct fetcher *fetcher;
    struct access_policy policy;
    bool check_client; /* false with --no-client */
};

#endif
