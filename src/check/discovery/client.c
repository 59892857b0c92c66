#include "check/discovery/client.h"

#include <stdlib.h>
#include <string.h>

#include "check/findings/answers.h"
#include "check/findings/diagnosis.h"
#include "check/net/text.h"
#include "matrix/url.h"

void client_start(struct client *client, const struct network *network, const char *hostname,
                  const struct host_lookup *addresses)
{
    char *url = text_format("https://%s/.well-known/matrix/client", hostname);
    struct follow_request request = {
        .url = url,
        .addresses = addresses->addresses,
        .address_count = addresses->count,
        .limit = host_lookup_limit(addresses),
        .as_browser = true,
    };
    client->tried = true;
    client->network = network;
    follow_start(&client->document, network, &request);
    free(url);
}

static void ask_for_versions(struct client *client)
{
    size_t length = strlen(client->base_url);
    while (length > 0 && client->base_url[length - 1] == '/') {
        length--;
    }
    char *url = text_format("%.*s/_matrix/client/versions", (int)length, client->base_url);
    struct follow_request request = {
        .url = url,
        .limit = follow_limit(&client->document),
        .as_browser = true,
    };
    follow_start(&client->versions_follow, client->network, &request);
    client->versions_started = true;
    free(url);
}

static bool is_usable(const char *url, struct problem *problem)
{
    return url_check(url, false, problem) &&
           (url_is_https(url) ||
            problem_set(
                problem,
                "\"%s\" is not https: write it with https://, as browsers refuse plain HTTP",
                problem_excerpt(url).text));
}

static void read_document(struct client *client)
{
    const struct fetch *fetch = &client->document.fetch;
    struct problem problem;
    client->document_read = true;
    if (!follow_is_answered(&client->document) || fetch->status != 200) {
        return;
    }
    client->body = answer_parse(fetch->body, fetch->body_length, &client->body_error);
    client->base_url = answer_base_url(client->body, "m.homeserver");
    if (client->base_url && is_usable(client->base_url, &problem)) {
        ask_for_versions(client);
    }
}

bool client_advance(struct client *client)
{
    if (!client->tried) {
        return true;
    }
    if (!follow_advance(&client->document)) {
        return false;
    }
    if (!client->document_read) {
        read_document(client);
    }
    return !client->versions_started || follow_advance(&client->versions_follow);
}

/* The first finding is the client's error. */
static void add(struct client *client, struct branch at, struct finding finding)
{
    enum finding_code code = branch_add_finding(at, finding);
    client->error = client->error == FINDING_NONE ? code : client->error;
}

/* Why browsers hide an answer from web clients. */
static char *cors_flaw(const struct follow *follow, const char *what)
{
    const char *allowed = follow->fetch.allow_origin;
    if (follow->insecure) {
        return text_format("a redirect to %s leads to plain HTTP, which browsers refuse", what);
    }
    if (fetch_passes_cors(&follow->fetch)) {
        return text_format("a redirect to %s has no CORS header, so browsers hide it from web "
                           "clients",
                           what);
    }
    if (!allowed) {
        return text_format("the answer for %s has no CORS header, so browsers hide it from web "
                           "clients",
                           what);
    }
    char *shown = text_printable(allowed, strlen(allowed));
    char *text =
        strchr(allowed, ',')
            ? text_format("the answer for %s has several values of Access-Control-Allow-Origin "
                          "(%s), which browsers refuse",
                          what, shown)
            : text_format("the CORS header of %s allows only %s", what, shown);
    free(shown);
    return text;
}

static char *cors_hint(const struct follow *follow)
{
    const char *allowed = follow->fetch.allow_origin;
    return !follow->insecure && allowed && strchr(allowed, ',')
               ? text_format("send Access-Control-Allow-Origin: * once: perhaps a proxy adds what "
                             "the server behind it sends already")
               : NULL;
}

static void diagnose_cors(struct client *client, struct branch at, enum mark mark)
{
    const struct follow *document = &client->document;
    client->cors = follow_is_shown_to_browsers(document);
    if (!client->cors) {
        add(client, at,
            (struct finding){
                .code = document->insecure ? FINDING_REDIRECT_INSECURE : FINDING_CLIENT_CORS,
                .mark = mark,
                .text = cors_flaw(document, "the client document"),
                .hint = cors_hint(document),
            });
    }
}

/* Where the API's address cannot even be asked. */
static bool diagnose_api_address(struct client *client, struct branch at)
{
    const struct follow *follow = &client->versions_follow;
    if (follow->redirects > 0) {
        return false;
    }
    if (follow->outcome == FOLLOW_FORBIDDEN) {
        add(client, at, diagnose_forbidden_url(client->shown_url, follow->forbidden_reach));
        return true;
    }
    if (follow->outcome == FOLLOW_UNRESOLVED) {
        add(client, at,
            (struct finding){
                .code = FINDING_CLIENT_BASE_URL_INVALID,
                .text = text_format("base_url %s: its host has no address", client->shown_url),
                .hint = text_format("correct base_url, or add its host to the DNS"),
            });
        return true;
    }
    return false;
}

static void diagnose_versions_body(struct client *client, struct branch at)
{
    const struct follow *follow = &client->versions_follow;
    char *error = NULL;
    json_t *document = answer_parse(follow->fetch.body, follow->fetch.body_length, &error);
    client->versions = answer_versions(document);
    if (!client->versions) {
        add(client, at,
            (struct finding){
                .code = FINDING_CLIENT_VERSIONS_INVALID,
                .text = text_format("%s/_matrix/client/versions does not list versions (%s)",
                                    client->shown_url, error ? error : "no \"versions\" array"),
            });
    } else if (!follow_is_shown_to_browsers(follow)) {
        char *url = text_format("%s/_matrix/client/versions", client->shown_url);
        add(client, at,
            (struct finding){
                .code = follow->insecure ? FINDING_REDIRECT_INSECURE : FINDING_CLIENT_VERSIONS_CORS,
                .mark = MARK_ERROR,
                .text = cors_flaw(follow, url),
                .hint = cors_hint(follow),
            });
        free(url);
    }
    json_decref(document);
    free(error);
}

static void diagnose_versions(struct client *client, struct branch at)
{
    const struct follow *follow = &client->versions_follow;
    if (diagnose_api_address(client, at)) {
        return;
    }
    if (!follow_is_answered(follow)) {
        struct diagnosis_context context = {.tls_name = follow->fetch.tls_name};
        enum finding_code code = diagnose_follow(at, MARK_ERROR, follow, &context);
        client->error = client->error == FINDING_NONE ? code : client->error;
    } else if (follow->fetch.status != 200) {
        add(client, at,
            (struct finding){
                .code = FINDING_CLIENT_VERSIONS_STATUS,
                .text = text_format("%s/_matrix/client/versions answers with status %ld",
                                    client->shown_url, follow->fetch.status),
            });
    } else {
        diagnose_versions_body(client, at);
    }
}

static void diagnose_identity_server(struct client *client, struct branch at)
{
    struct problem problem;
    if (!json_object_get(client->body, "m.identity_server")) {
        return;
    }
    char *url = answer_base_url(client->body, "m.identity_server");
    if (!url) {
        add(client, at,
            (struct finding){
                .code = FINDING_CLIENT_IDENTITY_SERVER_INVALID,
                .text = text_format("m.identity_server has no base_url"),
            });
    } else if (!is_usable(url, &problem)) {
        add(client, at,
            diagnose_problem(FINDING_CLIENT_IDENTITY_SERVER_INVALID, "m.identity_server's base_url",
                             &problem));
    }
    free(url);
}

static void diagnose_body(struct client *client, struct branch at)
{
    struct problem problem;
    if (!client->body) {
        add(client, at,
            (struct finding){
                .code = FINDING_CLIENT_NOT_JSON,
                .text = text_format("the client document is not a JSON object (%s)",
                                    client->body_error),
            });
        return;
    }
    if (!client->base_url) {
        add(client, at,
            (struct finding){
                .code = FINDING_CLIENT_NO_BASE_URL,
                .text = text_format("the client document has no m.homeserver with a base_url"),
            });
        return;
    }
    client->shown_url = text_printable(client->base_url, strlen(client->base_url));
    if (!is_usable(client->base_url, &problem)) {
        add(client, at,
            diagnose_problem(FINDING_CLIENT_BASE_URL_INVALID, "m.homeserver's base_url", &problem));
        return;
    }
    diagnose_versions(client, at);
    diagnose_identity_server(client, at);
}

static void diagnose_answer(struct client *client, const char *hostname, struct branch at)
{
    long status = client->document.fetch.status;
    if (status == 200) {
        diagnose_cors(client, at, MARK_ERROR);
        diagnose_body(client, at);
        return;
    }
    if (status == 404 || status == 410) {
        add(client, at,
            (struct finding){
                .code = FINDING_CLIENT_ABSENT,
                .text = text_format("there is no document at https://%s/.well-known/matrix/client "
                                    "(status %ld), so users have to type the homeserver's URL",
                                    hostname, status),
            });
    } else {
        add(client, at,
            (struct finding){
                .code = FINDING_CLIENT_STATUS,
                .text = text_format("https://%s/.well-known/matrix/client answers with status %ld",
                                    hostname, status),
            });
    }
    diagnose_cors(client, at, MARK_WARN);
}

void client_diagnose(struct client *client, const char *hostname, struct branch at)
{
    if (!client->tried) {
        return;
    }
    struct lines details = {0};
    struct branch below = {.lines = &details, .depth = at.depth + 1};
    if (follow_is_answered(&client->document)) {
        diagnose_answer(client, hostname, below);
    } else {
        struct diagnosis_context context = {.tls_name = hostname};
        client->error = diagnose_follow(below, MARK_WARN, &client->document, &context);
    }
    client->ok = client->error == FINDING_NONE;
    enum mark mark = client->ok ? MARK_GOOD : lines_worst(&details);
    branch_add(at, mark, "Client discovery%s%s%s", client->shown_url ? ": " : "",
               client->shown_url ? client->shown_url : "",
               client->shown_url && client->ok ? ", readable in browsers" : "");
    lines_append(at.lines, &details);
}

void client_clear(struct client *client)
{
    follow_clear(&client->document);
    follow_clear(&client->versions_follow);
    free(client->base_url);
    free(client->body_error);
    free(client->shown_url);
    json_decref(client->body);
    json_decref(client->versions);
    *client = (struct client){0};
}
