#include "check/report_json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/net/text.h"

/* A string, or null for NULL. The texts are printable already. */
static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *code_or_null(enum finding_code code)
{
    return text_or_null(finding_code_name(code));
}

static json_t *address_text(const struct ip_address *address)
{
    char text[IP_TEXT_SIZE];
    return json_string(ip_address_text(address, text));
}

static json_t *describe_try(const struct well_known_try *try)
{
    const struct fetch *fetch = &try->follow.fetch;
    bool answered = fetch->outcome == FETCH_ANSWERED;
    json_t *redirects = json_array();
    for (size_t i = 1; i <= try->follow.redirects; i++) {
        char *url = text_printable(try->follow.visited[i], strlen(try->follow.visited[i]));
        json_array_append_new(redirects, json_string(url));
        free(url);
    }
    return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "address", address_text(&try->address),
                     "ok", try->answer == WELL_KNOWN_GOOD, "status",
                     answered ? json_integer(fetch->status) : json_null(), "redirects", redirects,
                     "m.server", text_or_null(try->shown), "max_age",
                     answered && try->max_age >= 0 ? json_integer(try->max_age) : json_null(),
                     "error", code_or_null(try->error));
}

static json_t *describe_well_known(const struct discovery *discovery)
{
    const struct well_known *well_known = &discovery->well_known;
    json_t *addresses = json_array();
    for (size_t i = 0; i < well_known->count; i++) {
        json_array_append_new(addresses, describe_try(&well_known->tries[i]));
    }
    return json_pack("{s:b, s:b, s:o, s:o}", "tried", well_known->tried, "ok",
                     discovery->route.delegated && !well_known->inconsistent, "m.server",
                     text_or_null(discovery->route.delegated), "addresses", addresses);
}

static json_t *describe_srv(const struct srv *srv)
{
    json_t *records = json_array();
    for (size_t i = 0; srv && i < srv->count; i++) {
        const struct srv_record *record = &srv->records[i];
        json_array_append_new(records, json_pack("{s:i, s:i, s:i, s:s}", "priority",
                                                 record->priority, "weight", record->weight, "port",
                                                 record->port, "target", record->target));
    }
    return json_pack("{s:b, s:o, s:b, s:o}", "tried", srv != NULL, "service",
                     text_or_null(srv ? srv->owner : NULL), "deprecated", srv && srv->deprecated,
                     "records", records);
}

static json_t *describe_tls(const struct certificate_details *certificate)
{
    if (!certificate->seen) {
        return json_null();
    }
    json_t *names = json_array();
    for (size_t i = 0; i < certificate->name_count; i++) {
        json_array_append_new(names, json_string(certificate->names[i]));
    }
    json_t *expires = json_null();
    struct tm parts;
    char text[64];
    if (certificate->expires > 0 && gmtime_r(&certificate->expires, &parts) &&
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) > 0) {
        expires = json_string(text);
    }
    return json_pack("{s:s, s:s, s:b, s:o, s:o}", "version", certificate->tls_version, "cipher",
                     certificate->cipher, "valid", certificate->valid, "names", names, "expires",
                     expires);
}

static json_t *describe_keys(const struct target *target)
{
    if (!target->keys_checked) {
        return json_null();
    }
    return json_pack("{s:b, s:o, s:o}", "ok", target->keys.flaw == KEYS_GOOD, "server_name",
                     text_or_null(target->keys.server_name), "valid_until_ts",
                     target->keys.valid_until_ts < 0 ? json_null()
                                                     : json_integer(target->keys.valid_until_ts));
}

static json_t *describe_target(const struct target *target)
{
    const struct certificate_details *certificate = target->keys_fetch.certificate.seen
                                                        ? &target->keys_fetch.certificate
                                                        : &target->version_fetch.certificate;
    json_t *version = target->version_name || target->version
                          ? json_pack("{s:o, s:o}", "name", text_or_null(target->version_name),
                                      "version", text_or_null(target->version))
                          : json_null();
    return json_pack("{s:o, s:i, s:b, s:o, s:o, s:o, s:o}", "address",
                     address_text(&target->address), "port", target->port, "ok", target->ok, "tls",
                     describe_tls(certificate), "version", version, "keys", describe_keys(target),
                     "error", code_or_null(target->error));
}

static json_t *describe_client(const struct client *client)
{
    if (!client->tried) {
        return json_null();
    }
    json_t *versions = client->versions ? json_deep_copy(client->versions) : json_null();
    return json_pack("{s:b, s:o, s:b, s:o, s:o}", "ok", client->ok, "base_url",
                     text_or_null(client->shown_url), "cors", client->cors, "versions", versions,
                     "error", code_or_null(client->error));
}

static json_t *collect(const struct discovery *discovery, enum mark mark)
{
    json_t *list = json_array();
    for (size_t i = 0; i < PART_COUNT; i++) {
        for (size_t j = 0; j < discovery->parts[i].count; j++) {
            const struct line *line = &discovery->parts[i].items[j];
            if (line->code != FINDING_NONE && line->mark == mark) {
                json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "code",
                                                      finding_code_name(line->code), "message",
                                                      line->text, "hint", line->hint));
            }
        }
    }
    return list;
}

static json_t *build(const struct discovery *discovery)
{
    json_t *targets = json_array();
    for (size_t i = 0; i < discovery->route.targets.count; i++) {
        json_array_append_new(targets, describe_target(&discovery->route.targets.items[i]));
    }
    json_t *support =
        discovery->support.found ? json_pack("{s:b}", "ok", discovery->support.ok) : json_null();
    const char *step =
        discovery->route.step == STEP_NONE ? NULL : step_number(discovery->route.step);
    json_t *object = json_object();
    json_object_set_new(object, "server_name", json_string(discovery->server_name));
    json_object_set_new(object, "ok",
                        discovery->verdict == VERDICT_UNKNOWN
                            ? json_null()
                            : json_boolean(discovery->verdict == VERDICT_WORKS));
    json_object_set_new(object, "step", text_or_null(step));
    json_object_set_new(object, "delegated_to", text_or_null(discovery->route.delegated));
    json_object_set_new(object, "host_header", text_or_null(discovery->route.host_header));
    json_object_set_new(object, "tls_name", text_or_null(discovery->route.tls_name));
    json_object_set_new(object, "well_known", describe_well_known(discovery));
    json_object_set_new(object, "srv", describe_srv(discovery_srv(discovery)));
    json_object_set_new(object, "targets", targets);
    json_object_set_new(object, "client", describe_client(&discovery->client));
    json_object_set_new(object, "support", support);
    json_object_set_new(object, "errors", collect(discovery, MARK_ERROR));
    json_object_set_new(object, "warnings", collect(discovery, MARK_WARN));
    return object;
}

void report_json_write(const struct discovery *discovery, FILE *stream)
{
    json_t *object = build(discovery);
    json_dumpf(object, stream, JSON_COMPACT);
    fputc('\n', stream);
    json_decref(object);
}
