#include "check/net/resolver.h"

/* c-ares 1.34 deprecates functions whose successors 1.18 does not have. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/array.h"
#include "check/net/text.h"

enum {
    CLASS_IN = 1,
    TRIES = 2,
    /* c-ares doubles its time-out with each round: with two rounds that makes three shares. */
    SHARES = 3,
};

struct override {
    char host[DNS_NAME_SIZE];
    struct ip_address address;
};

struct resolver {
    ares_channel channel;
    int family;
    struct override *overrides;
    size_t override_count;
};

/* Takes `ADDR[:PORT]` apart; the port is 0 where there is none. */
static bool parse_server(const char *text, struct ip_address *address, int *port)
{
    const char *colon = NULL;
    size_t length = strlen(text);
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        length = !end ? 0 : (size_t)(end + 1 - text);
        colon = end && end[1] != '\0' ? end + 1 : NULL;
    } else if (strchr(text, ':') == strrchr(text, ':')) {
        colon = strchr(text, ':');
        length = !colon ? length : (size_t)(colon - text);
    }
    *port = 0;
    if (colon) {
        size_t digits = strspn(colon + 1, "0123456789");
        bool number = colon[0] == ':' && digits > 0 && digits <= 5 && colon[1 + digits] == '\0';
        *port = number ? (int)strtol(colon + 1, NULL, 10) : 0;
        if (*port < 1 || *port > 65535) {
            return false;
        }
    }
    return ip_address_parse(text, length, address);
}

bool resolver_check_server(const char *server, struct problem *problem)
{
    struct ip_address address;
    int port = 0;
    if (!parse_server(server, &address, &port)) {
        return problem_set_usage(problem,
                                 "\"%s\" is no address of a DNS server: write an IP address, with "
                                 "a port if it is not 53, for example 192.0.2.53 or "
                                 "[2001:db8::53]:5353",
                                 problem_excerpt(server).text);
    }
    return true;
}

static bool set_servers(struct resolver *resolver, char *const *servers, size_t count,
                        struct problem *problem)
{
    struct ares_addr_port_node *nodes = calloc(count, sizeof(*nodes));
    if (!nodes) {
        return problem_out_of_memory(problem);
    }
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        struct ip_address address = {.family = AF_INET};
        int port = 0;
        good =
            resolver_check_server(servers[i], problem) && parse_server(servers[i], &address, &port);
        nodes[i].next = i + 1 < count ? &nodes[i + 1] : NULL;
        nodes[i].family = address.family;
        nodes[i].udp_port = port;
        nodes[i].tcp_port = port;
        memcpy(&nodes[i].addr, address.bytes, address.family == AF_INET ? 4 : 16);
    }
    int status = good ? ares_set_servers_ports(resolver->channel, nodes) : ARES_SUCCESS;
    free(nodes);
    if (status != ARES_SUCCESS) {
        return problem_set(problem, "the DNS servers cannot be set: %s: check --dns",
                           ares_strerror(status));
    }
    return good;
}

struct resolver *resolver_create(char *const *servers, size_t server_count, int family, int timeout,
                                 struct problem *problem)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (!resolver) {
        problem_out_of_memory(problem);
        return NULL;
    }
    resolver->family = family;
    size_t asked = server_count == 0 ? 1 : server_count;
    struct ares_options options = {
        .timeout = timeout * 1000 / SHARES / (int)asked,
        .tries = TRIES,
        .flags = ARES_FLAG_EDNS,
        .ednspsz = 1232,
    };
    char lookups[] = "b";
    options.lookups = lookups;
    int status = ares_init_options(&resolver->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS |
                                       ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS);
    if (status != ARES_SUCCESS) {
        problem_set(problem, "the DNS resolver cannot start: %s: check /etc/resolv.conf",
                    ares_strerror(status));
        free(resolver);
        return NULL;
    }
    if (server_count > 0 && !set_servers(resolver, servers, server_count, problem)) {
        resolver_free(resolver);
        return NULL;
    }
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (resolver) {
        ares_destroy(resolver->channel);
        free(resolver->overrides);
        free(resolver);
    }
}

bool resolver_add_override(struct resolver *resolver, const char *text, struct problem *problem)
{
    struct override override;
    const char *colon = strchr(text, ':');
    size_t length = !colon ? 0 : (size_t)(colon - text);
    if (length == 0 || length >= sizeof(override.host) ||
        !ip_address_parse(colon + 1, strlen(colon + 1), &override.address)) {
        return problem_set_usage(problem,
                                 "--resolve %s: write HOST:ADDR, for example "
                                 "matrix.example.com:192.0.2.10",
                                 text);
    }
    memcpy(override.host, text, length);
    override.host[length] = '\0';
    struct override *longer =
        array_grow(resolver->overrides, resolver->override_count, sizeof(*longer));
    if (!longer) {
        return problem_out_of_memory(problem);
    }
    resolver->overrides = longer;
    resolver->overrides[resolver->override_count++] = override;
    return true;
}

static void record_arrived(void *context, int status, int timeouts, unsigned char *message,
                           int length)
{
    (void)timeouts;
    struct record_lookup *lookup = context;
    switch (status) {
    case ARES_SUCCESS:
        if (!dns_answer_parse(message, (size_t)length, lookup->name, lookup->type,
                              &lookup->answer)) {
            lookup->status = LOOKUP_FAILED;
            snprintf(lookup->error, sizeof(lookup->error),
                     "the DNS answer is malformed, or its CNAMEs form a loop");
        } else {
            lookup->status = lookup->answer.count > 0 ? LOOKUP_FOUND : LOOKUP_ABSENT;
        }
        break;
    case ARES_ENODATA:
        lookup->status = LOOKUP_ABSENT;
        break;
    case ARES_ENOTFOUND:
        lookup->status = LOOKUP_ABSENT;
        lookup->no_such_name = true;
        break;
    case ARES_ETIMEOUT:
        lookup->status = LOOKUP_FAILED;
        snprintf(lookup->error, sizeof(lookup->error), "no DNS server answered in time");
        break;
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
        lookup->status = LOOKUP_FAILED;
        snprintf(lookup->error, sizeof(lookup->error), "the DNS servers could not answer");
        break;
    default:
        lookup->status = LOOKUP_FAILED;
        snprintf(lookup->error, sizeof(lookup->error), "%s", ares_strerror(status));
    }
}

void record_lookup_start(struct resolver *resolver, struct record_lookup *lookup, const char *name,
                         enum dns_type type)
{
    memset(lookup, 0, sizeof(*lookup));
    lookup->type = type;
    size_t length = strlen(name);
    if (length >= sizeof(lookup->name)) {
        lookup->status = LOOKUP_ABSENT;
        lookup->no_such_name = true;
        return;
    }
    memcpy(lookup->name, name, length + 1);
    ares_query(resolver->channel, name, CLASS_IN, (int)type, record_arrived, lookup);
}

static bool is_used(const struct resolver *resolver, int family)
{
    return resolver->family == AF_UNSPEC || resolver->family == family;
}

/* Gives the host the addresses that the command line has for it, if any. */
static bool take_overrides(const struct resolver *resolver, struct host_lookup *lookup,
                           const char *host)
{
    bool known = false;
    for (size_t i = 0; i < resolver->override_count; i++) {
        const struct override *override = &resolver->overrides[i];
        if (strcasecmp(override->host, host) == 0) {
            known = true;
            if (is_used(resolver, override->address.family) && lookup->count < HOST_ADDRESS_LIMIT) {
                lookup->addresses[lookup->count++] = override->address;
            }
        }
    }
    return known;
}

void host_lookup_start(struct resolver *resolver, struct host_lookup *lookup, const char *host)
{
    memset(lookup, 0, sizeof(*lookup));
    lookup->a.status = LOOKUP_ABSENT;
    lookup->aaaa.status = LOOKUP_ABSENT;
    struct ip_address literal;
    if (ip_address_parse(host, strlen(host), &literal)) {
        if (is_used(resolver, literal.family)) {
            lookup->addresses[lookup->count++] = literal;
        }
        return;
    }
    lookup->given = take_overrides(resolver, lookup, host);
    if (!lookup->given && is_used(resolver, AF_INET)) {
        record_lookup_start(resolver, &lookup->a, host, DNS_A);
    }
    if (!lookup->given && is_used(resolver, AF_INET6)) {
        record_lookup_start(resolver, &lookup->aaaa, host, DNS_AAAA);
    }
}

enum lookup_status host_lookup_status(struct host_lookup *lookup)
{
    if (lookup->a.status == LOOKUP_PENDING || lookup->aaaa.status == LOOKUP_PENDING) {
        return LOOKUP_PENDING;
    }
    if (!lookup->collected) {
        lookup->collected = true;
        const struct record_lookup *both[] = {&lookup->a, &lookup->aaaa};
        for (size_t i = 0; i < 2; i++) {
            for (size_t j = 0; both[i]->status == LOOKUP_FOUND && j < both[i]->answer.count; j++) {
                lookup->addresses[lookup->count++] = both[i]->answer.records[j].address;
            }
        }
    }
    if (lookup->count > 0) {
        return LOOKUP_FOUND;
    }
    bool failed = lookup->a.status == LOOKUP_FAILED || lookup->aaaa.status == LOOKUP_FAILED;
    return failed ? LOOKUP_FAILED : LOOKUP_ABSENT;
}

enum ip_reach host_lookup_limit(const struct host_lookup *lookup)
{
    return lookup->given ? ACCESS_BY_HAND : ACCESS_BY_NAME;
}

const char *host_lookup_error(const struct host_lookup *lookup)
{
    return lookup->a.status == LOOKUP_FAILED ? lookup->a.error : lookup->aaaa.error;
}

size_t resolver_wait_for(struct resolver *resolver, struct curl_waitfd *fds, size_t limit,
                         int *milliseconds)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    unsigned mask = (unsigned)ares_getsock(resolver->channel, sockets, ARES_GETSOCK_MAXNUM);
    size_t count = 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM && count < limit; i++) {
        /* As ARES_GETSOCK_READABLE and ARES_GETSOCK_WRITABLE do, but the last of these shifts a bit
           into the sign. */
        bool readable = (mask >> i & 1U) != 0;
        bool writable = (mask >> (i + ARES_GETSOCK_MAXNUM) & 1U) != 0;
        short events =
            (short)((readable ? CURL_WAIT_POLLIN : 0) | (writable ? CURL_WAIT_POLLOUT : 0));
        if (events != 0) {
            fds[count++] = (struct curl_waitfd){.fd = sockets[i], .events = events};
        }
    }
    struct timeval longest = {*milliseconds / 1000, *milliseconds % 1000 * 1000L};
    struct timeval next;
    struct timeval *until = ares_timeout(resolver->channel, &longest, &next);
    *milliseconds = (int)(until->tv_sec * 1000 + (until->tv_usec + 999) / 1000);
    return count;
}

void resolver_process(struct resolver *resolver, const struct curl_waitfd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ares_process_fd(resolver->channel, fds[i].fd,
                        (fds[i].revents & CURL_WAIT_POLLOUT) != 0 ? fds[i].fd : ARES_SOCKET_BAD);
    }
    /* Always once without a socket: this is where time-outs are noticed. */
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
