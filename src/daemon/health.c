#include "daemon/health.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/site/site_table.h"

enum {
    PATIENCE = 5,      /* seconds */
    HEAD_LIMIT = 8192, /* bytes of an answer's status line and headers */
};

/* --- Where to ask --- */

static bool is_ipv6_wildcard(const struct address *address)
{
    const struct sockaddr_in6 *ipv6 = (const void *)&address->socket;

    return ipv6->sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&ipv6->sin6_addr);
}

/* The address at which to reach a listener: its own, or loopback for a wildcard. */
static struct address reachable(const struct address *listener)
{
    struct address address = *listener;
    struct sockaddr_in6 *ipv6 = (void *)&address.socket;
    struct sockaddr_in *ipv4 = (void *)&address.socket;

    if (is_ipv6_wildcard(listener)) {
        ipv6->sin6_addr = in6addr_loopback;
    } else if (address.socket.ss_family == AF_INET && ipv4->sin_addr.s_addr == INADDR_ANY) {
        ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    return address;
}

/* 127.0.0.1 with the port of an IPv6 address. */
static struct address loopback_ipv4(const struct address *ipv6)
{
    struct address address = {.length = sizeof(struct sockaddr_in)};
    struct sockaddr_in *ipv4 = (void *)&address.socket;

    ipv4->sin_family = AF_INET;
    ipv4->sin_port = ((const struct sockaddr_in6 *)(const void *)&ipv6->socket)->sin6_port;
    ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int connect_to(const struct address *address)
{
    const struct timeval patience = {.tv_sec = PATIENCE};
    int opened = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (opened < 0) {
        return -1;
    }
    setsockopt(opened, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(opened, (const struct sockaddr *)&address->socket, address->length) == 0) {
        return opened;
    }
    error = errno;
    close(opened);
    errno = error;
    return -1;
}

/* Connects to a listener. On a system without IPv6 [::] listens on IPv4; on another one it has
   both, and what answers on 127.0.0.1 alone is another program. */
static int connect_to_listener(const struct address *listener)
{
    struct address address = reachable(listener);
    int opened = connect_to(&address);

    if (opened < 0 && is_ipv6_wildcard(listener) &&
        (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == ENETUNREACH)) {
        address = loopback_ipv4(listener);
        opened = connect_to(&address);
    }
    return opened;
}

/* --- Asking --- */

/* The client's end of a connection. */
struct client {
    int socket;
    gnutls_session_t session; /* NULL: plain HTTP */
    gnutls_certificate_credentials_t credentials;
};

static void client_close(struct client *client)
{
    if (client->session) {
        gnutls_deinit(client->session);
    }
    if (client->credentials) {
        gnutls_certificate_free_credentials(client->credentials);
    }
    close(client->socket);
}

static bool client_start_tls(struct client *client, const char *host, struct problem *problem)
{
    bool literal = host[strspn(host, "0123456789.")] == '\0' || host[0] == '[';
    int status;

    if ((status = gnutls_certificate_allocate_credentials(&client->credentials)) < 0 ||
        (status = gnutls_init(&client->session, GNUTLS_CLIENT)) < 0 ||
        (status = gnutls_set_default_priority(client->session)) < 0 ||
        (status = gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE,
                                         client->credentials)) < 0 ||
        (!literal && (status = gnutls_server_name_set(client->session, GNUTLS_NAME_DNS, host,
                                                      strlen(host))) < 0)) {
        return problem_set(problem, "cannot set up TLS: %s", gnutls_strerror(status));
    }
    gnutls_transport_set_int(client->session, client->socket);
    gnutls_handshake_set_timeout(client->session, PATIENCE * 1000);
    do {
        status = gnutls_handshake(client->session);
    } while (status < 0 && !gnutls_error_is_fatal(status));
    return status == 0 ||
           problem_set(problem, "the TLS handshake failed: %s", gnutls_strerror(status));
}

static bool client_send(struct client *client, const char *text, struct problem *problem)
{
    size_t length = strlen(text);
    ssize_t sent = client->session ? gnutls_record_send(client->session, text, length)
                                   : send(client->socket, text, length, MSG_NOSIGNAL);

    return sent == (ssize_t)length || problem_set(problem, "the request could not be sent");
}

/* As recv(2); session tickets come first, and are no answer. */
static ssize_t client_receive(struct client *client, char *text, size_t size)
{
    ssize_t count;

    if (!client->session) {
        return recv(client->socket, text, size, 0);
    }
    do {
        count = gnutls_record_recv(client->session, text, size);
    } while ((count == GNUTLS_E_AGAIN && errno != EAGAIN) || count == GNUTLS_E_INTERRUPTED);
    if (count < 0) {
        errno = count == GNUTLS_E_AGAIN ? EAGAIN : EPROTO;
    }
    return count;
}

/* Reads the answer until the daemon closes the connection, `size` - 1 bytes are there, or the time
   is over. */
static bool client_read_all(struct client *client, char *text, size_t size, struct problem *problem)
{
    uint64_t deadline = monotonic_milliseconds() + PATIENCE * UINT64_C(1000);
    size_t length = 0;
    ssize_t count = 1;

    while (length < size - 1 && count > 0 && monotonic_milliseconds() < deadline) {
        count = client_receive(client, text + length, size - 1 - length);
        length += count > 0 ? (size_t)count : 0;
    }
    text[length] = '\0';
    return count >= 0 || length > 0 || problem_set(problem, "no answer: %s", strerror(errno));
}

/* --- What to ask for, and what to expect --- */

static enum document document_of(const struct domain_config *domain)
{
    if (domain->server) {
        return DOCUMENT_SERVER;
    }
    if (domain->client) {
        return DOCUMENT_CLIENT;
    }
    if (domain->support_page || domain->contact_count > 0) {
        return DOCUMENT_SUPPORT;
    }
    return DOCUMENT_POLICY_SERVER;
}

static bool has_redirect(const char *answer, const char *host)
{
    char expected[512];

    snprintf(expected, sizeof(expected), "\r\nLocation: https://%s", host);
    return strcasestr(answer, expected) != NULL;
}

/* Judges an answer; `document` is what is to be in it. */
static bool check_answer(const char *answer, const char *host, bool redirect, const char *document,
                         struct problem *problem)
{
    const char *status = redirect ? "308" : "200";
    const char *body = strstr(answer, "\r\n\r\n");

    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, 3) != 0) {
        return problem_set(problem, "it answers \"%.*s\" instead of %s",
                           (int)strcspn(answer, "\r\n"), answer, status);
    }
    if (redirect ? !has_redirect(answer, host) : !body || strcmp(body + 4, document) != 0) {
        return problem_set(problem,
                           "what it answers is not what this configuration has: reload the "
                           "daemon, or look whether another program has the address");
    }
    return true;
}

/* Asks over the connection, which it takes, for the document of a host. */
static bool ask(int socket, bool tls, const char *host, const char *name, char *answer, size_t size,
                struct problem *problem)
{
    struct client client = {.socket = socket};
    char request[512];
    bool good;

    snprintf(request, sizeof(request),
             "GET /.well-known/matrix/%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
             "User-Agent: matrix-wellknownd health check\r\n\r\n",
             name, host);
    good = (!tls || client_start_tls(&client, host, problem)) &&
           client_send(&client, request, problem) &&
           client_read_all(&client, answer, size, problem);
    client_close(&client);
    return good;
}

/* Compares what the daemon answers on this connection, which it takes, with the configuration. */
static bool compare(int socket, bool tls, const struct config *config, struct problem *problem)
{
    const struct domain_config *domain = &config->domains[0];
    const char *host = strcmp(domain->name, "*") == 0 ? "localhost" : domain->name;
    bool exists;
    char *document = site_document_render(domain, document_of(domain), &exists);
    size_t size = HEAD_LIMIT + (document ? strlen(document) : 0);
    char *answer = document ? malloc(size) : NULL;
    bool good = false;

    if (answer) {
        good = ask(socket, tls, host, document_name(document_of(domain)), answer, size, problem) &&
               check_answer(answer, host, !tls && config->http_redirect, document, problem);
    } else {
        close(socket);
        problem_out_of_memory(problem);
    }
    free(answer);
    free(document);
    return good;
}

bool health_check(const struct config *config, struct problem *problem)
{
    bool tls = config->listen_http.count == 0;
    const struct address_list *listeners = tls ? &config->listen : &config->listen_http;
    char text[ADDRESS_TEXT_SIZE];
    int opened;

    if (listeners->count == 0) {
        return problem_set(problem, "the configuration has no listener to ask");
    }
    address_format(&listeners->items[0], text);
    if (address_takes_free_port(&listeners->items[0])) {
        return problem_set(problem,
                           "%s: a free port was taken, and its number is not known here: "
                           "configure a fixed port",
                           text);
    }
    opened = connect_to_listener(&listeners->items[0]);
    if (opened < 0) {
        return problem_set(problem, "cannot connect to %s: %s: is the daemon running?", text,
                           strerror(errno));
    }
    return compare(opened, tls, config, problem) || problem_prefix(problem, "%s: ", text);
}
