/* The server-name grammar of the Matrix specification (Appendices, "Server Name"). */
#ifndef MATRIX_SERVER_NAME_H
#define MATRIX_SERVER_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

enum server_name_kind {
    SERVER_NAME_DNS,
    SERVER_NAME_IPV4,
    SERVER_NAME_IPV6, /* written in brackets */
};

/* A server name taken apart. `host` points into the text that was parsed and is not terminated;
   for an IPv6 literal it is without the brackets. */
struct server_name {
    enum server_name_kind kind;
    const char *host;
    size_t host_length;
    int port; /* -1 where the name has none */
};

/* Parses `text` by the grammar `hostname [":" port]`. The port is 1 to 5 digits, as the grammar
   has it. On failure returns false and says in `problem` what would be right: a URL, a path, a
   user part, an empty or long label and a bad literal are each named as what they are. */
bool server_name_parse(const char *text, struct server_name *name, struct problem *problem);

/* As server_name_parse, for a delegation target (m.server), whose port must be 1 to 65535. */
bool server_name_parse_target(const char *text, struct server_name *name, struct problem *problem);

/* Parses a host name alone, as a `domain` of the configuration: a DNS name, an IPv4 literal or an
   IPv6 literal in brackets, without a port. */
bool server_name_parse_host(const char *text, struct server_name *name, struct problem *problem);

#endif
