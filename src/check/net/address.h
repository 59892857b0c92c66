/* IP addresses. */
#ifndef CHECK_NET_ADDRESS_H
#define CHECK_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct ip_address {
    int family; /* AF_INET or AF_INET6 */
    unsigned char bytes[16];
};

/* How far packets to an address travel, from wide to narrow. */
enum ip_reach {
    IP_PUBLIC,  /* to the internet */
    IP_PRIVATE, /* to this site's network only (RFC 1918, RFC 4193, RFC 6598) */
    IP_OWN,     /* to an address of this machine that others may reach too */
    IP_LOCAL, /* not beyond the sender or its link: loopback, unspecified, link-local, multicast */
};

enum {
    IP_TEXT_SIZE = INET6_ADDRSTRLEN,
    IP_CARRIED_LIMIT = 2,
};

/* Reads an IPv4 address, or an IPv6 address with or without brackets. */
bool ip_address_parse(const char *text, size_t length, struct ip_address *address);

/* Takes an address of `family` from its bytes in network order: 4 for IPv4, 16 for IPv6. */
struct ip_address ip_address_from_bytes(int family, const unsigned char *bytes);

/* Writes the address, without brackets, into `text` of IP_TEXT_SIZE bytes, and returns `text`. */
const char *ip_address_text(const struct ip_address *address, char *text);

bool ip_address_equal(const struct ip_address *a, const struct ip_address *b);

/* Writes the IPv4 addresses that an IPv6 address carries into `carried` of IP_CARRIED_LIMIT, and
   returns how many there are: mapped and compatible (RFC 4291, 2.5.5), translated (RFC 2765), NAT64
   (RFC 6052), 6to4 (RFC 3056), Teredo's server and client (RFC 4380) and ISATAP (RFC 5214). */
size_t ip_address_carried(const struct ip_address *address, struct ip_address *carried);

/* The reach by the address alone, never IP_OWN. An IPv6 address that carries IPv4 addresses reaches
   as far as the narrowest of them. */
enum ip_reach ip_address_reach(const struct ip_address *address);

#endif
