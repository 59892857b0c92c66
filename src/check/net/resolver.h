/* Questions to the Domain Name System, many at a time. /etc/hosts is not read: what other servers
   see is the question, and they do not have this machine's file. */
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
    LOOKUP_FAILED, /* no answer, or none that can be used */
};

/* A question for the records of one type. Whoever starts it keeps it in place until it is done. */
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
   AF_INET or AF_INET6. A question waits for an answer for at most `timeout` seconds. NULL and a
   problem on failure. Freed with resolver_free. */
struct resolver *resolver_create(char *const *servers, size_t server_count, int family, int timeout,
                                 struct problem *problem);

void resolver_free(struct resolver *resolver);

/* Checks one `ADDR[:PORT]`. */
bool resolver_check_server(const char *server, struct problem *problem);

/* Takes `HOST:ADDR`: from now on HOST has this address and, apart from others given so, no more. */
bool resolver_add_override(struct resolver *resolver, const char *text, struct problem *problem);

/* Starts a question for SRV records. */
void record_lookup_start(struct resolver *resolver, struct record_lookup *lookup, const char *name,
                         enum dns_type type);

/* Starts the questions for a host's addresses; an IP literal, in brackets or not, is its own. */
void host_lookup_start(struct resolver *resolver, struct host_lookup *lookup, const char *host);

/* Where the questions stand; with LOOKUP_FOUND the addresses are there. One family's failure does
   not hide the other's addresses. */
enum lookup_status host_lookup_status(struct host_lookup *lookup);

/* How far requests to these addresses may go where the specification leads to the host. */
enum ip_reach host_lookup_limit(const struct host_lookup *lookup);

/* The reason where the status is LOOKUP_FAILED. */
const char *host_lookup_error(const struct host_lookup *lookup);

/* For the event loop: fills `fds` (up to `limit`) with what is waited for, lowers *milliseconds to
   the next time-out, and returns how many there are. */
size_t resolver_wait_for(struct resolver *resolver, struct curl_waitfd *fds, size_t limit,
                         int *milliseconds);

/* Takes what has arrived, and gives up what has waited too long. */
void resolver_process(struct resolver *resolver, const struct curl_waitfd *fds, size_t count);

#endif
