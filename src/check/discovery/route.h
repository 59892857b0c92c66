/* From the well-known answers to the addresses where the homeserver must be: the steps of
   "Resolving server names" (Server-Server API), and their verdict. Part of a walk. */
#ifndef CHECK_DISCOVERY_ROUTE_H
#define CHECK_DISCOVERY_ROUTE_H

#include "check/discovery/discovery.h"

/* Goes on as far as it can, once the host's addresses are known; ends with PART_TARGETS done. */
void route_advance(struct walk *walk);

/* Judges the SRV records that would count if the well-known document did not; adds nothing where
   the step has used them, or there are none. */
void route_judge_fallback(struct walk *walk);

#endif
