#include "daemon/net/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/line.h"
#include "base/log.h"
#include "daemon/net/connection.h"

enum {
    BACKLOG = 1024,
    /* What the kernel keeps of a connection's bytes each way; it takes twice as much, for what
       belongs to them. transport.c counts on a send buffer that has room for HOLD_SIZE. */
    SOCKET_BUFFER = 16 * 1024,
};

static bool listeners_append(struct listeners *listeners, struct listener *listener)
{
    struct listener **items =
        realloc(listeners->items, (listeners->count + 1) * sizeof(*listeners->items));

    if (!items) {
        return false;
    }
    listeners->items = items;
    listeners->items[listeners->count++] = listener;
    return true;
}

static struct listener *listener_new(enum listener_kind kind, int socket)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (listener) {
        listener->source = EVENT_LISTENER;
        listener->kind = kind;
        listener->socket = socket;
    }
    return listener;
}

static void listener_close(struct listener *listener)
{
    const struct sockaddr_un *address = (const void *)&listener->bound.socket;

    if (!listener->inherited && address->sun_family == AF_UNIX) {
        unlink(address->sun_path);
    }
    close(listener->socket);
    free(listener);
}

static void set_flag(int socket, int level, int option, int value)
{
    /* These make it faster, or more convenient; without them it works too. */
    if (setsockopt(socket, level, option, &value, sizeof(value)) != 0) {
        log_debug("setsockopt(%d, %d): %s", level, option, strerror(errno));
    }
}

/* Connections inherit them from their listener, which saves system calls for each. */
static void set_inherited_options(int socket)
{
    int family = 0;
    socklen_t size = sizeof(family);

    set_flag(socket, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
    set_flag(socket, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
    if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family != AF_UNIX) {
        set_flag(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    }
}

static bool read_bound(struct listener *listener)
{
    listener->bound.length = sizeof(listener->bound.socket);
    return getsockname(listener->socket, (struct sockaddr *)&listener->bound.socket,
                       &listener->bound.length) == 0;
}

static enum listener_kind kind_of_name(const char *name, size_t length)
{
    if (length == strlen("http") && strncmp(name, "http", length) == 0) {
        return LISTENER_HTTP;
    }
    if (length == strlen("metrics") && strncmp(name, "metrics", length) == 0) {
        return LISTENER_METRICS;
    }
    return LISTENER_HTTPS;
}

/* Takes one passed socket, if it is one that listens. */
static bool inherit_one(struct listeners *listeners, int socket, enum listener_kind kind,
                        struct problem *problem)
{
    struct listener *listener;
    int listening = 0;
    socklen_t size = sizeof(listening);
    int flags = fcntl(socket, F_GETFL);

    if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening) {
        return problem_set(problem,
                           "descriptor %d from the service manager is not a listening stream "
                           "socket: use ListenStream= with Accept=no",
                           socket);
    }
    listener = listener_new(kind, socket);
    if (!listener || !listeners_append(listeners, listener)) {
        free(listener);
        return problem_set(problem, "out of memory");
    }
    listener->inherited = true;
    if (!read_bound(listener) || fcntl(socket, F_SETFD, FD_CLOEXEC) != 0 || flags < 0 ||
        fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0) {
        return problem_set(problem, "descriptor %d from the service manager: %s", socket,
                           strerror(errno));
    }
    listener->requested = listener->bound;
    set_inherited_options(socket);
    return true;
}

bool listeners_inherit(struct listeners *listeners, int first, int count, const char *names,
                       struct problem *problem)
{
    for (int i = 0; i < count; i++) {
        size_t length = names ? strcspn(names, ":") : 0;

        if (!inherit_one(listeners, first + i, kind_of_name(names, length), problem)) {
            return false;
        }
        if (names) {
            names += length + (names[length] == ':');
        }
    }
    return true;
}

static void remove_stale_socket(const struct address *address)
{
    const struct sockaddr_un *local = (const void *)&address->socket;
    struct stat status;
    int probe;

    if (local->sun_family != AF_UNIX || lstat(local->sun_path, &status) != 0 ||
        !S_ISSOCK(status.st_mode)) {
        return;
    }
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe >= 0 &&
        connect(probe, (const struct sockaddr *)&address->socket, address->length) != 0 &&
        errno == ECONNREFUSED) {
        unlink(local->sun_path);
    }
    if (probe >= 0) {
        close(probe);
    }
}

void listeners_remove_stale(const struct config *config)
{
    const struct address_list *lists[] = {&config->listen, &config->listen_http,
                                          &config->metrics_listen};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        for (size_t j = 0; j < lists[i]->count; j++) {
            remove_stale_socket(&lists[i]->items[j]);
        }
    }
}

static bool is_any_ipv6(const struct address *address)
{
    const struct sockaddr_in6 *ipv6 = (const void *)&address->socket;

    return ipv6->sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&ipv6->sin6_addr);
}

/* 0.0.0.0 with the port of [::], for a system without IPv6. */
static struct address any_ipv4(const struct address *ipv6)
{
    struct address address = {.length = sizeof(struct sockaddr_in)};
    struct sockaddr_in *ipv4 = (void *)&address.socket;

    ipv4->sin_family = AF_INET;
    ipv4->sin_port = ((const struct sockaddr_in6 *)(const void *)&ipv6->socket)->sin6_port;
    return address;
}

/* A bound, listening socket, or -1 with errno. */
static int open_socket(const struct address *address)
{
    int family = address->socket.ss_family;
    int opened = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (opened < 0) {
        return -1;
    }
    if (family != AF_UNIX) {
        set_flag(opened, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    set_inherited_options(opened);
    if (family == AF_INET6) {
        set_flag(opened, IPPROTO_IPV6, IPV6_V6ONLY, !is_any_ipv6(address));
    }
    if (bind(opened, (const struct sockaddr *)&address->socket, address->length) == 0 &&
        listen(opened, BACKLOG) == 0) {
        return opened;
    }
    error = errno;
    close(opened);
    errno = error;
    return -1;
}

static const char *remedy(int error)
{
    switch (error) {
    case EADDRINUSE:
        return ": another program has it: stop that one or choose another port";
    case EADDRNOTAVAIL:
        return ": this machine has no such address";
    case EACCES:
    case EPERM:
        return ": start as root with --user, or let the service manager pass the socket";
    case ENOENT:
        return ": the directory must exist";
    default:
        return "";
    }
}

static struct listener *listener_open(enum listener_kind kind, const struct address *requested,
                                      struct problem *problem)
{
    struct address ipv4;
    struct listener *listener;
    char text[ADDRESS_TEXT_SIZE];
    int opened;

    opened = open_socket(requested);
    if (opened < 0 && is_any_ipv6(requested) && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        log_warning("%s: there is no IPv6 here: listening on IPv4 alone",
                    address_format(requested, text));
        ipv4 = any_ipv4(requested);
        opened = open_socket(&ipv4);
    }
    if (opened < 0) {
        int error = errno;

        problem_set(problem, "cannot listen on %s: %s%s", address_format(requested, text),
                    strerror(error), remedy(error));
        return NULL;
    }
    listener = listener_new(kind, opened);
    if (!listener) {
        problem_set(problem, "out of memory");
        close(opened);
        return NULL;
    }
    listener->requested = *requested;
    if (!read_bound(listener)) {
        problem_set(problem, "cannot listen on %s: %s", address_format(requested, text),
                    strerror(errno));
        listener_close(listener);
        return NULL;
    }
    return listener;
}

/* Whether the service manager passed a socket that clients ask for documents at. */
static bool some_inherited(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->items[i]->inherited && listeners->items[i]->kind != LISTENER_METRICS) {
            return true;
        }
    }
    return false;
}

/* The HTTPS addresses to listen on: not the default one beside sockets that were passed. */
static struct address_list https_addresses(const struct listeners *listeners,
                                           const struct config *config)
{
    if (config->listen_is_default && some_inherited(listeners)) {
        return (struct address_list){0};
    }
    return config->listen;
}

static struct listener *find_listener(const struct listeners *listeners, enum listener_kind kind,
                                      const struct address *address)
{
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = listeners->items[i];

        if (listener->kind == kind && !listener->wanted &&
            address_equal(&listener->requested, address)) {
            return listener;
        }
    }
    return NULL;
}

/* Marks the listeners of these addresses as wanted, and opens into `opened` those that are not
   there yet. */
static bool want(struct listeners *listeners, struct listeners *opened, enum listener_kind kind,
                 const struct address_list *addresses, struct problem *problem)
{
    for (size_t i = 0; i < addresses->count; i++) {
        struct listener *listener = find_listener(listeners, kind, &addresses->items[i]);

        if (listener) {
            listener->wanted = true;
            continue;
        }
        listener = listener_open(kind, &addresses->items[i], problem);
        if (!listener) {
            return false;
        }
        if (!listeners_append(opened, listener)) {
            listener_close(listener);
            return problem_set(problem, "out of memory");
        }
    }
    return true;
}

bool listeners_update(struct listeners *listeners, const struct config *config,
                      struct listeners *dropped, struct problem *problem)
{
    struct address_list https = https_addresses(listeners, config);
    struct listeners opened = {0}, kept = {0};
    bool good;

    *dropped = (struct listeners){0};
    for (size_t i = 0; i < listeners->count; i++) {
        listeners->items[i]->wanted = listeners->items[i]->inherited;
    }
    good = want(listeners, &opened, LISTENER_HTTPS, &https, problem) &&
           want(listeners, &opened, LISTENER_HTTP, &config->listen_http, problem) &&
           want(listeners, &opened, LISTENER_METRICS, &config->metrics_listen, problem);
    if (good) {
        kept.items = calloc(listeners->count + opened.count + 1, sizeof(*kept.items));
        dropped->items = calloc(listeners->count + 1, sizeof(*dropped->items));
        if (!kept.items || !dropped->items) {
            good = problem_set(problem, "out of memory");
        }
    }
    if (!good || !kept.items || !dropped->items) {
        listeners_close(&opened);
        free(kept.items);
        free(dropped->items);
        *dropped = (struct listeners){0};
        return false;
    }
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = listeners->items[i];
        struct listeners *list = listener->wanted ? &kept : dropped;

        list->items[list->count++] = listener;
    }
    for (size_t i = 0; i < opened.count; i++) {
        kept.items[kept.count++] = opened.items[i];
    }
    free(listeners->items);
    free(opened.items);
    *listeners = kept;
    return true;
}

bool listeners_tls(const struct listeners *listeners, const struct config *config)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->items[i]->inherited && listeners->items[i]->kind == LISTENER_HTTPS) {
            return true;
        }
    }
    return https_addresses(listeners, config).count > 0;
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        listener_close(listeners->items[i]);
    }
    free(listeners->items);
    *listeners = (struct listeners){0};
}

const char *listeners_describe(const struct listeners *listeners, char *text, size_t size)
{
    struct line line;
    char address[ADDRESS_TEXT_SIZE];

    line_start(&line, text, size);
    for (enum listener_kind kind = LISTENER_HTTPS; kind <= LISTENER_METRICS; kind++) {
        for (size_t i = 0; i < listeners->count; i++) {
            const struct listener *listener = listeners->items[i];

            if (listener->kind == kind) {
                line_add_format(&line, "%s%s://%s%s", line.length ? " " : "",
                                kind == LISTENER_HTTPS ? "https" : "http",
                                address_format(&listener->bound, address),
                                kind == LISTENER_METRICS ? "/metrics" : "");
            }
        }
    }
    return text;
}
