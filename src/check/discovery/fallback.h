/* What servers would use without the well-known document: the server name's SRV records. */
#ifndef CHECK_DISCOVERY_FALLBACK_H
#define CHECK_DISCOVERY_FALLBACK_H

#include "check/discovery/route.h"

/* Adds nothing where the route has used the records, or they were never asked for. The route is
   done, and so are the records. */
void fallback_diagnose(const struct route *route, struct branch at);

#endif
