#include "check/findings/answers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/net/limits.h"
#include "check/net/text.h"
#include "matrix/documents.h"
#include "matrix/url.h"

/* Whether brackets nest no deeper than the limit, so that the parser need not be trusted to end a
   recursion early. */
static bool is_shallow(const char *body, size_t length)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = body[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
        if (depth > ANSWER_DEPTH_LIMIT) {
            return false;
        }
    }
    return true;
}

json_t *answer_parse(const char *body, size_t length, char **error)
{
    json_error_t where;
    *error = NULL;
    if (!is_shallow(body, length)) {
        *error = text_format("it nests deeper than %d levels", ANSWER_DEPTH_LIMIT);
        return NULL;
    }
    json_t *document = json_loadb(body, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    if (!document) {
        char *words = text_printable(where.text, strlen(where.text));
        *error = length == 0 ? text_format("it is empty")
                             : text_format("line %d: %s", where.line, words);
        free(words);
        return NULL;
    }
    if (!json_is_object(document)) {
        json_decref(document);
        *error = text_format("it is not a JSON object");
        return NULL;
    }
    return document;
}

/* A string member as it came; NULL where it is missing, no string, or holds a NUL. */
static char *string_member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value)) {
        return NULL;
    }
    return text_copy_part(json_string_value(value), json_string_length(value));
}

char *answer_m_server(const json_t *document)
{
    return string_member(document, "m.server");
}

static char *printable_member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value)
               ? text_printable(json_string_value(value), json_string_length(value))
               : NULL;
}

bool answer_version(const json_t *document, char **name, char **version)
{
    const json_t *server = json_object_get(document, "server");
    *name = printable_member(server, "name");
    *version = printable_member(server, "version");
    return json_is_object(server);
}

bool answer_is_refusal(long status, const json_t *document)
{
    /* Other statuses have error objects too: those for paths that a Matrix server does not know. */
    return (status == 400 || status == 401 || status == 403 || status == 429) &&
           json_is_string(json_object_get(document, "errcode"));
}

char *answer_base_url(const json_t *document, const char *key)
{
    return string_member(json_object_get(document, key), "base_url");
}

json_t *answer_versions(const json_t *document)
{
    const json_t *versions = json_object_get(document, "versions");
    if (!json_is_array(versions)) {
        return NULL;
    }
    json_t *result = json_array();
    for (size_t i = 0; i < json_array_size(versions) && i < ANSWER_VERSION_LIMIT; i++) {
        const json_t *version = json_array_get(versions, i);
        if (json_is_string(version)) {
            char *text = text_printable(json_string_value(version), json_string_length(version));
            json_array_append_new(result, json_string(text));
            free(text);
        }
    }
    return result;
}

static char *contact_flaw(const json_t *contact, size_t index)
{
    if (!json_is_object(contact)) {
        return text_format("contacts[%zu] is no object", index);
    }
    struct contact read = {
        .role = string_member(contact, "role"),
        .matrix_id = string_member(contact, "matrix_id"),
        .email_address = string_member(contact, "email_address"),
    };
    struct problem problem;
    char *flaw = NULL;
    if (!read.role) {
        flaw = text_format("contacts[%zu] has no role", index);
    } else if (!document_check_contact(&read, &problem)) {
        char *words = text_printable(problem.text, strlen(problem.text));
        flaw = text_format("contacts[%zu]: %s", index, words);
        free(words);
    }
    free(read.role);
    free(read.matrix_id);
    free(read.email_address);
    return flaw;
}

char *answer_support_flaw(const json_t *document)
{
    const json_t *contacts = json_object_get(document, "contacts");
    const json_t *page = json_object_get(document, "support_page");
    struct problem problem;
    if (!contacts && !page) {
        return text_format("it has neither contacts nor support_page");
    }
    if (contacts && !json_is_array(contacts)) {
        return text_format("contacts is no array");
    }
    if (!page && json_array_size(contacts) == 0) {
        return text_format("contacts is empty, and there is no support_page");
    }
    if (page &&
        (!json_is_string(page) || strlen(json_string_value(page)) != json_string_length(page) ||
         !url_check(json_string_value(page), true, &problem))) {
        return text_format("support_page is no URL");
    }
    char *flaw = NULL;
    for (size_t i = 0; !flaw && i < json_array_size(contacts); i++) {
        flaw = contact_flaw(json_array_get(contacts, i), i);
    }
    return flaw;
}

/* A directive's value in seconds; at most 10 digits count, more is as long as it gets. */
static long long seconds_of(const char *value, size_t length)
{
    long long seconds = 0;
    if (length > 1 && value[0] == '"') {
        value++;
        length--;
    }
    size_t digits = strspn(value, "0123456789");
    digits = digits < length ? digits : length;
    if (digits == 0) {
        return -1;
    }
    for (size_t i = 0; i < digits && seconds < INT32_MAX; i++) {
        seconds = seconds * 10 + (value[i] - '0');
    }
    return seconds < INT32_MAX ? seconds : INT32_MAX;
}

long long answer_max_age(const char *cache_control)
{
    long long max_age = -1;
    const char *at = !cache_control ? "" : cache_control;
    while (*at != '\0') {
        at += strspn(at, " \t,");
        size_t length = strcspn(at, ",");
        if (strncasecmp(at, "no-store", 8) == 0 || strncasecmp(at, "no-cache", 8) == 0) {
            return 0;
        }
        if (length > 8 && strncasecmp(at, "max-age=", 8) == 0 && max_age < 0) {
            max_age = seconds_of(at + 8, length - 8);
        }
        at += length;
    }
    return max_age;
}

bool answer_is_json_type(const char *content_type)
{
    static const char json[] = "application/json";
    if (!content_type || strncasecmp(content_type, json, strlen(json)) != 0) {
        return false;
    }
    return strchr("; \t", content_type[strlen(json)]) != NULL;
}
