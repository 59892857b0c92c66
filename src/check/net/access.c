#include "check/net/access.h"

#include "check/net/own_address.h"

enum ip_reach access_reach(const struct ip_address *address)
{
    struct ip_address carried[IP_CARRIED_LIMIT];
    size_t count = ip_address_carried(address, carried);
    enum ip_reach reach = ip_address_reach(address);
    bool own = own_address_is(address);
    for (size_t i = 0; i < count; i++) {
        own = own || own_address_is(&carried[i]);
    }
    return own && reach < IP_OWN ? IP_OWN : reach;
}

bool access_allows(const struct access_policy *policy, enum ip_reach limit, enum ip_reach reach)
{
    return reach <= limit && (reach == IP_PUBLIC || !policy->public_only);
}
