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
#include "daemon/net/socket_holder.h"

enum {
    BACKLOG = 1024,
    /* What the kernel keeps of a connection's bytes each way; it takes twice as much, for what
       belongs to them. transport.c counts on a send buffer that has room for HOLD_SIZE. */
    SOCKET_BUFFER = 16 * 1024,
};

static struct listener *listener_new(enum listener_kind kind, int socket)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (listener) {
        listener->source = EVENT_LISTENER;
        listener->kind = listener->next_kind = kind;
        listener->socket = socket;
    }
    return listener;
}

static void set_option(int socket, int level, int option, int value)
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

    set_option(socket, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
    set_option(socket, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
    if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family != AF_UNIX) {
        set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    }
}

static bool read_bound(struct listener *listener)
{
    listener->bound.length = sizeof(listener->bound.socket);
    return getsockname(listener->socket, (struct sockaddr *)&listener->bound.socket,
                       &listener->bound.length) == 0;
}

/* --- Passed by the service manager --- */

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

/* Adopts one socket, if it is one that listens; `listener` has its place already. */
static bool adopt(struct listener *listener, struct problem *problem)
{
    int socket = listener->socket;
    int listening = 0;
    socklen_t size = sizeof(listening);
    int flags = fcntl(socket, F_GETFL);

    if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening) {
        return problem_set(problem,
                           "descriptor %d from the service manager is not a listening stream "
                           "socket: use ListenStream= with Accept=no",
                           socket);
    }
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
    if (count == 0) {
        return true;
    }
    listeners->items = calloc((size_t)count, sizeof(*listeners->items));
    for (int i = 0; listeners->items && i < count; i++) {
        size_t length = names ? strcspn(names, ":") : 0;
        struct listener *listener = listener_new(kind_of_name(names, length), first + i);

        if (!listener) {
            break;
        }
        listener->inherited = true;
        listeners->items[listeners->count++] = listener;
        if (!adopt(listener, problem)) {
            return false;
        }
        if (names) {
            names += length + (names[length] == ':');
        }
    }
    return listeners->count == (size_t)count || problem_out_of_memory(problem);
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

/* --- What the configuration asks for --- */

/* The HTTPS addresses to listen on: not the default one where sockets were passed. */
static struct address_list https_addresses(const struct listeners *listeners,
                                           const struct config *config)
{
    if (config->listen_is_default && some_inherited(listeners)) {
        return (struct address_list){0};
    }
    return config->listen;
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

static bool is_wildcard(const struct address *address)
{
    const struct sockaddr_in *ipv4 = (const void *)&address->socket;
    const struct sockaddr_in6 *ipv6 = (const void *)&address->socket;

    return (ipv4->sin_family == AF_INET && ipv4->sin_addr.s_addr == INADDR_ANY) ||
           (ipv6->sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&ipv6->sin6_addr));
}

static bool is_ipv6_wildcard(const struct address *address)
{
    return address->socket.ss_family == AF_INET6 && is_wildcard(address);
}

/* 0.0.0.0 with the port of [::]. */
static struct address ipv4_wildcard(const struct address *ipv6)
{
    struct address address = {.length = sizeof(struct sockaddr_in)};
    struct sockaddr_in *ipv4 = (void *)&address.socket;

    ipv4->sin_family = AF_INET;
    ipv4->sin_port = ((const struct sockaddr_in6 *)(const void *)&ipv6->socket)->sin6_port;
    return address;
}

static bool list_names(const struct address_list *addresses, const struct address *address)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (address_equal(&addresses->items[i], address)) {
            return true;
        }
    }
    return false;
}

/* Whether a listener on this address leaves IPv4 to others: [::] does where the configuration names
   0.0.0.0 with that port too. */
static bool leaves_ipv4_out(const struct address *address, const struct config *config)
{
    struct address ipv4;

    if (address->socket.ss_family != AF_INET6 || !is_wildcard(address)) {
        return address->socket.ss_family == AF_INET6;
    }
    ipv4 = ipv4_wildcard(address);
    return !address_takes_free_port(address) &&
           (list_names(&config->listen, &ipv4) || list_names(&config->listen_http, &ipv4) ||
            list_names(&config->metrics_listen, &ipv4));
}

/* A listener that stays for this address. An address with a port of its own stands in one of the
   lists only: its listener can become one of another kind. */
static struct listener *find_listener(const struct listeners *listeners, enum listener_kind kind,
                                      const struct address *address, bool ipv6_only)
{
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = listeners->items[i];

        if (!listener->wanted && listener->socket >= 0 && listener->ipv6_only == ipv6_only &&
            (listener->kind == kind || !address_takes_free_port(address)) &&
            address_equal(&listener->requested, address)) {
            return listener;
        }
    }
    return NULL;
}

/* Plans the listeners of one kind: each is one of now, or a new one, still closed. */
static bool plan_kind(const struct listeners *listeners, const struct config *config,
                      enum listener_kind kind, const struct address_list *addresses,
                      struct listeners_change *change)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct address *address = &addresses->items[i];
        bool ipv6_only = leaves_ipv4_out(address, config);
        struct listener *listener = find_listener(listeners, kind, address, ipv6_only);

        if (!listener) {
            listener = listener_new(kind, -1);
            if (!listener) {
                return false;
            }
            listener->requested = *address;
            listener->ipv6_only = ipv6_only;
            change->opened.items[change->opened.count++] = listener;
        }
        listener->wanted = true;
        listener->next_kind = kind;
        change->next.items[change->next.count++] = listener;
    }
    return true;
}

/* Sorts all listeners into those that stay, those to be opened and those to be dropped. */
static bool plan(const struct listeners *listeners, const struct config *config,
                 struct listeners_change *change)
{
    struct address_list https = https_addresses(listeners, config);
    size_t count = https.count + config->listen_http.count + config->metrics_listen.count;

    change->next.items = calloc(listeners->count + count + 1, sizeof(*change->next.items));
    change->opened.items = calloc(count + 1, sizeof(*change->opened.items));
    change->dropped.items = calloc(listeners->count + 1, sizeof(*change->dropped.items));
    if (!change->next.items || !change->opened.items || !change->dropped.items) {
        return false;
    }
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = listeners->items[i];

        listener->wanted = listener->inherited;
        listener->next_kind = listener->kind;
        if (listener->inherited) {
            change->next.items[change->next.count++] = listener;
        }
    }
    if (!plan_kind(listeners, config, LISTENER_HTTPS, &https, change) ||
        !plan_kind(listeners, config, LISTENER_HTTP, &config->listen_http, change) ||
        !plan_kind(listeners, config, LISTENER_METRICS, &config->metrics_listen, change)) {
        return false;
    }
    for (size_t i = 0; i < listeners->count; i++) {
        if (!listeners->items[i]->wanted) {
            change->dropped.items[change->dropped.count++] = listeners->items[i];
        }
    }
    return true;
}

/* --- Opening --- */

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

/* A bound, listening socket, or -1 with errno. */
static int open_socket(const struct address *address, bool ipv6_only)
{
    int family = address->socket.ss_family;
    int opened = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (opened < 0) {
        return -1;
    }
    if (family != AF_UNIX) {
        set_option(opened, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    set_inherited_options(opened);
    if (family == AF_INET6) {
        set_option(opened, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only);
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

/* Whether an open listener has a port of what another one requests, so that only one can have it.
 */
static bool overlaps(const struct listener *open, const struct listener *other)
{
    const struct sockaddr_in6 *first = (const void *)&open->bound.socket;
    const struct sockaddr_in6 *second = (const void *)&other->requested.socket;
    bool same_family = first->sin6_family == second->sin6_family;

    if (open->socket < 0 || first->sin6_family == AF_UNIX || second->sin6_family == AF_UNIX) {
        return open->socket >= 0 && address_equal(&open->bound, &other->requested);
    }
    if (first->sin6_port != second->sin6_port) {
        return false;
    }
    if (!same_family) {
        return (is_ipv6_wildcard(&open->bound) && !open->ipv6_only) ||
               (is_ipv6_wildcard(&other->requested) && !other->ipv6_only);
    }
    return is_wildcard(&open->bound) || is_wildcard(&other->requested) ||
           address_equal(&open->bound, &other->requested);
}

/* Has the listeners that are to be dropped make room for a new one: they stay bound, so that
   listeners_abandon can have them listen again. Returns whether there was any. */
static bool pause_overlapping(const struct listener *listener, struct listeners_change *change)
{
    bool some = false;

    for (size_t i = 0; i < change->dropped.count; i++) {
        struct listener *dropped = change->dropped.items[i];

        /* Calloc(3) has zeroed only what is * beyond `count`. */
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        if (!dropped->paused && overlaps(dropped, listener) &&
            shutdown(dropped->socket, SHUT_RD) == 0) {
            dropped->paused = some = true;
        }
    }
    return some;
}

/* What to do where the socket for a listener could not be opened. */
static const char *remedy(const struct listener *listener, const struct listeners_change *change,
                          int error, char *text, size_t size)
{
    char other[ADDRESS_TEXT_SIZE], holder[SOCKET_HOLDER_SIZE];

    switch (error) {
    case EADDRINUSE:
        for (size_t i = 0; i < change->next.count; i++) {
            if (overlaps(change->next.items[i], listener)) {
                snprintf(text, size, ": the listener on %s has it: leave one of the two out",
                         address_format(&change->next.items[i]->bound, other));
                return text;
            }
        }
        snprintf(text, size, ": %s has it: stop that one or choose another port",
                 socket_holder(&listener->requested, holder) ? holder : "another program");
        return text;
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

static bool listener_open(struct listener *listener, struct listeners_change *change,
                          struct problem *problem)
{
    const struct address *address = &listener->requested;
    char text[ADDRESS_TEXT_SIZE], advice[SOCKET_HOLDER_SIZE + ADDRESS_TEXT_SIZE + 64];
    struct address ipv4;

    /* Calloc(3) has zeroed only what is beyond * `count`. */
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    listener->socket = open_socket(address, listener->ipv6_only);
    if (listener->socket < 0 && errno == EADDRINUSE && pause_overlapping(listener, change)) {
        listener->socket = open_socket(address, listener->ipv6_only);
    }
    if (listener->socket < 0 && is_ipv6_wildcard(address) &&
        (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        log_warning("%s: there is no IPv6 here: listening on IPv4 alone",
                    address_format(address, text));
        if (listener->ipv6_only) {
            return true; /* another listener does so */
        }
        ipv4 = ipv4_wildcard(address);
        listener->socket = open_socket(&ipv4, false);
    }
    if (listener->socket < 0 || !read_bound(listener)) {
        int error = errno;

        return problem_set(problem, "cannot listen on %s: %s%s", address_format(address, text),
                           strerror(error),
                           remedy(listener, change, error, advice, sizeof(advice)));
    }
    return true;
}

bool listeners_prepare(struct listeners *listeners, const struct config *config,
                       struct listeners_change *change, struct problem *problem)
{
    bool good;

    *change = (struct listeners_change){0};
    good = plan(listeners, config, change) || problem_out_of_memory(problem);
    for (size_t i = 0; good && i < change->opened.count; i++) {
        good = listener_open(change->opened.items[i], change, problem);
    }
    if (!good) {
        listeners_abandon(change);
    }
    return good;
}

/* --- In force, or taken back --- */

void listeners_commit(struct listeners *listeners, struct listeners_change *change)
{
    for (size_t i = 0; i < change->next.count; i++) {
        change->next.items[i]->kind = change->next.items[i]->next_kind;
    }
    free(listeners->items);
    free(change->opened.items);
    *listeners = change->next;
    change->next = change->opened = (struct listeners){0};
}

void listeners_abandon(struct listeners_change *change)
{
    char text[ADDRESS_TEXT_SIZE];

    listeners_close(&change->opened);
    for (size_t i = 0; i < change->dropped.count; i++) {
        struct listener *listener = change->dropped.items[i];

        /* Calloc(3) has zeroed only what is * beyond `count`. */
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        if (listener->paused && listen(listener->socket, BACKLOG) != 0) {
            log_error("%s: cannot listen there again: %s: restart the daemon",
                      address_format(&listener->bound, text), strerror(errno));
        }
        listener->paused = false;
    }
    free(change->next.items);
    free(change->dropped.items);
    *change = (struct listeners_change){0};
}

static void listener_close(struct listener *listener)
{
    const struct sockaddr_un *address = (const void *)&listener->bound.socket;

    /* Calloc(3) has zeroed only what is beyond * `count`. */
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    if (listener->socket >= 0) {
        if (!listener->inherited && address->sun_family == AF_UNIX) {
            unlink(address->sun_path);
        }
        close(listener->socket);
    }
    free(listener);
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

            if (listener->kind == kind && listener->socket >= 0) {
                line_add_format(&line, "%s%s://%s%s", line.length ? " " : "",
                                kind == LISTENER_HTTPS ? "https" : "http",
                                address_format(&listener->bound, address),
                                kind == LISTENER_METRICS ? "/metrics" : "");
            }
        }
    }
    return text;
}
