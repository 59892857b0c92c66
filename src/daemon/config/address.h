/* Addresses to listen on: `PORT`, `ADDR:PORT`, `[ADDR6]:PORT` or `unix:/path`. */
#ifndef DAEMON_CONFIG_ADDRESS_H
#define DAEMON_CONFIG_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/problem.h"

struct address {
    struct sockaddr_storage socket; /* AF_INET, AF_INET6 or AF_UNIX */
    socklen_t length;
};

/* Parses `text`; a bare PORT is `[::]:PORT`. Port 0 is allowed and takes a free port. A host name,
   a URL, a missing port, a port over 65535, an IPv6 address without brackets and a relative or too
   long Unix path are refused with what would be right. */
bool address_parse(const char *text, struct address *address, struct problem *problem);

/* Room for any address_format() result. */
#define ADDRESS_TEXT_SIZE (sizeof(((struct sockaddr_un *)0)->sun_path) + 16)

/* Writes the address as it would be given to address_parse: "127.0.0.1:8443", "[::]:443",
   "unix:/run/x.sock". Returns `text`. */
const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_SIZE]);

/* True where both are the same family, address and port (or path). */
bool address_equal(const struct address *a, const struct address *b);

/* True where the port is 0, so that each socket bound to the address gets a port of its own. */
bool address_takes_free_port(const struct address *address);

#endif
