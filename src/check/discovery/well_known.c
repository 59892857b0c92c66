#include "check/discovery/well_known.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/findings/answers.h"
#include "check/findings/diagnosis.h"
#include "check/findings/duration.h"
#include "check/net/limits.h"
#include "check/net/text.h"
#include "matrix/server_name.h"

void well_known_start(struct well_known *well_known, const struct network *network,
                      const char *hostname, const struct host_lookup *addresses)
{
    well_known->tried = true;
    well_known->tries = calloc(addresses->count, sizeof(*well_known->tries));
    if (!well_known->tries) {
        text_end_without_memory();
    }
    well_known->count = addresses->count;
    char *url = text_format("https://%s/.well-known/matrix/server", hostname);
    for (size_t i = 0; i < well_known->count; i++) {
        struct follow_request request = {
            .url = url,
            .addresses = &addresses->addresses[i],
            .address_count = 1,
            .limit = host_lookup_limit(addresses),
        };
        well_known->tries[i].address = addresses->addresses[i];
        follow_start(&well_known->tries[i].follow, network, &request);
    }
    free(url);
}

bool well_known_advance(struct well_known *well_known)
{
    bool done = true;
    for (size_t i = 0; i < well_known->count; i++) {
        done = follow_advance(&well_known->tries[i].follow) && done;
    }
    return done;
}

/* A finding with the address before its text. */
static enum finding_code add(struct branch at, const struct well_known_try *try,
                             struct finding finding)
{
    char address[IP_TEXT_SIZE];
    char *text = finding.text;
    finding.text = text_format("%s: %s", ip_address_text(&try->address, address), text);
    free(text);
    return branch_add_finding(at, finding);
}

/* A finding for which homeservers ignore the document. */
static void add_fault(struct branch at, struct well_known_try *try, struct finding finding)
{
    try->answer = WELL_KNOWN_BAD;
    try->error = add(at, try, finding);
}

static void diagnose_m_server(struct well_known_try *try, struct branch at, const json_t *document)
{
    struct server_name name;
    struct problem problem;
    char *value = answer_m_server(document);
    if (!value) {
        add_fault(at, try,
                  (struct finding){
                      .code = FINDING_WELL_KNOWN_NO_M_SERVER,
                      .text = text_format("the document has no m.server"),
                  });
        return;
    }
    try->shown = text_printable(value, strlen(value));
    if (!server_name_parse_target(value, &name, &problem)) {
        add_fault(at, try,
                  diagnose_problem(FINDING_WELL_KNOWN_M_SERVER_INVALID, "m.server", &problem));
        free(value);
        return;
    }
    try->answer = WELL_KNOWN_GOOD;
    try->m_server = value;
}

static void diagnose_content_type(const struct well_known_try *try, struct branch at)
{
    const char *type = try->follow.fetch.content_type;
    if (!answer_is_json_type(type)) {
        char *shown = type ? text_printable(type, strlen(type)) : text_format("missing");
        add(at, try,
            (struct finding){
                .code = FINDING_WELL_KNOWN_CONTENT_TYPE,
                .text = text_format("the Content-Type is %s", shown),
            });
        free(shown);
    }
}

static void diagnose_max_age(const struct well_known_try *try, struct branch at)
{
    char *span = duration_text(try->max_age < 0 ? CACHE_DEFAULT : try->max_age);
    if (try->max_age > CACHE_LONGEST) {
        add(at, try,
            (struct finding){
                .code = FINDING_WELL_KNOWN_CACHE_LONG,
                .text = text_format(
                    "max-age is %s, but homeservers cache the document for at most 48 hours", span),
            });
    } else if (try->max_age >= 0 && try->max_age < CACHE_SHORTEST) {
        add(at, try,
            (struct finding){
                .code = FINDING_WELL_KNOWN_CACHE_SHORT,
                .text = text_format(
                    "max-age is only %s, so homeservers fetch the document again and again", span),
            });
    }
    free(span);
}

/* Findings about a document that homeservers use. */
static void add_warnings(const struct well_known_try *try, struct branch at)
{
    if (ip_address_reach(&try->address) != IP_PUBLIC) {
        add(at, try,
            (struct finding){
                .code = FINDING_ADDRESS_PRIVATE,
                .text = text_format("this is a private address"),
            });
    }
    if (try->follow.insecure) {
        add(at, try,
            (struct finding){
                .code = FINDING_REDIRECT_INSECURE,
                .text = text_format("a redirect leads to plain HTTP"),
            });
    }
    diagnose_content_type(try, at);
    diagnose_max_age(try, at);
    diagnose_expiry(at, &try->follow.fetch);
}

static void add_good_line(const struct well_known_try *try, struct branch at)
{
    char address[IP_TEXT_SIZE];
    char *span = duration_text(try->max_age < 0 ? CACHE_DEFAULT : try->max_age);
    const char *cors =
        try->follow.fetch.allow_origin ? "" : ", no CORS header (homeservers need none)";
    branch_add(at, MARK_GOOD, "%s: m.server is %s, cached for %s%s%s",
               ip_address_text(&try->address, address), try->shown, span,
               try->max_age < 0 ? " (the default)" : "", cors);
    free(span);
}

static void diagnose_status(struct well_known_try *try, struct branch at)
{
    char address[IP_TEXT_SIZE];
    long status = try->follow.fetch.status;
    if (status == 404 || status == 410) {
        try->answer = WELL_KNOWN_ABSENT;
        branch_add(at, MARK_NOTE, "%s: no document there (status %ld)",
                   ip_address_text(&try->address, address), status);
        return;
    }
    add_fault(at, try,
              (struct finding){
                  .code = FINDING_WELL_KNOWN_STATUS,
                  .text = text_format(
                      "the answer has status %ld, so homeservers ignore the document", status),
              });
}

static void diagnose_document(struct well_known_try *try, struct branch at)
{
    const struct fetch *fetch = &try->follow.fetch;
    char *error = NULL;
    if (fetch->status != 200) {
        diagnose_status(try, at);
        return;
    }
    json_t *document = answer_parse(fetch->body, fetch->body_length, &error);
    if (!document) {
        add_fault(at, try,
                  (struct finding){
                      .code = FINDING_WELL_KNOWN_NOT_JSON,
                      .text = text_format("the document is not a JSON object (%s)", error),
                  });
        free(error);
        return;
    }
    diagnose_m_server(try, at, document);
    json_decref(document);
    if (try->answer == WELL_KNOWN_GOOD) {
        add_good_line(try, at);
        add_warnings(try, branch_below(at));
    }
}

/* Before the document is read. */
static enum well_known_answer answer_of(const struct follow *follow)
{
    if (follow_is_unchecked(follow)) {
        return WELL_KNOWN_UNCHECKED;
    }
    if (follow->outcome == FOLLOW_FETCHED && fetch_is_unconnected(&follow->fetch) &&
        follow->fetch.outcome != FETCH_FORBIDDEN) {
        return WELL_KNOWN_UNREACHED;
    }
    return WELL_KNOWN_BAD;
}

/* The severity of a missing answer. If another address has a document, it is an error: some servers
   miss the document. If none has, a host that does not answer is only slow for other servers, but
   an answer that breaks off is an error. */
static enum mark mark_of(const struct well_known_try *try, bool document)
{
    enum fetch_outcome outcome = try->follow.fetch.outcome;
    bool broken = try->follow.outcome != FOLLOW_FETCHED || outcome == FETCH_TOO_LARGE ||
                  outcome == FETCH_BROKEN || outcome == FETCH_FORBIDDEN;
    return try->answer == WELL_KNOWN_BAD && (document || broken) ? MARK_ERROR : MARK_WARN;
}

static void diagnose_unanswered(struct well_known_try *try, const char *hostname, bool document,
                                struct branch at)
{
    struct diagnosis_context context = {.tls_name = hostname};
    const struct follow *follow = &try->follow;
    if (!document && follow->outcome == FOLLOW_FETCHED && follow->redirects == 0 &&
        follow->fetch.outcome == FETCH_REFUSED) {
        char address[IP_TEXT_SIZE];
        try->error = FINDING_CONNECTION_REFUSED;
        branch_add(at, MARK_NOTE, "%s: nothing listens on port 443",
                   ip_address_text(&try->address, address));
        return;
    }
    try->error = diagnose_follow(at, mark_of(try, document), follow, &context);
}

/* All addresses must give the same answer, or servers disagree about the homeserver's place. */
static void compare(struct well_known *well_known, struct branch at)
{
    size_t unchecked = 0;
    bool differs = false;
    const char *other = "none";
    for (size_t i = 0; i < well_known->count; i++) {
        const struct well_known_try *try = &well_known->tries[i];
        unchecked += try->answer == WELL_KNOWN_UNCHECKED ? 1 : 0;
        if (!well_known->m_server) {
            continue;
        }
        bool same =
            try->answer == WELL_KNOWN_GOOD && strcasecmp(try->m_server, well_known->m_server) == 0;
        if (!same && (try->answer == WELL_KNOWN_GOOD || try->answer == WELL_KNOWN_ABSENT)) {
            differs = true;
            other = try->m_server ? try->m_server : other;
        }
        well_known->inconsistent =
            well_known->inconsistent || differs || try->answer == WELL_KNOWN_BAD;
    }
    well_known->unknown = well_known->count > 0 && unchecked == well_known->count;
    if (differs) {
        branch_add_finding(
            at, (struct finding){
                    .code = FINDING_WELL_KNOWN_DIFFERS,
                    .text = text_format("the host's addresses give different answers: m.server is "
                                        "%s at one, %s at another",
                                        well_known->m_server, other),
                });
    }
}

void well_known_diagnose(struct well_known *well_known, const char *hostname, struct branch at)
{
    struct lines *lines = calloc(well_known->count + 1, sizeof(*lines));
    if (!lines) {
        text_end_without_memory();
    }
    for (size_t i = 0; i < well_known->count; i++) {
        struct well_known_try *try = &well_known->tries[i];
        try->answer = answer_of(&try->follow);
        try->max_age = -1;
        if (follow_is_answered(&try->follow)) {
            try->max_age = answer_max_age(try->follow.fetch.cache_control);
            diagnose_document(try, (struct branch){.lines = &lines[i], .depth = at.depth});
        }
        if (try->answer == WELL_KNOWN_GOOD && !well_known->m_server) {
            well_known->m_server = try->m_server;
            well_known->limit = follow_limit(&try->follow);
        }
    }
    /* The severity of a missing answer depends on the other addresses. */
    for (size_t i = 0; i < well_known->count; i++) {
        struct well_known_try *try = &well_known->tries[i];
        if (!follow_is_answered(&try->follow)) {
            diagnose_unanswered(try, hostname, well_known->m_server != NULL,
                                (struct branch){.lines = &lines[i], .depth = at.depth});
        }
        lines_append(at.lines, &lines[i]);
    }
    compare(well_known, at);
    free(lines);
}

void well_known_clear(struct well_known *well_known)
{
    for (size_t i = 0; i < well_known->count; i++) {
        follow_clear(&well_known->tries[i].follow);
        free(well_known->tries[i].m_server);
        free(well_known->tries[i].shown);
    }
    free(well_known->tries);
    *well_known = (struct well_known){0};
}
