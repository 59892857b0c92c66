/* Which addresses a check may connect to. DNS records, redirects and documents choose addresses,
   and none of them is trusted: an attacker must not reach this machine through the check. fetch
   calls access_allows for every connection, with the address that it is about to connect to. */
#ifndef CHECK_NET_ACCESS_H
#define CHECK_NET_ACCESS_H

#include <stdbool.h>

#include "check/net/address.h"

/* The limit of a request: the narrowest reach that its address may have. A redirect's limit is the
   reach of the server that sent it. */
#define ACCESS_BY_NAME IP_OWN   /* DNS records lead there that the specification asks for */
#define ACCESS_BY_HAND IP_LOCAL /* the command line gives the address */

/* What applies to all requests of a check, in addition to their limits. */
struct access_policy {
    bool public_only; /* for checks that untrusted users start: IP_PUBLIC alone */
};

/* The reach of an address from this machine: as ip_address_reach, and IP_OWN where the kernel would
   deliver its packets here. An address that carries an IPv4 address counts as the narrower one. */
enum ip_reach access_reach(const struct ip_address *address);

/* Whether a request with this limit may connect to an address of that reach. */
bool access_allows(const struct access_policy *policy, enum ip_reach limit, enum ip_reach reach);

#endif
