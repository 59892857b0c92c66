/* Whether an address is this machine's, as the kernel's routes have it: those of all interfaces,
   and those that are only routed here (local routes, as load balancers set them up). */
#ifndef CHECK_NET_OWN_ADDRESS_H
#define CHECK_NET_OWN_ADDRESS_H

#include <stdbool.h>

#include "check/net/address.h"

/* Asks the kernel each time, as interfaces come and go. True where that fails. */
bool own_address_is(const struct ip_address *address);

#endif
