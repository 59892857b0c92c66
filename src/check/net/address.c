#include "check/net/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"

bool ip_address_parse(const char *text, size_t length, struct ip_address *address)
{
    char copy[IP_TEXT_SIZE];
    bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    if (brackets) {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof(copy) || memchr(text, '\0', length)) {
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
    if (!inet_ntop(address->family, address->bytes, text, IP_TEXT_SIZE)) {
        text[0] = '\0';
    }
    return text;
}

bool ip_address_equal(const struct ip_address *a, const struct ip_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

/* Addresses that begin with the first `bits` bits of `prefix`. */
struct range {
    enum ip_reach reach;
    unsigned char prefix[16];
    unsigned char bits;
};

static bool starts_with(const unsigned char *bytes, const unsigned char *prefix, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;
    return memcmp(bytes, prefix, whole) == 0 &&
           (rest == 0 || (bytes[whole] ^ prefix[whole]) >> (8 - rest) == 0);
}

/* IANA's registries of special-purpose addresses; those for documentation are left out. */
static const struct range ipv4_ranges[] = {
    {IP_LOCAL, {0}, 8},           {IP_LOCAL, {127}, 8},        {IP_LOCAL, {169, 254}, 16},
    {IP_LOCAL, {224}, 3},         {IP_PRIVATE, {10}, 8},       {IP_PRIVATE, {172, 16}, 12},
    {IP_PRIVATE, {192, 168}, 16}, {IP_PRIVATE, {100, 64}, 10}, {IP_PRIVATE, {192, 0, 0}, 24},
    {IP_PRIVATE, {198, 18}, 15},
};

static const struct range ipv6_ranges[] = {
    {IP_LOCAL, {0}, 128},                          /* unspecified */
    {IP_LOCAL, {[15] = 1}, 128},                   /* loopback */
    {IP_LOCAL, {0xfe, 0x80}, 10},                  /* of this link */
    {IP_LOCAL, {0xff}, 8},                         /* multicast */
    {IP_PRIVATE, {0xfc}, 7},                       /* unique local */
    {IP_PRIVATE, {0xfe, 0xc0}, 10},                /* site-local */
    {IP_PRIVATE, {0, 0x64, 0xff, 0x9b, 0, 1}, 48}, /* NAT64 of this site (RFC 8215) */
    {IP_PRIVATE, {0x20, 0x01, 0, 2}, 48},          /* benchmarks */
    {IP_PRIVATE, {0x5f}, 16},                      /* segment routing */
};

static enum ip_reach reach_in(const struct range *ranges, size_t count, const unsigned char *bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (starts_with(bytes, ranges[i].prefix, ranges[i].bits)) {
            return ranges[i].reach;
        }
    }
    return IP_PUBLIC;
}

/* How IPv6 addresses that begin so carry an IPv4 address, and where. */
static const struct {
    unsigned char prefix[16];
    unsigned char bits;
    unsigned char offset;
    bool inverted;
} carriers[] = {
    {{[10] = 0xff, 0xff}, 96, 12, false},         /* mapped */
    {{0}, 96, 12, false},                         /* compatible */
    {{[8] = 0xff, 0xff}, 96, 12, false},          /* translated */
    {{0, 0x64, 0xff, 0x9b}, 96, 12, false},       /* NAT64 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, 12, false}, /* NAT64 of this site, mostly a /96 */
    {{0x20, 0x02}, 16, 2, false},                 /* 6to4 */
    {{0x20, 0x01, 0, 0}, 32, 4, false},           /* Teredo: the server */
    {{0x20, 0x01, 0, 0}, 32, 12, true},           /* Teredo: the client */
};

static bool is_isatap(const unsigned char *bytes)
{
    static const unsigned char identifier[] = {0, 0, 0x5e, 0xfe};
    return (bytes[8] & 0xfdU) == 0 && memcmp(bytes + 9, identifier + 1, 3) == 0;
}

size_t ip_address_carried(const struct ip_address *address, struct ip_address *carried)
{
    const unsigned char *bytes = address->bytes;
    size_t count = 0;
    for (size_t i = 0; address->family == AF_INET6 && i < ARRAY_SIZE(carriers); i++) {
        if (count < IP_CARRIED_LIMIT && starts_with(bytes, carriers[i].prefix, carriers[i].bits)) {
            struct ip_address *found = &carried[count++];
            *found = ip_address_from_bytes(AF_INET, bytes + carriers[i].offset);
            for (size_t j = 0; carriers[i].inverted && j < 4; j++) {
                found->bytes[j] ^= 0xffU;
            }
        }
    }
    if (address->family == AF_INET6 && is_isatap(bytes) && count < IP_CARRIED_LIMIT) {
        carried[count++] = ip_address_from_bytes(AF_INET, bytes + 12);
    }
    return count;
}

enum ip_reach ip_address_reach(const struct ip_address *address)
{
    struct ip_address carried[IP_CARRIED_LIMIT];
    if (address->family == AF_INET) {
        return reach_in(ipv4_ranges, ARRAY_SIZE(ipv4_ranges), address->bytes);
    }
    enum ip_reach narrowest = reach_in(ipv6_ranges, ARRAY_SIZE(ipv6_ranges), address->bytes);
    size_t count = ip_address_carried(address, carried);
    for (size_t i = 0; i < count; i++) {
        enum ip_reach reach = reach_in(ipv4_ranges, ARRAY_SIZE(ipv4_ranges), carried[i].bytes);
        narrowest = reach > narrowest ? reach : narrowest;
    }
    return narrowest;
}
