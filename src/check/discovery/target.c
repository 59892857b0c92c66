#include "check/discovery/target.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/findings/answers.h"
#include "check/findings/diagnosis.h"
#include "check/findings/duration.h"
#include "check/net/text.h"

static void ask(struct target *target, struct fetch *fetch, const char *path)
{
    const char *name = target->names->tls_name;
    bool ipv6 = strchr(name, ':') != NULL;
    char *url = text_format("https://%s%s%s:%d%s", ipv6 ? "[" : "", name, ipv6 ? "]" : "",
                            target->port, path);
    struct fetch_request request = {
        .url = url,
        .address = target->address,
        .port = target->port,
        .limit = target->limit,
        .policy = &target->network->policy,
        .host_header = target->names->host_header,
        .tls_name = name,
    };
    fetch_start(target->network->fetcher, fetch, &request);
    free(url);
}

void target_start(struct target *target, const struct network *network,
                  const struct target_names *names)
{
    target->network = network;
    target->names = names;
    ask(target, &target->version_fetch, "/_matrix/federation/v1/version");
    ask(target, &target->keys_fetch, "/_matrix/key/v2/server");
}

static json_t *parse(const struct fetch *fetch, char **error)
{
    return answer_parse(fetch->body, fetch->body_length, error);
}

static bool gives_version(const struct fetch *fetch)
{
    char *error = NULL;
    char *name = NULL;
    char *version = NULL;
    json_t *document = fetch->status == 200 ? parse(fetch, &error) : NULL;
    bool good = answer_version(document, &name, &version);
    json_decref(document);
    free(error);
    free(name);
    free(version);
    return good;
}

/* Whether the homeserver serves federation although it does not give its version: a proxy may hide
   that alone. */
static bool refuses_directory(const struct fetch *fetch)
{
    char *error = NULL;
    json_t *document = fetch->outcome == FETCH_ANSWERED ? parse(fetch, &error) : NULL;
    bool refused = answer_is_refusal(fetch->status, document);
    json_decref(document);
    free(error);
    return refused;
}

bool target_advance(struct target *target)
{
    const struct fetch *version = &target->version_fetch;
    if (target->done || version->outcome == FETCH_PENDING ||
        target->keys_fetch.outcome == FETCH_PENDING) {
        return target->done;
    }
    if (version->outcome == FETCH_ANSWERED && !target->directory_asked && !gives_version(version)) {
        target->directory_asked = true;
        ask(target, &target->directory_fetch,
            "/_matrix/federation/v1/query/directory?room_alias=%23delegation-check%3Aexample.com");
    }
    target->done = !target->directory_asked || target->directory_fetch.outcome != FETCH_PENDING;
    return target->done;
}

/* A finding with the target's address and port before its text. */
static enum finding_code add_at(struct branch at, const struct target *target,
                                struct finding finding)
{
    finding.text = diagnosis_with_place(&target->address, target->port, finding.text);
    return branch_add_finding(at, finding);
}

/* Keys alone make no homeserver: other servers need what is under /_matrix/federation. */
static enum finding_code diagnose_federation(const struct target *target, struct branch at)
{
    if (!target->directory_asked || refuses_directory(&target->directory_fetch)) {
        return FINDING_NONE;
    }
    long status = target->version_fetch.status;
    return add_at(at, target,
                  (struct finding){
                      .code = FINDING_FEDERATION_NOT_SERVED,
                      .text = text_format("keys are served there, but nothing under "
                                          "/_matrix/federation is: /_matrix/federation/v1/version "
                                          "answers with status %ld%s",
                                          status, status == 200 ? ", but not as a homeserver" : ""),
                  });
}

/* The version is for people; a homeserver that does not give it still federates. */
static void diagnose_version(struct target *target, struct branch at)
{
    const struct fetch *fetch = &target->version_fetch;
    char *error = NULL;
    if (fetch->status != 200) {
        add_at(at, target,
               (struct finding){
                   .code = FINDING_VERSION_STATUS,
                   .text = text_format("/_matrix/federation/v1/version answers with status %ld",
                                       fetch->status),
               });
        return;
    }
    json_t *document = parse(fetch, &error);
    if (!answer_version(document, &target->version_name, &target->version)) {
        add_at(
            at, target,
            (struct finding){
                .code = FINDING_VERSION_INVALID,
                .text = text_format("/_matrix/federation/v1/version does not give a version (%s)",
                                    error ? error : "no \"server\" object"),
            });
    }
    json_decref(document);
    free(error);
}

static struct finding flaw_of(const struct keys *keys, const char *server_name)
{
    const char *id = keys->key_id ? keys->key_id : "";
    switch (keys->flaw) {
    case KEYS_WRONG_NAME:
        return (struct finding){
            .code = FINDING_KEYS_SERVER_NAME,
            .text = text_format("the homeserver there calls itself %s, not %s",
                                keys->server_name ? keys->server_name : "nothing", server_name),
            .hint = text_format("set its server name to %s, or correct the delegation: another "
                                "homeserver answers there",
                                server_name),
        };
    case KEYS_NO_VALIDITY:
        return (struct finding){
            .code = FINDING_KEYS_VALIDITY,
            .text = text_format("its keys have no usable valid_until_ts"),
        };
    case KEYS_EXPIRED:
        return (struct finding){
            .code = FINDING_KEYS_EXPIRED,
            .text = text_format("its keys have expired"),
        };
    case KEYS_NONE:
        return (struct finding){
            .code = FINDING_KEYS_MISSING,
            .text = text_format("it publishes no Ed25519 key"),
        };
    case KEYS_BROKEN:
        return (struct finding){
            .code = FINDING_KEYS_INVALID,
            .text = text_format("its key %s is not 32 bytes in unpadded base64", id),
        };
    case KEYS_NOT_CANONICAL:
        return (struct finding){
            .code = FINDING_KEYS_INVALID,
            .text = text_format(
                "its keys are not canonical JSON, where numbers are integers below 2^53"),
        };
    case KEYS_UNSIGNED:
        return (struct finding){
            .code = FINDING_KEYS_UNSIGNED,
            .text = text_format("its keys are not signed by %s", id),
        };
    case KEYS_FORGED:
        return (struct finding){
            .code = FINDING_KEYS_SIGNATURE,
            .text = text_format("the signature of its keys by %s is wrong", id),
        };
    case KEYS_GOOD:
        break;
    }
    return (struct finding){.code = FINDING_NONE};
}

static enum finding_code diagnose_keys(struct target *target, const char *server_name,
                                       struct branch at)
{
    const struct fetch *fetch = &target->keys_fetch;
    if (fetch->status != 200) {
        return add_at(at, target,
                      (struct finding){
                          .code = FINDING_KEYS_STATUS,
                          .text = text_format("/_matrix/key/v2/server answers with status %ld",
                                              fetch->status),
                      });
    }
    char *error = NULL;
    json_t *document = parse(fetch, &error);
    if (!document) {
        char *text =
            text_format("/_matrix/key/v2/server does not answer with a JSON object (%s)", error);
        free(error);
        return add_at(at, target, (struct finding){.code = FINDING_KEYS_NOT_JSON, .text = text});
    }
    keys_check(&target->keys, document, server_name, (long long)time(NULL) * 1000);
    target->keys_checked = true;
    json_decref(document);
    struct finding flaw = flaw_of(&target->keys, server_name);
    return flaw.code == FINDING_NONE ? FINDING_NONE : add_at(at, target, flaw);
}

static void add_good_line(const struct target *target, struct branch at)
{
    const struct certificate_details *certificate = &target->keys_fetch.certificate;
    char address[IP_TEXT_SIZE];
    char *left = duration_text((long long)(certificate->expires - time(NULL)));
    branch_add(at, MARK_GOOD, "%s port %d: %s%s%s, keys signed (%s, certificate for %s)",
               ip_address_text(&target->address, address), target->port,
               target->version_name ? target->version_name : "homeserver",
               target->version ? " " : "", target->version ? target->version : "",
               certificate->tls_version, left);
    free(left);
}

static void diagnose_answers(struct target *target, struct branch at)
{
    struct lines warnings = {0};
    struct branch below = {.lines = &warnings, .depth = at.depth + 1};
    target->error = diagnose_keys(target, target->names->server_name, at);
    if (target->error == FINDING_NONE) {
        target->error = diagnose_federation(target, at);
    }
    if (target->error != FINDING_NONE) {
        return;
    }
    target->ok = true;
    diagnose_version(target, below);
    add_good_line(target, at);
    diagnose_expiry(below, &target->keys_fetch);
    if (ip_address_reach(&target->address) == IP_PRIVATE) {
        add_at(below, target,
               (struct finding){
                   .code = FINDING_ADDRESS_PRIVATE,
                   .text = text_format("this is a private address"),
               });
    }
    lines_append(at.lines, &warnings);
}

void target_diagnose(struct target *target, struct branch at)
{
    const struct fetch *worse = target->version_fetch.outcome != FETCH_ANSWERED
                                    ? &target->version_fetch
                                    : &target->keys_fetch;
    if (worse->outcome == FETCH_ANSWERED) {
        diagnose_answers(target, at);
        return;
    }
    struct diagnosis_context context = {
        .tls_name = target->names->tls_name,
        .srv_target = target->srv_target,
        .connect_hint = target->names->connect_hint,
    };
    target->error = diagnose_fetch(at, MARK_ERROR, worse, &context);
    target->unchecked = fetch_is_unchecked(worse);
    target->unreached =
        fetch_is_unconnected(worse) && !target->unchecked && worse->outcome != FETCH_FORBIDDEN;
}

void target_clear(struct target *target)
{
    fetch_clear(&target->version_fetch);
    fetch_clear(&target->keys_fetch);
    fetch_clear(&target->directory_fetch);
    keys_clear(&target->keys);
    free(target->version_name);
    free(target->version);
    *target = (struct target){0};
}
