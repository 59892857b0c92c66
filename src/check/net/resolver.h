/* DNS queries, many at a time. /etc/hosts is not read, as other servers do not have this machine's
   file. */
#ifndef CHECK_NET_RESOLVER_H
#define CHECK_NET_RESOLVER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "check/net/access.h"
#include "check/net/dns_answer.h"

struct resolver;

enum lookup_status {
    LOOKUP_PENDING,
    LOOKUP_FOUND,
    LOOKUP_ABSENT, /* the DNS says that there is no such record, or no such name */
    LOOKUP_FAILED, /* no answer, or a malformed one */
};

/* A query for the records of one type. It must not move while it runs. */
struct record_lookup {
    enum lookup_status status;
    bool no_such_name; /* with LOOKUP_ABSENT: the name itself is not there */
    char name[DNS_NAME_SIZE];
    enum dns_type type;
    struct dns_answer answer;
    char error[128]; /* with LOOKUP_FAILED: why, in words */
};

/* A host's addresses, of the IP families in use: IPv4 first. */
struct host_lookup {
    struct record_lookup a;
    struct record_lookup aaaa;
    struct ip_address addresses[HOST_ADDRESS_LIMIT];
    size_t count;
    bool collected;
    bool given; /* the addresses come from --resolve */
};

/* `servers` holds `server_count` texts `ADDR[:PORT]`, none: the system's. `family` is AF_UNSPEC,
   AF_INET or AF_INET6. A query takes at most `timeout` seconds. NULL and a
   problem on failure. Freed with resolver_free. */
struct resolver *resolver_create(char *const *servers, size_t server_count, int family, int timeout,
                                 struct problem *problem);

void resolver_free(struct resolver *resolver);

/* Checks one `ADDR[:PORT]`. */
bool resolver_check_server(const char *server, struct problem *problem);

/* Takes `HOST:ADDR`: from now on HOST has this address and, apart from others given so, no more. */
bool resolver_add_override(struct resolver *resolver, const char *text, struct problem *problem);

/* Starts a query for records of that type. */
void record_lookup_start(struct resolver *resolver, struct record_lookup *lookup, const char *name,
                         enum dns_type type);

/* Starts the queries for a host's addresses. An IP literal, in brackets or not, needs none. */
void host_lookup_start(struct resolver *resolver, struct host_lookup *lookup, const char *host);

/* The state of the queries. With LOOKUP_FOUND the addresses are complete, or those of one family if
   the other's query failed. */
enum lookup_status host_lookup_status(struct host_lookup *lookup);

/* The limit of requests to these addresses, see check/net/access.h. */
enum ip_reach host_lookup_limit(const struct host_lookup *lookup);

/* The reason where the status is LOOKUP_FAILED. */
const char *host_lookup_error(const struct host_lookup *lookup);

/* For the event loop: fills `fds` (up to `limit`) with the sockets of running queries, lowers
 *milliseconds to the next time-out, and returns the number of sockets. */
size_t resolver_wait_for(struct resolver *resolver, struct curl_waitfd *fds, size_t limit,
                         int *milliseconds);

/* Handles answers that have arrived, and queries that have timed out. */
void resolver_process(struct resolver *resolver, const struct curl_waitfd *fds, size_t count);

#endif
