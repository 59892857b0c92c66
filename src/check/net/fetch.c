#include "check/net/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check/net/text.h"
#include "config.h"

struct fetcher {
    CURLM *multi;
    gnutls_x509_trust_list_t trust;
    int timeout;
};

struct fetcher *fetcher_create(gnutls_x509_trust_list_t trust, int timeout, struct problem *problem)
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    if (!version->ssl_version || strncmp(version->ssl_version, "GnuTLS", 6) != 0) {
        problem_set(problem,
                    "libcurl uses %s, and certificates are looked at through GnuTLS: install "
                    "libcurl's GnuTLS build (Debian: libcurl3-gnutls)",
                    !version->ssl_version ? "no TLS" : version->ssl_version);
        return NULL;
    }
    struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
    CURLM *multi = curl_multi_init();
    if (!fetcher || !multi) {
        problem_out_of_memory(problem);
        free(fetcher);
        curl_multi_cleanup(multi);
        return NULL;
    }
    fetcher->multi = multi;
    fetcher->trust = trust;
    fetcher->timeout = timeout;
    return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (fetcher) {
        curl_multi_cleanup(fetcher->multi);
        free(fetcher);
    }
}

/* A header's value, without the white space around it, to be freed; NULL where the line is another
   header. */
static char *read_header(const char *line, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    if (length <= name_length || line[name_length] != ':' ||
        strncasecmp(line, name, name_length) != 0) {
        return NULL;
    }
    const char *start = line + name_length + 1;
    const char *end = line + length;
    while (start < end && strchr(" \t", *start)) {
        start++;
    }
    while (end > start && strchr(" \t\r\n", end[-1])) {
        end--;
    }
    return text_copy_part(start, (size_t)(end - start));
}

/* Keeps a header's value. The first of several counts. */
static void keep_header(const char *line, size_t length, const char *name, char **value)
{
    if (!*value) {
        *value = read_header(line, length, name);
    }
}

/* Adds a header's value to those before. */
static void join_header(const char *line, size_t length, const char *name, char **value)
{
    char *more = read_header(line, length, name);
    if (more && *value) {
        char *both = text_format("%s, %s", *value, more);
        free(*value);
        free(more);
        more = both;
    }
    *value = more ? more : *value;
}

static void forget(char **value)
{
    free(*value);
    *value = NULL;
}

static void forget_headers(struct fetch *fetch)
{
    forget(&fetch->content_type);
    forget(&fetch->cache_control);
    forget(&fetch->location);
    forget(&fetch->allow_origin);
}

static size_t take_header(char *line, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;
    size_t length = size * count;
    fetch->header_length += length;
    if (fetch->header_length > FETCH_HEADER_LIMIT) {
        fetch->broken_off = FETCH_TOO_LARGE;
        return 0;
    }
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        /* A new answer begins: the last one counts, after those with status 1xx. */
        forget_headers(fetch);
    }
    keep_header(line, length, "Content-Type", &fetch->content_type);
    keep_header(line, length, "Cache-Control", &fetch->cache_control);
    keep_header(line, length, "Location", &fetch->location);
    join_header(line, length, "Access-Control-Allow-Origin", &fetch->allow_origin);
    return length;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;
    size_t length = size * count;
    if (length > FETCH_BODY_LIMIT - fetch->body_length) {
        fetch->broken_off = FETCH_TOO_LARGE;
        return 0;
    }
    memcpy(fetch->body + fetch->body_length, data, length);
    fetch->body_length += length;
    fetch->body[fetch->body_length] = '\0';
    return length;
}

/* Runs after the handshake and before the request: like a homeserver, the tester sends no request
   to a server without a valid certificate. curl's own check is off, as it does not give all
   reasons. */
static int check_certificate(void *context, char *peer, char *local, int peer_port, int local_port)
{
    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    struct fetch *fetch = context;
    struct curl_tlssessioninfo *info = NULL;
    if (curl_easy_getinfo(fetch->handle, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || !info ||
        info->backend != CURLSSLBACKEND_GNUTLS || !info->internals) {
        return CURL_PREREQFUNC_ABORT;
    }
    certificate_inspect(info->internals, fetch->fetcher->trust, fetch->tls_name,
                        &fetch->certificate);
    if (!fetch->certificate.valid) {
        fetch->broken_off = FETCH_CERTIFICATE;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

static bool read_address(const struct sockaddr *from, struct ip_address *address)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)from;
        *address = ip_address_from_bytes(AF_INET, (const unsigned char *)&ipv4->sin_addr);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)from;
        *address = ip_address_from_bytes(AF_INET6, (const unsigned char *)&ipv6->sin6_addr);
        return true;
    }
    return false;
}

/* libcurl gets every socket from here, so the policy applies to every connection. It is asked with
   the address that libcurl is about to connect to, wherever that comes from. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *target)
{
    (void)purpose;
    struct fetch *fetch = context;
    struct ip_address address;
    if (!read_address(&target->addr, &address)) {
        return CURL_SOCKET_BAD;
    }
    fetch->reach = access_reach(&address);
    if (!access_allows(fetch->policy, fetch->limit, fetch->reach)) {
        fetch->broken_off = FETCH_FORBIDDEN;
        return CURL_SOCKET_BAD;
    }
    return socket(target->family, target->socktype | SOCK_CLOEXEC, target->protocol);
}

/* Notes whether the TCP connection was established: libcurl's times include TLS. */
static int close_socket(void *context, curl_socket_t socket)
{
    struct fetch *fetch = context;
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    fetch->connected =
        fetch->connected || getpeername(socket, (struct sockaddr *)&peer, &length) == 0;
    return close(socket);
}

/* Each request has a connection of its own with a full handshake, as a homeserver's first one. */
static void set_connection_options(struct fetch *fetch)
{
    CURL *handle = fetch->handle;
    long timeout = fetch->fetcher->timeout * 1000L;
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(handle, CURLOPT_CLOSESOCKETDATA, fetch);
    curl_easy_setopt(handle, CURLOPT_CONNECT_TO, fetch->connect_to);
    /* check_certificate has its own list of CAs, read once: without this each connection reads one.
     */
    curl_easy_setopt(handle, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void set_options(struct fetch *fetch, const struct fetch_request *request)
{
    CURL *handle = fetch->handle;
    set_connection_options(fetch);
    curl_easy_setopt(handle, CURLOPT_URL, request->url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "matrix-delegation-check/" PACKAGE_VERSION);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fetch->headers);
    curl_easy_setopt(handle, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(handle, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, fetch);
    fetch->uses_tls = strncasecmp(request->url, "https:", 6) == 0;
    if (fetch->uses_tls) {
        curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, check_certificate);
        curl_easy_setopt(handle, CURLOPT_PREREQDATA, fetch);
    }
}

static struct curl_slist *append(struct curl_slist *list, char *text)
{
    struct curl_slist *longer = curl_slist_append(list, text);
    free(text);
    return !longer ? list : longer;
}

void fetch_start(struct fetcher *fetcher, struct fetch *fetch, const struct fetch_request *request)
{
    char address[IP_TEXT_SIZE];
    memset(fetch, 0, sizeof(*fetch));
    fetch->fetcher = fetcher;
    fetch->address = request->address;
    fetch->port = request->port;
    fetch->limit = request->limit;
    fetch->policy = request->policy;
    fetch->tls_name = text_copy(request->tls_name);
    fetch->body = calloc(1, FETCH_BODY_LIMIT + 1);
    bool ipv6 = request->address.family == AF_INET6;
    fetch->connect_to = append(NULL, text_format("::%s%s%s:%d", ipv6 ? "[" : "",
                                                 ip_address_text(&request->address, address),
                                                 ipv6 ? "]" : "", request->port));
    if (request->host_header) {
        fetch->headers = append(fetch->headers, text_format("Host: %s", request->host_header));
    }
    if (request->origin) {
        fetch->origin = text_copy(request->origin);
        fetch->headers = append(fetch->headers, text_format("Origin: %s", request->origin));
    }
    fetch->handle = curl_easy_init();
    if (!fetch->handle || !fetch->body) {
        fetch->outcome = FETCH_CONNECT_FAILED;
        fetch->detail = text_format("out of memory");
        return;
    }
    set_options(fetch, request);
    curl_multi_add_handle(fetcher->multi, fetch->handle);
}

void fetch_clear(struct fetch *fetch)
{
    if (fetch->handle) {
        curl_multi_remove_handle(fetch->fetcher->multi, fetch->handle);
        curl_easy_cleanup(fetch->handle);
    }
    curl_slist_free_all(fetch->headers);
    curl_slist_free_all(fetch->connect_to);
    forget_headers(fetch);
    certificate_details_clear(&fetch->certificate);
    free(fetch->tls_name);
    free(fetch->origin);
    free(fetch->body);
    free(fetch->detail);
    memset(fetch, 0, sizeof(*fetch));
}

static enum fetch_outcome outcome_of_connect_error(CURL *handle)
{
    long error = 0;
    curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &error);
    switch (error) {
    case ECONNREFUSED:
        return FETCH_REFUSED;
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return FETCH_NO_ROUTE;
    case ETIMEDOUT:
        return FETCH_CONNECT_TIMEOUT;
    default:
        return FETCH_CONNECT_FAILED;
    }
}

static enum fetch_outcome outcome_of(struct fetch *fetch, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return FETCH_ANSWERED;
    case CURLE_COULDNT_CONNECT:
        return outcome_of_connect_error(fetch->handle);
    case CURLE_OPERATION_TIMEDOUT:
        return fetch->connected ? FETCH_ANSWER_TIMEOUT : FETCH_CONNECT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
        return FETCH_TLS_FAILED;
    default:
        /* check_certificate runs right after the handshake, so it has not come to its end. */
        return fetch->uses_tls && !fetch->certificate.seen ? FETCH_TLS_FAILED : FETCH_BROKEN;
    }
}

static void finish(struct fetch *fetch, CURLcode code)
{
    curl_easy_getinfo(fetch->handle, CURLINFO_RESPONSE_CODE, &fetch->status);
    /* A callback that aborted the transfer has set the outcome. */
    fetch->outcome =
        fetch->broken_off != FETCH_PENDING ? fetch->broken_off : outcome_of(fetch, code);
    const char *words = fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(code);
    fetch->detail = text_printable(words, strlen(words));
    curl_multi_remove_handle(fetch->fetcher->multi, fetch->handle);
    curl_easy_cleanup(fetch->handle);
    fetch->handle = NULL;
}

bool fetch_is_unconnected(const struct fetch *fetch)
{
    return fetch->outcome == FETCH_REFUSED || fetch->outcome == FETCH_CONNECT_TIMEOUT ||
           fetch->outcome == FETCH_CONNECT_FAILED || fetch->outcome == FETCH_NO_ROUTE ||
           fetch->outcome == FETCH_FORBIDDEN;
}

bool fetch_passes_cors(const struct fetch *fetch)
{
    return fetch->allow_origin && fetch->origin &&
           (strcmp(fetch->allow_origin, "*") == 0 ||
            strcmp(fetch->allow_origin, fetch->origin) == 0);
}

bool fetch_is_unchecked(const struct fetch *fetch)
{
    return fetch->outcome == FETCH_NO_ROUTE ||
           (fetch->outcome == FETCH_FORBIDDEN && fetch->reach == IP_OWN);
}

void fetcher_wait(struct fetcher *fetcher, struct curl_waitfd *fds, size_t count, int milliseconds)
{
    curl_multi_poll(fetcher->multi, fds, (unsigned)count, milliseconds, NULL);
}

bool fetcher_process(struct fetcher *fetcher)
{
    bool finished = false;
    int running = 0;
    int queued = 0;
    const CURLMsg *message = NULL;
    curl_multi_perform(fetcher->multi, &running);
    while ((message = curl_multi_info_read(fetcher->multi, &queued)) != NULL) {
        char *fetch = NULL;
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch) == CURLE_OK) {
            finish((struct fetch *)(void *)fetch, code);
            finished = true;
        }
    }
    return finished;
}
