#include "check/discovery/well_known.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/answers.h"
#include "check/diagnosis.h"
#include "check/text.h"
#include "matrix/server_name.h"

enum {
    /* What homeservers make of max-age (Server-Server API: at most 48 hours; Synapse: at least 5
       minutes). */
    CACHE_LONGEST = 48 * 3600,
    CACHE_SHORTEST = 5 * 60,
    CACHE_DEFAULT = 24 * 3600,
};

static const char example_hint[] =
    "answer with {\"m.server\": \"matrix.example.com:8448\"}, the homeserver's name and port";

void well_known_start(struct well_known *well_known, const struct environment *environment,
                      const char *hostname, const struct host_lookup *addresses)
{
    well_known->tried = true;
    well_known->tries = calloc(addresses->count, sizeof(*well_known->tries));
    well_known->count = well_known->tries == NULL ? 0 : addresses->count;
    char *url = text_format("https://%s/.well-known/matrix/server", hostname);
    for (size_t i = 0; i < well_known->count; i++) {
        well_known->tries[i].address = addresses->addresses[i];
        struct follow_request request = {
            .url = url,
            .addresses = &addresses->addresses[i],
            .address_count = 1,
            .limit = host_lookup_limit(addresses),
        };
        follow_start(&well_known->tries[i].follow, environment, &request);
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

static void fault(struct well_known_try *try, struct lines *lines, int depth,
                  enum finding_code code, char *text, char *hint)
{
    char address[IP_TEXT_SIZE];
    lines_add_finding(lines, depth, MARK_ERROR, code,
                      text_format("%s: %s", ip_address_text(&try->address, address), text), hint);
    free(text);
    try->answer = WELL_KNOWN_BAD;
    try->error = code;
}

static void judge_m_server(struct well_known_try *try, struct lines *lines, int depth,
                           const json_t *document)
{
    struct server_name name;
    struct problem problem;
    char *text = NULL;
    char *hint = NULL;
    char *value = answer_m_server(document);
    if (value == NULL) {
        fault(try, lines, depth, FINDING_WELL_KNOWN_NO_M_SERVER,
              text_format("the document has no m.server"), text_format("%s", example_hint));
        return;
    }
    try->shown = text_printable(value, strlen(value));
    if (!server_name_parse_target(value, &name, &problem)) {
        judge_split_problem(&problem, example_hint, &text, &hint);
        fault(try, lines, depth, FINDING_WELL_KNOWN_M_SERVER_INVALID,
              text_format("m.server %s", text), hint);
        free(text);
        free(value);
        return;
    }
    try->answer = WELL_KNOWN_GOOD;
    try->m_server = value;
}

static void judge_headers(const struct well_known_try *try, struct lines *lines, int depth)
{
    const struct fetch *fetch = &try->follow.fetch;
    char address[IP_TEXT_SIZE];
    ip_address_text(&try->address, address);
    if (ip_address_reach(&try->address) != IP_PUBLIC) {
        lines_add_finding(lines, depth, MARK_WARN, FINDING_ADDRESS_PRIVATE,
                          text_format("%s: this is an address of a private network", address),
                          text_format("other servers cannot reach it: give the name a public "
                                      "address"));
    }
    if (try->follow.insecure) {
        lines_add_finding(lines, depth, MARK_WARN, FINDING_REDIRECT_INSECURE,
                          text_format("%s: a redirect leaves HTTPS", address),
                          text_format("redirect to an https:// URL: anyone on the way can change "
                                      "what comes over http://"));
    }
    if (!answer_is_json_type(fetch->content_type)) {
        char *type = fetch->content_type == NULL
                         ? text_format("missing")
                         : text_printable(fetch->content_type, strlen(fetch->content_type));
        lines_add_finding(lines, depth, MARK_WARN, FINDING_WELL_KNOWN_CONTENT_TYPE,
                          text_format("%s: the Content-Type is %s", address, type),
                          text_format("set it to application/json: homeservers do without, other "
                                      "tools do not"));
        free(type);
    }
    if (try->max_age > CACHE_LONGEST) {
        char *span = text_duration(try->max_age);
        lines_add_finding(lines, depth, MARK_WARN, FINDING_WELL_KNOWN_CACHE_LONG,
                          text_format("%s: the document may be kept for %s, but homeservers ask "
                                      "again after 48 hours",
                                      address, span),
                          text_format("set max-age to at most 172800"));
        free(span);
    } else if (try->max_age >= 0 && try->max_age < CACHE_SHORTEST) {
        char *span = text_duration(try->max_age);
        lines_add_finding(lines, depth, MARK_WARN, FINDING_WELL_KNOWN_CACHE_SHORT,
                          text_format("%s: the document may be kept for %s only, so homeservers "
                                      "ask again and again",
                                      address, span),
                          text_format("set max-age to 3600 or so"));
        free(span);
    }
}

static void add_good_line(const struct well_known_try *try, struct lines *lines, int depth)
{
    char address[IP_TEXT_SIZE];
    char *span = text_duration(try->max_age < 0 ? CACHE_DEFAULT : try->max_age);
    const char *cors =
        try->follow.fetch.allow_origin == NULL ? ", no CORS header (homeservers need none)" : "";
    lines_add(lines, depth, MARK_GOOD, "%s: m.server is %s, kept for %s%s%s",
              ip_address_text(&try->address, address), try->shown, span,
              try->max_age < 0 ? " (it does not say)" : "", cors);
    free(span);
}

static void judge_status(struct well_known_try *try, struct lines *lines, int depth)
{
    char address[IP_TEXT_SIZE];
    long status = try->follow.fetch.status;
    if (status == 404 || status == 410) {
        try->answer = WELL_KNOWN_ABSENT;
        lines_add(lines, depth, MARK_NOTE, "%s: no document there (status %ld)",
                  ip_address_text(&try->address, address), status);
        return;
    }
    fault(try, lines, depth, FINDING_WELL_KNOWN_STATUS,
          text_format("the answer has status %ld, so the document does not count", status),
          text_format("answer with status 200, or 404 where there is to be no document"));
}

static void judge_document(struct well_known_try *try, struct lines *lines, int depth)
{
    const struct fetch *fetch = &try->follow.fetch;
    char *error = NULL;
    if (fetch->status != 200) {
        judge_status(try, lines, depth);
        return;
    }
    json_t *document = answer_parse(fetch->body, fetch->body_length, &error);
    if (document == NULL) {
        fault(try, lines, depth, FINDING_WELL_KNOWN_NOT_JSON,
              text_format("the document is no JSON object (%s)", error),
              text_format("%s", example_hint));
        free(error);
        return;
    }
    judge_m_server(try, lines, depth, document);
    json_decref(document);
    if (try->answer == WELL_KNOWN_GOOD) {
        add_good_line(try, lines, depth);
        judge_headers(try, lines, depth + 1);
        judge_expiry(lines, depth + 1, fetch);
    }
}

/* Where no document was reached: the lines come later, as their weight depends on the others. */
static void sort_out(struct well_known_try *try)
{
    const struct follow *follow = &try->follow;
    try->max_age = -1;
    try->answer = WELL_KNOWN_BAD;
    if (follow_is_unchecked(follow)) {
        try->answer = WELL_KNOWN_UNCHECKED;
    } else if (follow->outcome == FOLLOW_FETCHED && fetch_found_nobody(&follow->fetch) &&
               follow->fetch.outcome != FETCH_FORBIDDEN) {
        try->answer = WELL_KNOWN_UNREACHED;
    }
    if (follow->outcome == FOLLOW_FETCHED && follow->fetch.outcome == FETCH_ANSWERED) {
        try->max_age = answer_max_age(follow->fetch.cache_control);
    }
}

static bool was_answered(const struct well_known_try *try)
{
    return try->follow.outcome == FOLLOW_FETCHED && try->follow.fetch.outcome == FETCH_ANSWERED;
}

/* Without any document, a host where nothing listens is a plain way to go without; a slow or
   broken one holds every server up. Beside a document, each is a fault: some servers miss it. */
static void judge_unanswered(struct well_known_try *try, const char *hostname, bool document,
                             struct lines *lines, int depth)
{
    struct judge_context context = {.tls_name = hostname, .connect_hint = NULL};
    enum mark mark = MARK_WARN;
    enum fetch_outcome outcome = try->follow.fetch.outcome;
    if (try->answer == WELL_KNOWN_BAD &&
        (document || try->follow.outcome != FOLLOW_FETCHED || outcome == FETCH_TOO_LARGE ||
         outcome == FETCH_BROKEN || outcome == FETCH_FORBIDDEN)) {
        mark = MARK_ERROR;
    }
    if (!document && outcome == FETCH_REFUSED && try->follow.outcome == FOLLOW_FETCHED) {
        char address[IP_TEXT_SIZE];
        try->error = FINDING_CONNECTION_REFUSED;
        lines_add(lines, depth, MARK_NOTE, "%s: nothing listens on port 443",
                  ip_address_text(&try->address, address));
        return;
    }
    try->error = judge_follow(lines, depth, mark, &try->follow, &context);
}

/* Compares the addresses: all must say the same, or servers disagree about where to go. */
static void compare(struct well_known *well_known, struct lines *lines, int depth)
{
    size_t unchecked = 0;
    bool differs = false;
    const char *other = "none";
    for (size_t i = 0; i < well_known->count; i++) {
        const struct well_known_try *try = &well_known->tries[i];
        unchecked += try->answer == WELL_KNOWN_UNCHECKED ? 1 : 0;
        if (well_known->m_server == NULL) {
            continue;
        }
        bool same =
            try->answer == WELL_KNOWN_GOOD && strcasecmp(try->m_server, well_known->m_server) == 0;
        if (!same && (try->answer == WELL_KNOWN_GOOD || try->answer == WELL_KNOWN_ABSENT)) {
            differs = true;
            other = try->m_server == NULL ? other : try->m_server;
        }
        well_known->inconsistent =
            well_known->inconsistent || differs || try->answer == WELL_KNOWN_BAD;
    }
    well_known->unknown = well_known->count > 0 && unchecked == well_known->count;
    if (differs) {
        lines_add_finding(lines, depth, MARK_ERROR, FINDING_WELL_KNOWN_DIFFERS,
                          text_format("the addresses answer differently: m.server is %s at one, %s "
                                      "at another",
                                      well_known->m_server, other),
                          text_format("publish the same document at every address, and wait for "
                                      "caches to forget the old one"));
    }
}

void well_known_judge(struct well_known *well_known, const char *hostname, struct lines *lines,
                      int depth)
{
    struct lines *own = calloc(well_known->count + 1, sizeof(*own));
    if (own == NULL) {
        return;
    }
    for (size_t i = 0; i < well_known->count; i++) {
        struct well_known_try *try = &well_known->tries[i];
        sort_out(try);
        if (was_answered(try)) {
            judge_document(try, &own[i], depth);
        }
        if (try->answer == WELL_KNOWN_GOOD && well_known->m_server == NULL) {
            well_known->m_server = try->m_server;
            well_known->limit = follow_limit(&try->follow);
        }
    }
    for (size_t i = 0; i < well_known->count; i++) {
        if (!was_answered(&well_known->tries[i])) {
            judge_unanswered(&well_known->tries[i], hostname, well_known->m_server != NULL, &own[i],
                             depth);
        }
        lines_append(lines, &own[i]);
    }
    compare(well_known, lines, depth);
    free(own);
}

void well_known_clear(struct well_known *well_known)
{
    for (size_t i = 0; i < well_known->count; i++) {
        follow_clear(&well_known->tries[i].follow);
        free(well_known->tries[i].m_server);
        free(well_known->tries[i].shown);
    }
    free(well_known->tries);
    memset(well_known, 0, sizeof(*well_known));
}
