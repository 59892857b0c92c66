#include "daemon/health.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    PATIENCE = 5
}; /* seconds */

/* The address at which to reach a listener: its own, or loopback for a wildcard. */
static struct address reachable(const struct address *listener)
{
    struct address address = *listener;
    struct sockaddr_in6 *ipv6 = (void *)&address.socket;
    struct sockaddr_in *ipv4 = (void *)&address.socket;

    if (address.socket.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&ipv6->sin6_addr)) {
        ipv6->sin6_addr = in6addr_loopback;
    } else if (address.socket.ss_family == AF_INET && ipv4->sin_addr.s_addr == INADDR_ANY) {
        ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    return address;
}

/* 127.0.0.1 with the port of an IPv6 address, for a listener that fell back to IPv4. */
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

/* Sends the request and reads the beginning of the answer; a negative GnuTLS error code or errno's
   negative on failure. */
static ssize_t exchange_plain(int socket, const char *request, char *answer, size_t size)
{
    size_t length = 0;

    if (send(socket, request, strlen(request), MSG_NOSIGNAL) < 0) {
        return -1;
    }
    while (length < size - 1) {
        ssize_t count = recv(socket, answer + length, size - 1 - length, 0);

        if (count < 0) {
            return -1;
        }
        if (count == 0) {
            break;
        }
        length += (size_t)count;
    }
    answer[length] = '\0';
    return (ssize_t)length;
}

static ssize_t exchange_tls(int socket, const char *host, const char *request, char *answer,
                            size_t size, struct problem *problem)
{
    gnutls_certificate_credentials_t credentials = NULL;
    gnutls_session_t session = NULL;
    ssize_t result = -1;
    int status;

    if ((status = gnutls_certificate_allocate_credentials(&credentials)) < 0 ||
        (status = gnutls_init(&session, GNUTLS_CLIENT)) < 0 ||
        (status = gnutls_set_default_priority(session)) < 0 ||
        (status = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials)) < 0 ||
        (host &&
         (status = gnutls_server_name_set(session, GNUTLS_NAME_DNS, host, strlen(host))) < 0)) {
        problem_set(problem, "cannot set up TLS: %s", gnutls_strerror(status));
        goto out;
    }
    gnutls_transport_set_int(session, socket);
    gnutls_handshake_set_timeout(session, PATIENCE * 1000);
    do {
        status = gnutls_handshake(session);
    } while (status < 0 && !gnutls_error_is_fatal(status));
    if (status < 0) {
        problem_set(problem, "the TLS handshake failed: %s", gnutls_strerror(status));
        goto out;
    }
    if (gnutls_record_send(session, request, strlen(request)) < 0) {
        problem_set(problem, "the request could not be sent");
        goto out;
    }
    do {
        /* Session tickets come first; they are no answer. */
        result = gnutls_record_recv(session, answer, size - 1);
    } while ((result == GNUTLS_E_AGAIN && errno != EAGAIN) || result == GNUTLS_E_INTERRUPTED);
    if (result < 0) {
        problem_set(problem, "no answer: %s", gnutls_strerror((int)result));
    } else {
        answer[result] = '\0';
    }
out:
    if (session) {
        gnutls_deinit(session);
    }
    if (credentials) {
        gnutls_certificate_free_credentials(credentials);
    }
    return result;
}

static const char *document_of(const struct domain_config *domain)
{
    if (domain->server) {
        return document_name(DOCUMENT_SERVER);
    }
    if (domain->client) {
        return document_name(DOCUMENT_CLIENT);
    }
    if (domain->support_page || domain->contact_count > 0) {
        return document_name(DOCUMENT_SUPPORT);
    }
    return document_name(DOCUMENT_POLICY_SERVER);
}

static bool ask(int socket, const struct config *config, bool tls, struct problem *problem)
{
    const struct domain_config *domain = &config->domains[0];
    const char *host = strcmp(domain->name, "*") == 0 ? "localhost" : domain->name;
    char request[512], answer[2048];
    const char *expected;
    ssize_t length;

    snprintf(request, sizeof(request),
             "GET /.well-known/matrix/%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
             "User-Agent: matrix-wellknownd health check\r\n\r\n",
             document_of(domain), host);
    if (tls) {
        bool literal = host[strspn(host, "0123456789.")] == '\0' || host[0] == '[';

        length =
            exchange_tls(socket, literal ? NULL : host, request, answer, sizeof(answer), problem);
        if (length < 0) {
            return false;
        }
    } else {
        length = exchange_plain(socket, request, answer, sizeof(answer));
        if (length < 0) {
            return problem_set(problem, "no answer: %s", strerror(errno));
        }
    }
    expected = !tls && config->http_redirect ? "308" : "200";
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, expected, 3) != 0) {
        return problem_set(problem, "it answers \"%.*s\" instead of %s",
                           (int)strcspn(answer, "\r\n"), answer, expected);
    }
    return true;
}

static unsigned port_of(const struct address *address)
{
    const struct sockaddr_in *ipv4 = (const void *)&address->socket;

    return ntohs(ipv4->sin_port); /* at the same place in IPv6 */
}

bool health_check(const struct config *config, struct problem *problem)
{
    bool tls = config->listen_http.count == 0;
    const struct address_list *listeners = tls ? &config->listen : &config->listen_http;
    char text[ADDRESS_TEXT_SIZE];
    struct address address;
    bool good;
    int opened;

    if (listeners->count == 0) {
        return problem_set(problem, "the configuration has no listener to ask");
    }
    address = reachable(&listeners->items[0]);
    address_format(&address, text);
    if (address.socket.ss_family != AF_UNIX && port_of(&address) == 0) {
        return problem_set(problem,
                           "%s: a free port was taken, and its number is not known here: "
                           "configure a fixed port",
                           text);
    }
    opened = connect_to(&address);
    if (opened < 0 && listeners->items[0].socket.ss_family == AF_INET6) {
        address = loopback_ipv4(&address);
        opened = connect_to(&address);
    }
    if (opened < 0) {
        return problem_set(problem, "cannot connect to %s: %s: is the daemon running?", text,
                           strerror(errno));
    }
    good = ask(opened, config, tls, problem) || problem_prefix(problem, "%s: ", text);
    close(opened);
    return good;
}
