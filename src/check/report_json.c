#include "check/report_json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/text.h"

/* A string, or null for NULL. The texts are printable already. */
static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
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

static json_t *describe_well_known(const struct walk *walk)
{
    const struct well_known *well_known = &walk->well_known;
    json_t *addresses = json_array();
    for (size_t i = 0; i < well_known->count; i++) {
        json_array_append_new(addresses, describe_try(&well_known->tries[i]));
    }
    return json_pack("{s:b, s:b, s:o, s:o}", "tried", well_known->tried, "ok",
                     walk->delegated != NULL && !well_known->inconsistent, "m.server",
                     text_or_null(walk->delegated), "addresses", addresses);
}

static json_t *describe_service(const struct service *service)
{
    json_t *records = json_array();
    for (size_t i = 0; service != NULL && i < service->count; i++) {
        const struct service_target *target = &service->targets[i];
        json_array_append_new(records, json_pack("{s:i, s:i, s:i, s:s}", "priority",
                                                 target->priority, "weight", target->weight, "port",
                                                 target->port, "target", target->name));
    }
    return json_pack("{s:b, s:o, s:b, s:o}", "tried", service != NULL, "service",
                     text_or_null(service == NULL ? NULL : service->owner), "deprecated",
                     service != NULL && service->deprecated, "records", records);
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
    if (certificate->expires > 0 && gmtime_r(&certificate->expires, &parts) != NULL &&
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) > 0) {
        expires = json_string(text);
    }
    return json_pack("{s:s, s:s, s:b, s:o, s:o}", "version", certificate->tls_version, "cipher",
                     certificate->cipher, "valid", certificate->valid, "names", names, "expires",
                     expires);
}

static json_t *describe_keys(const struct target *target)
{
    if (!target->keys_judged) {
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
    json_t *version = target->version_name == NULL && target->version == NULL
                          ? json_null()
                          : json_pack("{s:o, s:o}", "name", text_or_null(target->version_name),
                                      "version", text_or_null(target->version));
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
    json_t *versions = client->versions == NULL ? json_null() : json_deep_copy(client->versions);
    return json_pack("{s:b, s:o, s:b, s:o, s:o}", "ok", client->ok, "base_url",
                     text_or_null(client->shown_url), "cors", client->cors, "versions", versions,
                     "error", code_or_null(client->error));
}

static json_t *collect(const struct walk *walk, enum mark mark)
{
    json_t *list = json_array();
    for (size_t i = 0; i < PART_COUNT; i++) {
        for (size_t j = 0; j < walk->parts[i].count; j++) {
            const struct line *line = &walk->parts[i].items[j];
            if (line->code != FINDING_NONE && line->mark == mark) {
                json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "code",
                                                      finding_code_name(line->code), "message",
                                                      line->text, "hint", line->hint));
            }
        }
    }
    return list;
}

json_t *report_json_build(const struct walk *walk)
{
    json_t *targets = json_array();
    for (size_t i = 0; i < walk->target_count; i++) {
        json_array_append_new(targets, describe_target(&walk->targets[i]));
    }
    json_t *support =
        walk->support.found ? json_pack("{s:b}", "ok", walk->support.ok) : json_null();
    const char *step = walk->step == STEP_NONE ? NULL : step_number(walk->step);
    json_t *object = json_object();
    json_object_set_new(object, "server_name", json_string(walk->server_name));
    json_object_set_new(object, "ok",
                        walk->verdict == VERDICT_UNKNOWN
                            ? json_null()
                            : json_boolean(walk->verdict == VERDICT_WORKS));
    json_object_set_new(object, "step", text_or_null(step));
    json_object_set_new(object, "delegated_to", text_or_null(walk->delegated));
    json_object_set_new(object, "host_header", text_or_null(walk->host_header));
    json_object_set_new(object, "tls_name", text_or_null(walk->tls_name));
    json_object_set_new(object, "well_known", describe_well_known(walk));
    json_object_set_new(object, "srv", describe_service(walk_service(walk)));
    json_object_set_new(object, "targets", targets);
    json_object_set_new(object, "client", describe_client(&walk->client));
    json_object_set_new(object, "support", support);
    json_object_set_new(object, "errors", collect(walk, MARK_ERROR));
    json_object_set_new(object, "warnings", collect(walk, MARK_WARN));
    return object;
}

void report_json_write(const struct walk *walk, FILE *stream)
{
    json_t *object = report_json_build(walk);
    json_dumpf(object, stream, JSON_COMPACT);
    fputc('\n', stream);
    json_decref(object);
}
