#include "daemon/config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char forms[] = "PORT, ADDR:PORT, [ADDR6]:PORT or unix:/path";
static const char unix_prefix[] = "unix:";

static void set_ipv4(struct address *address, struct in_addr host, in_port_t port)
{
    struct sockaddr_in socket = {.sin_family = AF_INET, .sin_addr = host, .sin_port = htons(port)};

    memset(address, 0, sizeof(*address));
    memcpy(&address->socket, &socket, sizeof(socket));
    address->length = sizeof(socket);
}

static void set_ipv6(struct address *address, struct in6_addr host, in_port_t port)
{
    struct sockaddr_in6 socket = {
        .sin6_family = AF_INET6, .sin6_addr = host, .sin6_port = htons(port)};

    memset(address, 0, sizeof(*address));
    memcpy(&address->socket, &socket, sizeof(socket));
    address->length = sizeof(socket);
}

static struct sockaddr_in as_ipv4(const struct address *address)
{
    struct sockaddr_in socket;

    memcpy(&socket, &address->socket, sizeof(socket));
    return socket;
}

static struct sockaddr_in6 as_ipv6(const struct address *address)
{
    struct sockaddr_in6 socket;

    memcpy(&socket, &address->socket, sizeof(socket));
    return socket;
}

static struct sockaddr_un as_unix(const struct address *address)
{
    struct sockaddr_un socket;

    memcpy(&socket, &address->socket, sizeof(socket));
    return socket;
}

static bool is_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Reads the port in `text`, a part of `whole`. */
static bool parse_port(const char *text, const char *whole, in_port_t *port,
                       struct problem *problem)
{
    unsigned value = 0;

    if (*text == '\0') {
        return problem_set(problem, "\"%s\" has no port after the colon: give ADDR:PORT",
                           problem_excerpt(whole).text);
    }
    if (!is_digits(text)) {
        return problem_set(problem, "the port in \"%s\" is not a number: give one from 0 to 65535",
                           problem_excerpt(whole).text);
    }
    for (const char *digit = text; *digit != '\0' && value <= 65535; digit++) {
        value = value * 10 + (unsigned)(*digit - '0');
    }
    if (value > 65535) {
        return problem_set(problem, "the port in \"%s\" is too large: the highest is 65535",
                           problem_excerpt(whole).text);
    }
    *port = (in_port_t)value;
    return true;
}

/* Copies `length` bytes of `text` as a host into `host`; false where it is too long for one. */
static bool copy_host(const char *text, size_t length, char host[static INET6_ADDRSTRLEN])
{
    if (length >= INET6_ADDRSTRLEN) {
        return false;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    return true;
}

static bool parse_unix(const char *text, struct address *address, struct problem *problem)
{
    const char *path = text + sizeof(unix_prefix) - 1;
    struct sockaddr_un socket = {.sun_family = AF_UNIX};
    size_t length = strlen(path);

    if (*path != '/') {
        return problem_set(problem, "\"%s\" is no absolute path: give unix:/path",
                           problem_excerpt(text).text);
    }
    if (path[length - 1] == '/') {
        return problem_set(problem, "\"%s\" ends in a slash: name the socket, not its folder",
                           problem_excerpt(text).text);
    }
    if (length >= sizeof(socket.sun_path)) {
        return problem_set(problem,
                           "the path in \"%s\" is %zu bytes long: a Unix socket's has at most %zu",
                           problem_excerpt(text).text, length, sizeof(socket.sun_path) - 1);
    }
    memcpy(socket.sun_path, path, length + 1);
    memset(address, 0, sizeof(*address));
    memcpy(&address->socket, &socket, sizeof(socket));
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return true;
}

static bool parse_bracketed(const char *text, struct address *address, struct problem *problem)
{
    const char *end = strchr(text, ']');
    char host[INET6_ADDRSTRLEN];
    struct in6_addr ipv6;
    in_port_t port = 0;

    if (!end) {
        return problem_set(problem, "\"%s\" has no closing bracket: give [ADDR6]:PORT",
                           problem_excerpt(text).text);
    }
    if (memchr(text, '%', (size_t)(end - text))) {
        return problem_set(problem,
                           "\"%s\" has a zone, which is not supported: listen on [::]:PORT",
                           problem_excerpt(text).text);
    }
    if (!copy_host(text + 1, (size_t)(end - text - 1), host) ||
        inet_pton(AF_INET6, host, &ipv6) != 1) {
        return problem_set(
            problem, "\"%s\" has no IPv6 address in its brackets: give one, for example [::1]:8443",
            problem_excerpt(text).text);
    }
    if (end[1] != ':') {
        return problem_set(problem, "\"%s\" has no port: give [%s]:443, for example",
                           problem_excerpt(text).text, host);
    }
    if (!parse_port(end + 2, text, &port, problem)) {
        return false;
    }
    set_ipv6(address, ipv6, port);
    return true;
}

/* Says how `text`, which has several colons and no brackets, would be right. */
static bool refuse_bare_ipv6(const char *text, struct problem *problem)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    struct in6_addr ipv6;

    if (copy_host(text, (size_t)(colon - text), host) && inet_pton(AF_INET6, host, &ipv6) == 1 &&
        is_digits(colon + 1)) {
        return problem_set(problem, "\"%s\" lacks the brackets of an IPv6 address: give [%s]:%s",
                           problem_excerpt(text).text, host, colon + 1);
    }
    if (inet_pton(AF_INET6, text, &ipv6) == 1) {
        return problem_set(problem, "\"%s\" lacks brackets and a port: give [%s]:443, for example",
                           problem_excerpt(text).text, text);
    }
    return problem_set(problem, "\"%s\" is not an address: give %s", problem_excerpt(text).text,
                       forms);
}

/* Parses `text`, whose only colon is at `colon`. */
static bool parse_ipv4(const char *text, const char *colon, struct address *address,
                       struct problem *problem)
{
    char host[INET6_ADDRSTRLEN];
    size_t length = (size_t)(colon - text);
    struct in_addr ipv4;
    in_port_t port = 0;

    if (!parse_port(colon + 1, text, &port, problem)) {
        return false;
    }
    if (length == 0 || (length == 1 && *text == '*')) {
        return problem_set(problem,
                           "\"%s\" has no address: for every address, give the port alone, %u",
                           problem_excerpt(text).text, (unsigned)port);
    }
    if (copy_host(text, length, host) && inet_pton(AF_INET, host, &ipv4) == 1) {
        set_ipv4(address, ipv4, port);
        return true;
    }
    if (strspn(text, "0123456789.") == length) {
        return problem_set(problem,
                           "\"%s\" has no IPv4 address: that is four numbers from 0 to 255, "
                           "for example 127.0.0.1:%u",
                           problem_excerpt(text).text, (unsigned)port);
    }
    return problem_set(problem,
                       "\"%s\" has a name where a numeric address is needed: give 127.0.0.1:%u or "
                       "[::1]:%u, for example, or %u alone for every address",
                       problem_excerpt(text).text, (unsigned)port, (unsigned)port, (unsigned)port);
}

/* Says how `text`, which has no colon and is no port, would be right. */
static bool refuse_word(const char *text, struct problem *problem)
{
    struct in_addr ipv4;

    if (inet_pton(AF_INET, text, &ipv4) == 1) {
        return problem_set(problem, "\"%s\" has no port: give %s:443, for example",
                           problem_excerpt(text).text, text);
    }
    if (*text == '/') {
        return problem_set(problem, "\"%s\" is a path: a Unix socket is given as unix:/path",
                           problem_excerpt(text).text);
    }
    if (*text >= '0' && *text <= '9') {
        return problem_set(problem, "\"%s\" is not a port: give a number from 0 to 65535, or %s",
                           problem_excerpt(text).text, forms);
    }
    return problem_set(problem, "\"%s\" is not an address: give %s", problem_excerpt(text).text,
                       forms);
}

bool address_parse(const char *text, struct address *address, struct problem *problem)
{
    const char *colon;
    in_port_t port = 0;

    if (*text == '\0') {
        return problem_set(problem, "the address is empty: give %s", forms);
    }
    if (strncmp(text, unix_prefix, sizeof(unix_prefix) - 1) == 0) {
        return parse_unix(text, address, problem);
    }
    if (strstr(text, "://")) {
        return problem_set(problem,
                           "\"%s\" is a URL: an address has no scheme, for example 127.0.0.1:8443",
                           problem_excerpt(text).text);
    }
    if (is_digits(text)) {
        if (!parse_port(text, text, &port, problem)) {
            return false;
        }
        set_ipv6(address, in6addr_any, port);
        return true;
    }
    if (*text == '[') {
        return parse_bracketed(text, address, problem);
    }
    colon = strchr(text, ':');
    if (!colon) {
        return refuse_word(text, problem);
    }
    if (strchr(colon + 1, ':')) {
        return refuse_bare_ipv6(text, problem);
    }
    return parse_ipv4(text, colon, address, problem);
}

const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_SIZE])
{
    struct sockaddr_in ipv4 = as_ipv4(address);
    struct sockaddr_in6 ipv6 = as_ipv6(address);
    struct sockaddr_un local = as_unix(address);
    char host[INET6_ADDRSTRLEN];

    switch (address->socket.ss_family) {
    case AF_INET:
        inet_ntop(AF_INET, &ipv4.sin_addr, host, sizeof(host));
        snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", host, (unsigned)ntohs(ipv4.sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &ipv6.sin6_addr, host, sizeof(host));
        snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%u", host, (unsigned)ntohs(ipv6.sin6_port));
        break;
    case AF_UNIX:
        snprintf(text, ADDRESS_TEXT_SIZE, "unix:%.*s", (int)sizeof(local.sun_path), local.sun_path);
        break;
    default:
        snprintf(text, ADDRESS_TEXT_SIZE, "(none)");
        break;
    }
    return text;
}

bool address_equal(const struct address *a, const struct address *b)
{
    if (a->socket.ss_family != b->socket.ss_family) {
        return false;
    }
    if (a->socket.ss_family == AF_INET) {
        struct sockaddr_in first = as_ipv4(a);
        struct sockaddr_in second = as_ipv4(b);

        return first.sin_addr.s_addr == second.sin_addr.s_addr && first.sin_port == second.sin_port;
    }
    if (a->socket.ss_family == AF_INET6) {
        struct sockaddr_in6 first = as_ipv6(a);
        struct sockaddr_in6 second = as_ipv6(b);

        return IN6_ARE_ADDR_EQUAL(&first.sin6_addr, &second.sin6_addr) &&
               first.sin6_port == second.sin6_port;
    }
    if (a->socket.ss_family == AF_UNIX) {
        struct sockaddr_un first = as_unix(a);
        struct sockaddr_un second = as_unix(b);

        return strncmp(first.sun_path, second.sun_path, sizeof(first.sun_path)) == 0;
    }
    return false;
}

bool address_takes_free_port(const struct address *address)
{
    switch (address->socket.ss_family) {
    case AF_INET:
        return as_ipv4(address).sin_port == 0;
    case AF_INET6:
        return as_ipv6(address).sin6_port == 0;
    default:
        return false;
    }
}
