#include "check/discovery/target.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/answers.h"
#include "check/diagnosis.h"
#include "check/text.h"

static const char proxy_hint[] =
    "have the homeserver, or the reverse proxy before it, answer everything under /_matrix there";

static void ask(struct target *target, struct fetch *fetch, const struct environment *environment,
                const struct target_names *names, const char *path)
{
    bool ipv6 = strchr(names->tls_name, ':') != NULL;
    char *url = text_format("https://%s%s%s:%d%s", ipv6 ? "[" : "", names->tls_name,
                            ipv6 ? "]" : "", target->port, path);
    struct fetch_request request = {
        .url = url,
        .address = target->address,
        .port = target->port,
        .limit = target->limit,
        .policy = &environment->policy,
        .host_header = names->host_header,
        .tls_name = names->tls_name,
    };
    fetch_start(environment->fetcher, fetch, &request);
    free(url);
}

void target_start(struct target *target, const struct environment *environment,
                  const struct target_names *names)
{
    target->started = true;
    ask(target, &target->version_fetch, environment, names, "/_matrix/federation/v1/version");
    ask(target, &target->keys_fetch, environment, names, "/_matrix/key/v2/server");
}

bool target_is_done(const struct target *target)
{
    return target->version_fetch.outcome != FETCH_PENDING &&
           target->keys_fetch.outcome != FETCH_PENDING;
}

/* "203.0.113.20 port 8448" */
static char *place(const struct target *target)
{
    char address[IP_TEXT_SIZE];
    return text_format("%s port %d", ip_address_text(&target->address, address), target->port);
}

/* Adds a finding that begins with the place; `text` and `hint` are taken over. */
static enum finding_code fault(const struct target *target, struct lines *lines, int depth,
                               enum mark mark, enum finding_code code, char *text, char *hint)
{
    char *where = place(target);
    lines_add_finding(lines, depth, mark, code, text_format("%s: %s", where, text), hint);
    free(where);
    free(text);
    return code;
}

/* The version is for people; a homeserver that lacks it still federates. */
static void judge_version(struct target *target, struct lines *lines, int depth)
{
    const struct fetch *fetch = &target->version_fetch;
    char *error = NULL;
    if (fetch->outcome != FETCH_ANSWERED) {
        return;
    }
    if (fetch->status != 200) {
        fault(target, lines, depth, MARK_WARN, FINDING_VERSION_STATUS,
              text_format("/_matrix/federation/v1/version answers %ld", fetch->status),
              text_format("%s", proxy_hint));
        return;
    }
    json_t *document = answer_parse(fetch->body, fetch->body_length, &error);
    if (document == NULL || !answer_version(document, &target->version_name, &target->version)) {
        fault(target, lines, depth, MARK_WARN, FINDING_VERSION_INVALID,
              text_format("/_matrix/federation/v1/version answers no version (%s)",
                          error == NULL ? "no \"server\" object" : error),
              text_format("%s", proxy_hint));
    }
    json_decref(document);
    free(error);
}

static enum finding_code fault_of_keys(const struct target *target,
                                       const struct target_names *names, struct lines *lines,
                                       int depth)
{
    const struct keys *keys = &target->keys;
    const char *id = keys->key_id == NULL ? "" : keys->key_id;
    static const char broken_hint[] = "check the homeserver's signing key and its log";
    switch (keys->flaw) {
    case KEYS_WRONG_NAME:
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_SERVER_NAME,
                     text_format("the homeserver there calls itself %s, not %s",
                                 keys->server_name == NULL ? "nothing" : keys->server_name,
                                 names->server_name),
                     text_format("set its server name to %s, or correct the delegation: another "
                                 "homeserver answers there",
                                 names->server_name));
    case KEYS_NO_VALIDITY:
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_VALIDITY,
                     text_format("its keys have no valid_until_ts in milliseconds"),
                     text_format("%s", broken_hint));
    case KEYS_EXPIRED:
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_EXPIRED,
                     text_format("its keys' validity has passed"),
                     text_format("set that machine's clock right, and keep a proxy from caching "
                                 "/_matrix/key/v2/server"));
    case KEYS_NONE:
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_MISSING,
                     text_format("it publishes no Ed25519 key"), text_format("%s", broken_hint));
    case KEYS_BROKEN:
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_INVALID,
                     text_format("its key %s is not 32 bytes in unpadded base64", id),
                     text_format("%s", broken_hint));
    case KEYS_NOT_CANONICAL:
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_INVALID,
                     text_format("its keys cannot be signed: canonical JSON has integers only, "
                                 "below 2^53"),
                     text_format("%s", broken_hint));
    case KEYS_UNSIGNED:
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_UNSIGNED,
                     text_format("its keys are not signed by %s", id),
                     text_format("%s", broken_hint));
    case KEYS_FORGED:
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_SIGNATURE,
                     text_format("the signature of its keys by %s is wrong", id),
                     text_format("check that no proxy changes the answer, and the homeserver's "
                                 "signing key"));
    case KEYS_GOOD:
        break;
    }
    return FINDING_NONE;
}

static enum finding_code judge_keys(struct target *target, const struct target_names *names,
                                    struct lines *lines, int depth)
{
    const struct fetch *fetch = &target->keys_fetch;
    if (fetch->status != 200) {
        return fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_STATUS,
                     text_format("/_matrix/key/v2/server answers %ld", fetch->status),
                     text_format("%s", proxy_hint));
    }
    char *error = NULL;
    json_t *document = answer_parse(fetch->body, fetch->body_length, &error);
    if (document == NULL) {
        enum finding_code code =
            fault(target, lines, depth, MARK_ERROR, FINDING_KEYS_NOT_JSON,
                  text_format("/_matrix/key/v2/server answers no JSON object (%s)", error),
                  text_format("%s", proxy_hint));
        free(error);
        return code;
    }
    keys_judge(&target->keys, document, names->server_name, (long long)time(NULL) * 1000);
    target->keys_judged = true;
    json_decref(document);
    return fault_of_keys(target, names, lines, depth);
}

static void add_good_line(const struct target *target, struct lines *lines, int depth)
{
    const struct certificate_details *certificate = &target->keys_fetch.certificate;
    char *where = place(target);
    char *left = text_duration((long long)(certificate->expires - time(NULL)));
    lines_add(lines, depth, MARK_GOOD, "%s: %s%s%s, keys signed (%s, certificate for %s)", where,
              target->version_name == NULL ? "homeserver" : target->version_name,
              target->version == NULL ? "" : " ", target->version == NULL ? "" : target->version,
              certificate->tls_version, left);
    free(where);
    free(left);
}

void target_judge(struct target *target, const struct target_names *names, struct lines *lines,
                  int depth)
{
    const struct fetch *worse = target->version_fetch.outcome != FETCH_ANSWERED
                                    ? &target->version_fetch
                                    : &target->keys_fetch;
    struct judge_context context = {names->tls_name, target->srv_name, names->connect_hint};
    if (worse->outcome != FETCH_ANSWERED) {
        target->error = judge_fetch(lines, depth, MARK_ERROR, worse, &context);
        target->unchecked = fetch_is_unchecked(worse);
        target->unreached =
            fetch_found_nobody(worse) && !target->unchecked && worse->outcome != FETCH_FORBIDDEN;
        return;
    }
    struct lines details = {0};
    target->error = judge_keys(target, names, &details, depth);
    if (target->error == FINDING_NONE) {
        judge_version(target, &details, depth + 1);
        target->ok = true;
        add_good_line(target, lines, depth);
        judge_expiry(&details, depth + 1, &target->keys_fetch);
        if (ip_address_reach(&target->address) == IP_PRIVATE) {
            fault(target, &details, depth + 1, MARK_WARN, FINDING_ADDRESS_PRIVATE,
                  text_format("this is an address of a private network"),
                  text_format("other servers cannot reach it: give the name a public address"));
        }
    }
    lines_append(lines, &details);
}

void target_clear(struct target *target)
{
    fetch_clear(&target->version_fetch);
    fetch_clear(&target->keys_fetch);
    keys_clear(&target->keys);
    free(target->version_name);
    free(target->version);
    memset(target, 0, sizeof(*target));
}
