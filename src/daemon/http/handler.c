#include "daemon/http/handler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/acme/webroot.h"
#include "daemon/http/access_log.h"
#include "daemon/http/metrics.h"
#include "daemon/http/quirks.h"
#include "daemon/http/request.h"
#include "daemon/net/connection.h"
#include "daemon/site/responses.h"

/* A request with a body is answered when the body has been read, so that its rest does not make the
   kernel reset the connection under the answer; a longer one than this is not waited for. */
enum {
    BODY_LIMIT = 64 * 1024
};

/* More than libmicrohttpd's memory for one request, so every target fits. In bytes. */
enum {
    TARGET_SIZE = 16 * 1024
};

/* A request as far as an answer depends on it. */
struct request {
    struct connection *connection;
    struct MHD_Connection *handle;
    const struct site_table *table;
    const char *method;
    const char *version;
    struct request_target target; /* raw, without the query */
    size_t path_offset;           /* where its path begins */
    const char *host_field;       /* the Host header, or NULL */
    unsigned host_fields;         /* how many there were */
    struct request_framing framing;
    struct quirks_section section;
    bool malformed;
    enum counters_document document;
};

static struct connection *connection_of(struct MHD_Connection *handle)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info->socket_context;
}

void *http_see_target(void *context, const char *target, struct MHD_Connection *handle)
{
    struct connection *connection = connection_of(handle);
    const struct site_table *table = service_table(connection->set->service);

    (void)context;
    transport_note_result(&connection->stream);
    target = target ? target : "";
    connection->stream.close_after = false;
    connection->request_seen = false;
    connection->body_received = 0;
    connection->target_end = target + strlen(target);
    connection->line_malformed = !request_target_is_well_formed(target);
    free(connection->target);
    /* libmicrohttpd is about to take the query apart. Only these two want it whole. */
    connection->target = table->redirects || table->access_log ? strdup(target) : NULL;
    return NULL;
}

size_t http_leave_escaped(void *context, struct MHD_Connection *handle, char *text)
{
    (void)context;
    (void)handle;
    return strlen(text);
}

static enum MHD_Result see_field(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct request *request = context;

    value = value ? value : "";
    if (!request_is_token(name) || !request_value_is_well_formed(value)) {
        request->malformed = true;
    }
    if (kind == MHD_HEADER_KIND) {
        if (!quirks_line_is_whole(&request->section, name, value)) {
            request->malformed = true;
        }
        request_framing_add(&request->framing, name, value);
        if (strcasecmp(name, "Host") == 0) {
            request->host_field = value;
            request->host_fields++;
        }
    }
    return MHD_YES;
}

/* Looks at all fields. What is malformed in them libmicrohttpd 0.9 mostly lets through, and a proxy
   before us may have read it otherwise. */
static void read_fields(struct request *request)
{
    MHD_get_connection_values(request->handle, MHD_HEADER_KIND | MHD_FOOTER_KIND, see_field,
                              request);
    if (!quirks_section_is_whole(&request->section, request->handle, request->method)) {
        request->malformed = true;
    }
    /* HTTP/1.0 has no chunks (RFC 9112, section 6.1). */
    if (request->framing.broken ||
        (request->framing.chunked && strcmp(request->version, "HTTP/1.0") == 0)) {
        request->malformed = true;
    }
}

static struct answer answer_document(const struct request *request, const struct site *site,
                                     enum document document)
{
    struct document_answer *answer = site->documents[document];

    if (strcmp(request->method, "OPTIONS") == 0) {
        return responses_fixed(ANSWER_OPTIONS);
    }
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        return responses_fixed(ANSWER_METHOD_NOT_ALLOWED);
    }
    if (!answer) {
        return responses_fixed(ANSWER_NO_SERVER_DOCUMENT + document);
    }
    return document_answer_get(
        answer, MHD_lookup_connection_value(request->handle, MHD_HEADER_KIND, "If-None-Match"));
}

/* The length of a field's value without the blanks after it. */
static size_t field_length(const char *value)
{
    size_t length = strlen(value);

    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t')) {
        length--;
    }
    return length;
}

/* Brings the host that the request is for into `host`; "" where HTTP/1.0 names none. False,
   and the answer that is due, where the host is not as it should be (RFC 9112, section 3.2). */
static bool find_host(const struct request *request, char host[static SITE_HOST_SIZE],
                      enum fixed_answer *refusal)
{
    const char *authority = request->target.authority;

    host[0] = '\0';
    if (request->host_fields > 1) {
        *refusal = ANSWER_HOST_REPEATED;
        return false;
    }
    if (request->host_fields == 0 && strcmp(request->version, "HTTP/1.0") != 0) {
        *refusal = ANSWER_HOST_MISSING;
        return false;
    }
    /* The target's authority goes before the field, which has to be good all the same. */
    if (request->host_fields == 1 && (!authority || *request->host_field) &&
        !site_host_normalize(request->host_field, field_length(request->host_field), host)) {
        *refusal = ANSWER_HOST_MALFORMED;
        return false;
    }
    if (authority && !site_host_normalize(authority, request->target.authority_length, host)) {
        *refusal = ANSWER_HOST_MALFORMED;
        return false;
    }
    return true;
}

/* The site of a host; without one, the only site or the one for any host. */
static const struct site *find_site(const struct site_table *table, const char *host)
{
    if (host[0]) {
        return site_table_lookup(table, host);
    }
    return table->site_count == 1 ? &table->sites[0] : table->any;
}

static struct answer redirect(const struct request *request, const char *base)
{
    const char *target = request->connection->target;
    const char *path = target ? target + request->path_offset : "";

    if (*path != '/') {
        /* "http://host?query": the path is "/" (RFC 9110, section 4.2.3). */
        char with_slash[TARGET_SIZE];

        snprintf(with_slash, sizeof(with_slash), "/%s", path);
        return response_redirect(base, with_slash);
    }
    return response_redirect(base, path);
}

/* Sends a request on a plain listener to the same place by HTTPS. */
static struct answer redirect_to_https(const struct request *request, const struct site *site,
                                       const char *host)
{
    char base[sizeof("https://") + SITE_HOST_SIZE];

    host = host[0] ? host : site->host; /* HTTP/1.0 */
    if (strcmp(host, "*") == 0) {
        return responses_fixed(ANSWER_HOST_MISSING);
    }
    snprintf(base, sizeof(base), "https://%s", host);
    return redirect(request, base);
}

static struct answer choose_site_answer(struct request *request)
{
    const struct site_table *table = request->table;
    bool plain = request->connection->kind == LISTENER_HTTP;
    char host[SITE_HOST_SIZE];
    enum fixed_answer refusal;
    const struct site *site;
    enum document document;
    bool is_document;

    if (!find_host(request, host, &refusal)) {
        return responses_fixed(refusal);
    }
    if (plain && table->acme_webroot && acme_webroot_owns(request->target.path)) {
        return acme_webroot_answer(table->acme_webroot, request->target.path, request->method);
    }
    site = find_site(table, host);
    if (!site) {
        return host[0] ? response_unknown_host(host) : responses_fixed(ANSWER_HOST_MISSING);
    }
    is_document = request_names_document(request->target.path, &document);
    if (is_document) {
        request->document = COUNTERS_DOCUMENT_FIRST + document;
    }
    if (plain && table->http_redirect) {
        return redirect_to_https(request, site, host);
    }
    if (is_document) {
        return answer_document(request, site, document);
    }
    if (site->redirect) {
        return redirect(request, site->redirect);
    }
    return responses_fixed(ANSWER_UNRECOGNIZED);
}

static struct answer choose_metrics_answer(const struct request *request)
{
    char *text;

    if (strcmp(request->target.path, "/metrics") != 0) {
        return responses_fixed(ANSWER_UNRECOGNIZED);
    }
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        return responses_fixed(ANSWER_METHOD_NOT_ALLOWED);
    }
    text = metrics_render(request->connection->set->service);
    return text ? response_text(text, metrics_content_type) : (struct answer){0};
}

static struct answer choose_answer(struct request *request)
{
    if (request->connection->misdirected) {
        return responses_fixed(ANSWER_PLAIN_HTTP_TO_TLS);
    }
    if (request->malformed) {
        return responses_fixed(ANSWER_REQUEST_MALFORMED);
    }
    return request->connection->kind == LISTENER_METRICS ? choose_metrics_answer(request)
                                                         : choose_site_answer(request);
}

/* Whether the connection ends with this answer (RFC 9112, section 9.3). Where this guess is wrong,
   an answer leaves some milliseconds later, see tls.c, and nothing worse. */
static bool closes_after(const struct request *request)
{
    const char *field = MHD_lookup_connection_value(request->handle, MHD_HEADER_KIND, "Connection");

    if (strcmp(request->version, "HTTP/1.0") == 0) {
        return !field || strcasestr(field, "keep-alive") == NULL;
    }
    return field && strcasestr(field, "close") != NULL;
}

static enum MHD_Result queue_answer(struct request *request)
{
    struct connection *connection = request->connection;
    struct answer answer;
    enum MHD_Result queued;
    bool has_body;

    answer = choose_answer(request);
    if (!answer.response) {
        return MHD_NO; /* no memory: all that is left is to hang up */
    }
    has_body = answer.length > 0 && strcmp(request->method, "HEAD") != 0;
    transport_begin_answer(&connection->stream, has_body ? 2 : 1, closes_after(request));
    queued = MHD_queue_response(request->handle, answer.status, answer.response);
    connection_enter(connection, CONNECTION_ANSWERING);
    if (connection->kind != LISTENER_METRICS) {
        counters_add_request(&connection->set->counters, request->document, answer.status);
        if (request->table->access_log) {
            access_log_write(connection, request->handle, request->method, request->version,
                             answer.status, has_body ? answer.length : 0);
        }
    }
    if (answer.temporary) {
        MHD_destroy_response(answer.response);
    }
    return queued;
}

/* Whether the request announces a body that is too long to wait for. */
static bool announces_long_body(const struct request *request)
{
    const char *length = request->framing.length;

    return length && strtoull(length, NULL, 10) > BODY_LIMIT;
}

/* Takes the target apart. It has to be a path, a URL, or `*` in OPTIONS (RFC 9112, section 3.2). */
static void read_target(struct request *request, const char *url)
{
    bool everything = strcmp(request->method, "OPTIONS") == 0 && strcmp(url, "*") == 0;

    request->target = request_target_read(url);
    request->path_offset = (size_t)(request->target.path - url);
    if (!request->target.authority && url[0] != '/' && !everything) {
        request->malformed = true;
    }
}

enum MHD_Result http_answer(void *context, struct MHD_Connection *handle, const char *url,
                            const char *method, const char *version, const char *body,
                            size_t *body_size, void **state)
{
    struct connection *connection = connection_of(handle);
    struct request request = {
        .connection = connection,
        .handle = handle,
        .table = service_table(connection->set->service),
        .method = method,
        .version = version,
        .section = quirks_section_begin(version),
        .document = COUNTERS_DOCUMENT_OTHER,
    };

    (void)context;
    (void)body;
    (void)state;
    transport_note_result(&connection->stream);
    if (connection->request_seen && *body_size > 0) {
        connection->body_received += *body_size;
        *body_size = 0;
        return connection->body_received <= BODY_LIMIT ? MHD_YES : MHD_NO;
    }
    if (!connection->request_seen && connection->end_unclear) {
        return MHD_NO;
    }
    read_target(&request, url);
    read_fields(&request);
    connection->end_unclear = request.framing.chunked && !quirks_chunks_end_well();
    if (!connection->request_seen &&
        (!request_is_token(method) ||
         !quirks_request_line_is_whole(method, url, version, connection->target_end))) {
        connection->line_malformed = true;
    }
    request.malformed = request.malformed || connection->line_malformed;
    /* libmicrohttpd closes a connection that is answered in this, its first call for a request. */
    if (!connection->request_seen && !request.malformed && !announces_long_body(&request)) {
        connection->request_seen = true;
        return MHD_YES;
    }
    return queue_answer(&request);
}

void http_completed(void *context, struct MHD_Connection *handle, void **state,
                    enum MHD_RequestTerminationCode how)
{
    struct connection *connection = connection_of(handle);

    (void)context;
    (void)state;
    (void)how;
    transport_note_progress(&connection->stream);
    free(connection->target);
    connection->target = NULL;
    if (connection->phase == CONNECTION_ANSWERING) {
        transport_end_answer(&connection->stream);
        connection_enter(connection, CONNECTION_IDLE);
    }
}
