/* Answers of the Domain Name System, as they come over the wire (RFC 1035, 4; RFC 2782). */
#ifndef CHECK_NET_DNS_ANSWER_H
#define CHECK_NET_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/net/address.h"
#include "check/net/limits.h"

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_AAAA = 28,
    DNS_SRV = 33,
};

enum {
    DNS_NAME_SIZE = 256, /* a name in text with its end; longer ones are refused */
};

/* A record of the type that was asked for. */
struct dns_record {
    struct ip_address address; /* A, AAAA */
    uint16_t priority;         /* SRV, these four */
    uint16_t weight;
    uint16_t port;
    char target[DNS_NAME_SIZE]; /* "." where the service does not exist (RFC 2782) */
};

struct dns_answer {
    struct dns_record records[DNS_RECORD_LIMIT];
    size_t count;
    bool more;                     /* there were more than DNS_RECORD_LIMIT */
    bool alias;                    /* the name asked for is a CNAME */
    char canonical[DNS_NAME_SIZE]; /* the name at the end of the CNAMEs */
};

/* Takes from `message` the records of `type` that belong to `name`, or to the name that CNAMEs in
   the same message lead to. Records of other names are left out. False where the message is broken,
   or its CNAMEs form a loop. */
bool dns_answer_parse(const unsigned char *message, size_t length, const char *name,
                      enum dns_type type, struct dns_answer *answer);

#endif
