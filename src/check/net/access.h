/* Which addresses a check may connect to. DNS records, redirects and documents choose addresses,
   and all of them are a stranger's word: none may lead the check into the machine it runs on. fetch
   asks here for every connection, with the address that the connection is about to go to. */
#ifndef CHECK_NET_ACCESS_H
#define CHECK_NET_ACCESS_H

#include <stdbool.h>

#include "check/net/address.h"

/* How far a request may go: the narrowest reach that its address may have. A request that follows
   a redirect may go as far as the server is that sent the redirect. */
#define ACCESS_BY_NAME                                                         \
    IP_OWN /* where the records of a name lead that the specification looks up \
            */
#define ACCESS_BY_HAND IP_LOCAL /* where the person at the command line says, with an address */

/* What holds for a whole check, whatever a request may do. */
struct access_policy {
    bool public_only; /* for checks that anybody may start: nothing but the internet */
};

/* The reach of an address from this machine: as ip_address_reach, and IP_OWN where the kernel would
   deliver its packets here. An address that carries an IPv4 address counts as the narrower one. */
enum ip_reach access_reach(const struct ip_address *address);

/* Whether a request that may go as far as `limit` may connect to an address of that reach. */
bool access_allows(const struct access_policy *policy, enum ip_reach limit, enum ip_reach reach);

#endif
