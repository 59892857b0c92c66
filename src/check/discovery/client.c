#include "check/discovery/client.h"

#include <stdlib.h>
#include <string.h>

#include "check/answers.h"
#include "check/diagnosis.h"
#include "check/text.h"
#include "matrix/url.h"

static const char cors_hint[] = "send Access-Control-Allow-Origin: * with every answer there, "
                                "redirects and errors too";
static const char document_hint[] =
    "answer with {\"m.homeserver\": {\"base_url\": \"https://matrix.example.com\"}}";

void client_start(struct client *client, const struct environment *environment,
                  const char *hostname, const struct host_lookup *addresses)
{
    char *url = text_format("https://%s/.well-known/matrix/client", hostname);
    client->tried = true;
    client->environment = environment;
    struct follow_request request = {
        .url = url,
        .addresses = addresses->addresses,
        .address_count = addresses->count,
        .limit = host_lookup_limit(addresses),
        .as_browser = true,
    };
    follow_start(&client->document, environment, &request);
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
    follow_start(&client->versions_follow, client->environment, &request);
    client->versions_started = true;
    free(url);
}

static bool is_answered(const struct follow *follow)
{
    return follow->outcome == FOLLOW_FETCHED && follow->fetch.outcome == FETCH_ANSWERED;
}

static bool is_usable(const char *url, struct problem *problem)
{
    return url_check(url, false, problem) &&
           (url_is_https(url) ||
            problem_set(problem,
                        "\"%s\" is not https: write it with https://, as browsers refuse "
                        "the other",
                        problem_excerpt(url).text));
}

static void read_document(struct client *client)
{
    const struct fetch *fetch = &client->document.fetch;
    struct problem problem;
    client->document_read = true;
    if (!is_answered(&client->document) || fetch->status != 200) {
        return;
    }
    client->body = answer_parse(fetch->body, fetch->body_length, &client->body_error);
    client->base_url = answer_base_url(client->body, "m.homeserver");
    if (client->base_url != NULL && is_usable(client->base_url, &problem)) {
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

/* Adds an error; the first one is the client's. */
static void fault(struct client *client, struct lines *lines, int depth, enum mark mark,
                  enum finding_code code, char *text, const char *hint)
{
    lines_add_finding(lines, depth, mark, code, text, text_copy(hint, strlen(hint)));
    client->error = client->error == FINDING_NONE ? code : client->error;
}

static void judge_cors(struct client *client, struct lines *lines, int depth, enum mark mark)
{
    const struct follow *document = &client->document;
    bool shown = follow_is_shown_to_browsers(&document->fetch);
    client->cors = shown && !document->redirect_hidden;
    if (client->cors) {
        return;
    }
    const char *origin = document->fetch.allow_origin;
    char *printable =
        text_printable(origin == NULL ? "" : origin, origin == NULL ? 0 : strlen(origin));
    char *text = shown ? text_format("a redirect to the client document has no CORS header, so "
                                     "web clients never see it")
                 : origin == NULL
                     ? text_format("the answer for the client document has no CORS header, so "
                                   "web clients never see it")
                     : text_format("the client document's CORS header allows only %s", printable);
    fault(client, lines, depth, mark, FINDING_CLIENT_CORS, text, cors_hint);
    free(printable);
}

static void fault_of_problem(struct client *client, struct lines *lines, int depth,
                             enum finding_code code, const char *key, const struct problem *problem)
{
    char *text = NULL;
    char *hint = NULL;
    judge_split_problem(problem, document_hint, &text, &hint);
    fault(client, lines, depth, MARK_ERROR, code, text_format("%s's base_url %s", key, text), hint);
    free(text);
    free(hint);
}

/* Where the API's address cannot even be asked. */
static bool judge_api_address(struct client *client, struct lines *lines, int depth)
{
    const struct follow *follow = &client->versions_follow;
    if (follow->redirects > 0) {
        return false;
    }
    if (follow->outcome == FOLLOW_FORBIDDEN) {
        const struct forbidden *forbidden = judge_forbidden(follow->forbidden_reach);
        fault(client, lines, depth, forbidden->unchecked ? MARK_WARN : MARK_ERROR, forbidden->code,
              text_format("base_url %s: %s", client->shown_url, forbidden->base_url),
              forbidden->hint);
        return true;
    }
    if (follow->outcome == FOLLOW_UNRESOLVED) {
        fault(client, lines, depth, MARK_ERROR, FINDING_CLIENT_BASE_URL_INVALID,
              text_format("base_url %s: its host has no address", client->shown_url),
              "correct base_url, or add its host to the DNS");
        return true;
    }
    return false;
}

static void judge_versions(struct client *client, struct lines *lines, int depth)
{
    const struct follow *follow = &client->versions_follow;
    const struct fetch *fetch = &follow->fetch;
    char *error = NULL;
    if (judge_api_address(client, lines, depth)) {
        return;
    }
    if (!is_answered(follow)) {
        struct judge_context context = {.tls_name = fetch->tls_name};
        enum finding_code code = judge_follow(lines, depth, MARK_ERROR, follow, &context);
        client->error = client->error == FINDING_NONE ? code : client->error;
        return;
    }
    if (fetch->status != 200) {
        fault(
            client, lines, depth, MARK_ERROR, FINDING_CLIENT_VERSIONS_STATUS,
            text_format("%s/_matrix/client/versions answers %ld", client->shown_url, fetch->status),
            "have the homeserver, or the reverse proxy before it, answer everything under "
            "/_matrix there, or correct base_url");
        return;
    }
    json_t *document = answer_parse(fetch->body, fetch->body_length, &error);
    client->versions = answer_versions(document);
    if (client->versions == NULL) {
        fault(client, lines, depth, MARK_ERROR, FINDING_CLIENT_VERSIONS_INVALID,
              text_format("%s/_matrix/client/versions answers no versions (%s)", client->shown_url,
                          error == NULL ? "no \"versions\" array" : error),
              "let base_url name the homeserver: something else answers there");
    } else if (!follow_is_shown_to_browsers(fetch) || follow->redirect_hidden) {
        fault(client, lines, depth, MARK_ERROR, FINDING_CLIENT_VERSIONS_CORS,
              text_format("%s/_matrix/client/versions has no CORS header, so web clients cannot "
                          "use the homeserver",
                          client->shown_url),
              "let the reverse proxy pass the homeserver's CORS headers on");
    }
    json_decref(document);
    free(error);
}

static void judge_identity_server(struct client *client, struct lines *lines, int depth)
{
    struct problem problem;
    if (json_object_get(client->body, "m.identity_server") == NULL) {
        return;
    }
    client->identity_server = answer_base_url(client->body, "m.identity_server");
    if (client->identity_server == NULL) {
        fault(client, lines, depth, MARK_ERROR, FINDING_CLIENT_IDENTITY_SERVER_INVALID,
              text_format("m.identity_server has no base_url"),
              "give it a base_url, or leave m.identity_server out");
    } else if (!is_usable(client->identity_server, &problem)) {
        fault_of_problem(client, lines, depth, FINDING_CLIENT_IDENTITY_SERVER_INVALID,
                         "m.identity_server", &problem);
    }
}

static void judge_body(struct client *client, struct lines *lines, int depth)
{
    struct problem problem;
    if (client->body == NULL) {
        fault(client, lines, depth, MARK_ERROR, FINDING_CLIENT_NOT_JSON,
              text_format("the client document is no JSON object (%s)", client->body_error),
              document_hint);
        return;
    }
    if (client->base_url == NULL) {
        fault(client, lines, depth, MARK_ERROR, FINDING_CLIENT_NO_BASE_URL,
              text_format("the client document has no m.homeserver with a base_url"),
              document_hint);
        return;
    }
    client->shown_url = text_printable(client->base_url, strlen(client->base_url));
    if (!is_usable(client->base_url, &problem)) {
        fault_of_problem(client, lines, depth, FINDING_CLIENT_BASE_URL_INVALID, "m.homeserver",
                         &problem);
        return;
    }
    judge_versions(client, lines, depth);
    judge_identity_server(client, lines, depth);
}

static void judge_answer(struct client *client, const char *hostname, struct lines *lines,
                         int depth)
{
    long status = client->document.fetch.status;
    if (status == 404 || status == 410) {
        fault(client, lines, depth, MARK_WARN, FINDING_CLIENT_ABSENT,
              text_format("there is no document at https://%s/.well-known/matrix/client (status "
                          "%ld), so people must type the homeserver's URL",
                          hostname, status),
              document_hint);
        judge_cors(client, lines, depth, MARK_WARN);
    } else if (status != 200) {
        fault(client, lines, depth, MARK_ERROR, FINDING_CLIENT_STATUS,
              text_format("https://%s/.well-known/matrix/client answers %ld", hostname, status),
              document_hint);
        judge_cors(client, lines, depth, MARK_WARN);
    } else {
        judge_cors(client, lines, depth, MARK_ERROR);
        judge_body(client, lines, depth);
    }
}

static void add_heading(const struct client *client, struct lines *lines, int depth, enum mark mark)
{
    if (client->shown_url != NULL) {
        lines_add(lines, depth, mark, "Client discovery: %s%s", client->shown_url,
                  client->ok ? ", readable in browsers" : "");
    } else {
        lines_add(lines, depth, mark, "Client discovery");
    }
}

void client_judge(struct client *client, const char *hostname, struct lines *lines, int depth)
{
    struct lines details = {0};
    if (!client->tried) {
        return;
    }
    if (is_answered(&client->document)) {
        judge_answer(client, hostname, &details, depth + 1);
    } else {
        struct judge_context context = {.tls_name = hostname};
        client->error = judge_follow(&details, depth + 1, MARK_WARN, &client->document, &context);
    }
    client->ok = client->error == FINDING_NONE;
    add_heading(client, lines, depth, client->ok ? MARK_GOOD : lines_worst(&details, 0));
    lines_append(lines, &details);
}

void client_clear(struct client *client)
{
    follow_clear(&client->document);
    follow_clear(&client->versions_follow);
    free(client->base_url);
    free(client->identity_server);
    free(client->body_error);
    free(client->shown_url);
    json_decref(client->body);
    json_decref(client->versions);
    memset(client, 0, sizeof(*client));
}

void support_start(struct support *support, const struct environment *environment,
                   const char *hostname, const struct host_lookup *addresses)
{
    char *url = text_format("https://%s/.well-known/matrix/support", hostname);
    support->tried = true;
    struct follow_request request = {
        .url = url,
        .addresses = addresses->addresses,
        .address_count = addresses->count,
        .limit = host_lookup_limit(addresses),
    };
    follow_start(&support->document, environment, &request);
    free(url);
}

bool support_advance(struct support *support)
{
    return !support->tried || follow_advance(&support->document);
}

void support_judge(struct support *support, struct lines *lines, int depth)
{
    const struct fetch *fetch = &support->document.fetch;
    char *error = NULL;
    if (!support->tried || !is_answered(&support->document) || fetch->status != 200) {
        return;
    }
    support->found = true;
    json_t *document = answer_parse(fetch->body, fetch->body_length, &error);
    char *flaw = document == NULL ? text_format("it is no JSON object (%s)", error)
                                  : answer_support_flaw(document);
    support->ok = flaw == NULL;
    if (support->ok) {
        lines_add(lines, depth, MARK_GOOD, "Support document");
    } else {
        lines_add(lines, depth, MARK_NOTE, "Support document");
        lines_add_finding(lines, depth + 1, MARK_WARN, FINDING_SUPPORT_INVALID,
                          text_format("the support document does not count: %s", flaw),
                          text_format("answer with contacts, a support_page, or both; or with 404 "
                                      "where there is none"));
    }
    json_decref(document);
    free(error);
    free(flaw);
}

void support_clear(struct support *support)
{
    follow_clear(&support->document);
    memset(support, 0, sizeof(*support));
}
