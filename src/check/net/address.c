#include "check/net/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

bool ip_address_parse(const char *text, size_t length, struct ip_address *address)
{
    char copy[IP_TEXT_SIZE];
    bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    if (brackets) {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof(copy) || memchr(text, '\0', length) != NULL) {
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    memset(address, 0, sizeof(*address));
    if (!brackets && inet_pton(AF_INET, copy, address->bytes) == 1) {
        address->family = AF_INET;
        return true;
    }
    if (inet_pton(AF_INET6, copy, address->bytes) == 1) {
        address->family = AF_INET6;
        return true;
    }
    return false;
}

struct ip_address ip_address_from_bytes(int family, const unsigned char *bytes)
{
    struct ip_address address = {.family = family};
    memcpy(address.bytes, bytes, family == AF_INET ? 4 : 16);
    return address;
}

const char *ip_address_text(const struct ip_address *address, char *text)
{
    if (inet_ntop(address->family, address->bytes, text, IP_TEXT_SIZE) == NULL) {
        text[0] = '\0';
    }
    return text;
}

bool ip_address_equal(const struct ip_address *a, const struct ip_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

static enum ip_reach reach_of_ipv4(const unsigned char *b)
{
    if (b[0] == 0 || b[0] == 127 || (b[0] == 169 && b[1] == 254) || b[0] >= 224) {
        return IP_LOCAL;
    }
    if (b[0] == 10 || (b[0] == 172 && b[1] >= 16 && b[1] < 32) || (b[0] == 192 && b[1] == 168) ||
        (b[0] == 100 && b[1] >= 64 && b[1] < 128)) {
        return IP_PRIVATE;
    }
    return IP_PUBLIC;
}

enum ip_reach ip_address_reach(const struct ip_address *address)
{
    const unsigned char *b = address->bytes;
    if (address->family == AF_INET) {
        return reach_of_ipv4(b);
    }
    struct in6_addr in6;
    memcpy(&in6, b, sizeof(in6));
    if (IN6_IS_ADDR_V4MAPPED(&in6)) {
        return reach_of_ipv4(b + 12);
    }
    if (IN6_IS_ADDR_LOOPBACK(&in6) || IN6_IS_ADDR_UNSPECIFIED(&in6) ||
        IN6_IS_ADDR_LINKLOCAL(&in6) || b[0] == 0xff) {
        return IP_LOCAL;
    }
    return (b[0] & 0xfeU) == 0xfc || IN6_IS_ADDR_SITELOCAL(&in6) ? IP_PRIVATE : IP_PUBLIC;
}
