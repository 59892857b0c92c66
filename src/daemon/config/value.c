#include "daemon/config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "daemon/config/address.h"
#include "daemon/config/config_data.h"
#include "matrix/documents.h"
#include "matrix/server_name.h"
#include "matrix/url.h"

/* Shorter-lived than any homeserver's cache: Synapse keeps a delegation for 5 minutes at least. */
#define MAX_AGE_USEFUL 300U

/* --- Text --- */

static bool keep_text(char **place, char *text, struct problem *problem)
{
    if (!text) {
        return problem_out_of_memory(problem);
    }
    free(*place);
    *place = text;
    return true;
}

static bool check_filled(const char *text, struct problem *problem)
{
    return *text != '\0' ||
           problem_set(problem, "the value is empty: give one, or leave the setting out");
}

static bool check_server(const char *text, struct problem *problem)
{
    struct server_name name;

    return server_name_parse_target(text, &name, problem);
}

/* A URL that the path and the query of each request are put after, so it can have neither. */
static bool check_redirect(const char *text, struct problem *problem)
{
    if (text[strcspn(text, "?#")] != '\0') {
        return problem_set(
            problem,
            "\"%s\" has a query or a fragment: give the URL that the request's own path "
            "and query are put after, for example \"https://www.example.com\"",
            problem_excerpt(text).text);
    }
    return url_check(text, false, problem);
}

static bool set_redirect(char **place, const char *text, struct problem *problem)
{
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '/') {
        length--;
    }
    return check_redirect(text, problem) && keep_text(place, strndup(text, length), problem);
}

/* The path of `text`, relative to the folder of the file in which it stands. */
static char *resolve_path(const char *text, const struct origin *origin)
{
    const char *slash = origin->file ? strrchr(origin->file, '/') : NULL;
    char *path = NULL;

    if (*text == '/' || !slash) {
        return strdup(text);
    }
    return asprintf(&path, "%.*s/%s", (int)(slash - origin->file), origin->file, text) < 0 ? NULL
                                                                                           : path;
}

static bool set_extra(struct config *config, json_t **place, const char *text,
                      const struct origin *origin, struct problem *problem)
{
    char *path = NULL;
    json_t *extra = NULL;

    if (check_filled(text, problem) && keep_text(&path, resolve_path(text, origin), problem)) {
        extra = document_load_extra(path, problem);
    }
    if (extra && !config_add_file(config, path)) {
        problem_out_of_memory(problem);
        json_decref(extra);
        extra = NULL;
    }
    free(path);
    if (extra) {
        json_decref(*place);
        *place = extra;
    }
    return extra != NULL;
}

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

char *value_parse_domain(const char *text, struct problem *problem)
{
    struct server_name parsed;
    size_t length = strlen(text);
    char *name;

    if (!is_ascii(text)) {
        problem_set(
            problem,
            "\"%s\" is not ASCII: write the xn-- form, which HTTP clients send (idn2 prints it)",
            problem_excerpt(text).text);
        return NULL;
    }
    if (length > 1 && strchr(text, '*')) {
        problem_set(problem,
                    "\"%s\" is a pattern: name every domain by itself, or \"*\" for any other host",
                    problem_excerpt(text).text);
        return NULL;
    }
    if (length > 1 && text[length - 1] == '.') {
        length--;
    }
    name = strndup(text, length);
    if (!name) {
        problem_out_of_memory(problem);
        return NULL;
    }
    for (char *letter = name; *letter != '\0'; letter++) {
        *letter = (char)tolower((unsigned char)*letter);
    }
    if (strcmp(name, "*") != 0 && !server_name_parse_host(name, &parsed, problem)) {
        free(name);
        return NULL;
    }
    return name;
}

static bool set_domain(char **place, const char *text, struct problem *problem)
{
    char *name = value_parse_domain(text, problem);

    return name && keep_text(place, name, problem);
}

/* --- Numbers and words --- */

static bool set_number(const struct setting *setting, unsigned *place, const char *text,
                       struct problem *problem)
{
    unsigned long long number = 0;

    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return problem_set(problem, "\"%s\" is not a whole number: give one from %u to %u%s",
                           problem_excerpt(text).text, setting->minimum, setting->maximum,
                           setting->unit);
    }
    for (const char *digit = text; *digit != '\0' && number <= setting->maximum; digit++) {
        number = number * 10 + (unsigned)(*digit - '0');
    }
    if (number < setting->minimum || number > setting->maximum) {
        return problem_set(problem, "\"%s\" is too %s: give a number from %u to %u%s",
                           problem_excerpt(text).text,
                           number < setting->minimum ? "small" : "large", setting->minimum,
                           setting->maximum, setting->unit);
    }
    *place = (unsigned)number;
    return true;
}

static bool set_flag(bool *place, const char *text, struct problem *problem)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        bool matches = strcasecmp(text, yes[i]) == 0;

        if (matches || strcasecmp(text, no[i]) == 0) {
            *place = matches;
            return true;
        }
    }
    return problem_set(problem, "\"%s\" is neither true nor false: give one of the two",
                       problem_excerpt(text).text);
}

/* Keeps the word's place in its list, which is the enum's value. */
static bool set_word(const struct setting *setting, unsigned *place, const char *text,
                     struct problem *problem)
{
    char list[128] = "";
    size_t used = 0;

    for (unsigned i = 0; setting->words[i]; i++) {
        if (strcmp(text, setting->words[i]) == 0) {
            *place = i;
            return true;
        }
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
                                 i == 0                  ? ""
                                 : setting->words[i + 1] ? ", "
                                                         : " or ",
                                 setting->words[i]);
    }
    return problem_set(problem, "\"%s\" is not %s: give %s", problem_excerpt(text).text,
                       setting->unit, list);
}

/* --- Values of every kind --- */

static bool add_address(struct address_list *list, const char *text, const struct origin *origin,
                        struct problem *problem)
{
    struct address address;

    return address_parse(text, &address, problem) &&
           address_list_add(list, &address, origin, problem);
}

/* Warns of a value that is legal, but probably not meant. */
static void warn_of_value(const struct setting *setting, struct config *config, const void *place,
                          const char *text, const struct origin *origin)
{
    struct server_name name;
    struct problem ignored;

    if (setting->kind == SETTING_SERVER && server_name_parse_target(text, &name, &ignored) &&
        name.kind == SERVER_NAME_DNS && name.port < 0) {
        config_warn(config, origin,
                    "m.server \"%s\" has no port: other servers will look for SRV records of %s, "
                    "then use port 8448; give the port to be sure",
                    problem_excerpt(text).text, problem_excerpt(text).text);
    }
    if (setting->kind == SETTING_BASE_URL && !url_is_https(text)) {
        config_warn(config, origin,
                    "%s \"%s\" is not https: clients in a browser will refuse it, and others send "
                    "passwords in the clear",
                    setting->name, problem_excerpt(text).text);
    }
    if (place == &config->max_age && config->max_age < MAX_AGE_USEFUL) {
        config_warn(config, origin,
                    "max_age %u is below %u: Synapse caches for at least 5 minutes all the same",
                    config->max_age, MAX_AGE_USEFUL);
    }
}

static bool read_value(const struct setting *setting, struct config *config, void *place,
                       const char *text, const struct origin *origin, struct problem *problem)
{
    switch (setting->kind) {
    case SETTING_TEXT:
        return check_filled(text, problem) && keep_text(place, strdup(text), problem);
    case SETTING_PATH:
        return check_filled(text, problem) && keep_text(place, resolve_path(text, origin), problem);
    case SETTING_SERVER:
        return check_server(text, problem) && keep_text(place, strdup(text), problem);
    case SETTING_BASE_URL:
        return url_check(text, false, problem) && keep_text(place, strdup(text), problem);
    case SETTING_PAGE:
        return url_check(text, true, problem) && keep_text(place, strdup(text), problem);
    case SETTING_REDIRECT:
        return set_redirect(place, text, problem);
    case SETTING_ED25519:
        return document_check_ed25519(text, problem) && keep_text(place, strdup(text), problem);
    case SETTING_DOMAIN:
        return set_domain(place, text, problem);
    case SETTING_EXTRA:
        return set_extra(config, place, text, origin, problem);
    case SETTING_ADDRESSES:
        return add_address(place, text, origin, problem);
    case SETTING_NUMBER:
        return set_number(setting, place, text, problem);
    case SETTING_FLAG:
        return set_flag(place, text, problem);
    case SETTING_WORD:
        return set_word(setting, place, text, problem);
    case SETTING_COMMAND:
    case SETTING_SECTION:
        break;
    }
    return true;
}

bool value_set(const struct setting *setting, struct config *config, void *record, const char *text,
               const struct origin *origin, struct problem *problem)
{
    void *place = (char *)record + setting->offset;

    if (!read_value(setting, config, place, text, origin, problem)) {
        return false;
    }
    warn_of_value(setting, config, place, text, origin);
    return true;
}

/* Whether the message says what m.server takes, beyond showing the value, which comes first. */
static bool names_server(const char *message, const char *text)
{
    struct excerpt shown = problem_excerpt(text);

    if (*message == '"' && strncmp(message + 1, shown.text, strlen(shown.text)) == 0) {
        message += 1 + strlen(shown.text);
    }
    return strstr(message, "m.server") != NULL;
}

bool value_blame(const struct setting *setting, const char *text, const struct origin *origin,
                 struct problem *problem)
{
    if (origin->source == SOURCE_FILE &&
        !(setting->kind == SETTING_SERVER && names_server(problem->text, text))) {
        problem_prefix(problem, "%s: ", setting->name);
    }
    return origin_blame(origin, problem);
}

void value_move(const struct setting *setting, void *from, void *to)
{
    char **source = (void *)((char *)from + setting->offset);
    char **target = (void *)((char *)to + setting->offset);

    if (setting->kind == SETTING_EXTRA) {
        json_decref(*(json_t **)(void *)target);
    } else {
        free(*target);
    }
    *target = *source;
    *source = NULL;
}
