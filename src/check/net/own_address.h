/* Whether an address is this machine's, as the kernel's routes have it: those of all interfaces,
   and those that are only routed here (local routes, as load balancers set them up). */
#ifndef CHECK_NET_OWN_ADDRESS_H
#define CHECK_NET_OWN_ADDRESS_H

#include <stdbool.h>

#include "check/net/address.h"

/* Asks anew each time: interfaces come and go. True also where the kernel cannot be asked. */
bool own_address_is(const struct ip_address *address);

#endif
