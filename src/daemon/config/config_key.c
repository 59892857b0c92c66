#include "daemon/config/config_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spelling.h"
#include "daemon/config/config_data.h"
#include "daemon/config/setting.h"
#include "matrix/server_name.h"
#include "matrix/url.h"

/* Shorter-lived than any homeserver's cache: Synapse keeps a delegation for 5 minutes at least. */
#define MAX_AGE_USEFUL 300U

#define CONFIG_MEMBER(member) CONFIG_RECORD_CONFIG, offsetof(struct config, member)
#define DELEGATION_MEMBER(member) CONFIG_RECORD_DELEGATION, offsetof(struct domain_config, member)
#define CONTACT_MEMBER(member) CONFIG_RECORD_CONTACT, offsetof(struct contact, member)
#define PLAIN 0, 0, ""

/* What the top level and a domain section share: where a server is, and what else is said of it. */
/* clang-format off */
#define DELEGATION_KEYS                                                                            \
    {"server", CONFIG_SERVER, DELEGATION_MEMBER(server), setting_check_server, PLAIN},             \
    {"client", CONFIG_BASE_URL, DELEGATION_MEMBER(client), setting_check_base_url, PLAIN},         \
    {"identity_server", CONFIG_BASE_URL, DELEGATION_MEMBER(identity_server),                       \
        setting_check_base_url, PLAIN},                                                            \
    {"client_extra", CONFIG_EXTRA, DELEGATION_MEMBER(client_extra), setting_check_text, PLAIN},    \
    {"redirect", CONFIG_REDIRECT, DELEGATION_MEMBER(redirect), setting_check_redirect, PLAIN},     \
    {"policy_server_ed25519", CONFIG_TEXT, DELEGATION_MEMBER(policy_server_ed25519),               \
        document_check_ed25519, PLAIN},                                                            \
    {"support", CONFIG_SECTION, CONFIG_RECORD_DELEGATION, 0, NULL, PLAIN}

static const struct config_key top_keys[] = {
    {"domain", CONFIG_SECTION, CONFIG_RECORD_CONFIG, 0, NULL, PLAIN},
    {"listen", CONFIG_ADDRESSES, CONFIG_MEMBER(listen), setting_check_address, PLAIN},
    {"listen_http", CONFIG_ADDRESSES, CONFIG_MEMBER(listen_http), setting_check_address, PLAIN},
    {"metrics_listen", CONFIG_ADDRESSES, CONFIG_MEMBER(metrics_listen), setting_check_address, PLAIN},
    {"certificate", CONFIG_PATH, CONFIG_MEMBER(certificate), setting_check_text, PLAIN},
    {"key", CONFIG_PATH, CONFIG_MEMBER(key), setting_check_text, PLAIN},
    {"acme_alpn_dir", CONFIG_DIRECTORY, CONFIG_MEMBER(acme_alpn_dir), setting_check_text, PLAIN},
    {"acme_webroot", CONFIG_DIRECTORY, CONFIG_MEMBER(acme_webroot), setting_check_text, PLAIN},
    {"http_redirect", CONFIG_BOOLEAN, CONFIG_MEMBER(http_redirect), setting_check_boolean, PLAIN},
    {"domains_dir", CONFIG_DIRECTORY, CONFIG_MEMBER(domains_dir), setting_check_text, PLAIN},
    {"max_age", CONFIG_MAX_AGE, CONFIG_MEMBER(max_age), setting_check_max_age, PLAIN},
    {"access_log", CONFIG_BOOLEAN, CONFIG_MEMBER(access_log), setting_check_boolean, PLAIN},
    {"log_level", CONFIG_LOG_LEVEL, CONFIG_MEMBER(log_level), setting_check_log_level, PLAIN},
    {"log_format", CONFIG_LOG_FORMAT, CONFIG_MEMBER(log_format), setting_check_log_format, PLAIN},
    {"user", CONFIG_TEXT, CONFIG_MEMBER(user), setting_check_text, PLAIN},
    {"max_connections", CONFIG_NUMBER, CONFIG_MEMBER(max_connections), NULL, 1, 1000000, ""},
    {"max_connections_per_ip", CONFIG_NUMBER, CONFIG_MEMBER(max_connections_per_ip), NULL,
        1, 1000000, ""},
    {"request_timeout", CONFIG_NUMBER, CONFIG_MEMBER(request_timeout), NULL, 1, 3600, " seconds"},
    {"keepalive_timeout", CONFIG_NUMBER, CONFIG_MEMBER(keepalive_timeout), NULL, 1, 3600, " seconds"},
    {"threads", CONFIG_NUMBER, CONFIG_MEMBER(threads), NULL, 0, 256,
        ", where 0 is the number of CPUs"},
    DELEGATION_KEYS,
};

static const struct config_key domain_keys[] = {
    DELEGATION_KEYS,
    {"certificate", CONFIG_PATH, DELEGATION_MEMBER(certificate), setting_check_text, PLAIN},
    {"key", CONFIG_PATH, DELEGATION_MEMBER(key), setting_check_text, PLAIN},
};

static const struct config_key support_keys[] = {
    {"page", CONFIG_TEXT, CONFIG_RECORD_SUPPORT, offsetof(struct domain_config, support_page),
        setting_check_page, PLAIN},
    {"contact", CONFIG_SECTION, CONFIG_RECORD_SUPPORT, 0, NULL, PLAIN},
};

static const struct config_key contact_keys[] = {
    {"role", CONFIG_TEXT, CONTACT_MEMBER(role), setting_check_text, PLAIN},
    {"matrix_id", CONFIG_TEXT, CONTACT_MEMBER(matrix_id), setting_check_text, PLAIN},
    {"email_address", CONFIG_TEXT, CONTACT_MEMBER(email_address), setting_check_text, PLAIN},
};
/* clang-format on */

static const struct {
    const struct config_key *keys;
    size_t count;
    const char *place; /* where they stand, in words */
} levels[CONFIG_LEVEL_COUNT] = {
    [CONFIG_LEVEL_TOP] = {top_keys, sizeof(top_keys) / sizeof(*top_keys), "outside of sections"},
    [CONFIG_LEVEL_DOMAIN] = {domain_keys, sizeof(domain_keys) / sizeof(*domain_keys),
                             "in a domain section"},
    [CONFIG_LEVEL_SUPPORT] = {support_keys, sizeof(support_keys) / sizeof(*support_keys),
                              "in a support section"},
    [CONFIG_LEVEL_CONTACT] = {contact_keys, sizeof(contact_keys) / sizeof(*contact_keys),
                              "in a contact section"},
};

_Static_assert(sizeof(top_keys) / sizeof(*top_keys) <= CONFIG_KEY_LIMIT, "raise CONFIG_KEY_LIMIT");

const struct config_key *config_keys(enum config_level level, size_t *count)
{
    *count = levels[level].count;
    return levels[level].keys;
}

const struct config_key *config_key_find(enum config_level level, const char *name)
{
    for (size_t i = 0; i < levels[level].count; i++) {
        if (strcmp(levels[level].keys[i].name, name) == 0) {
            return &levels[level].keys[i];
        }
    }
    return NULL;
}

/* --- Unknown keys --- */

static const char *nearest_name(enum config_level level, const char *name)
{
    const char *nearest = NULL;
    unsigned least = SPELLING_FAR;

    for (size_t i = 0; i < levels[level].count; i++) {
        unsigned distance = spelling_distance(name, levels[level].keys[i].name);

        if (distance < least) {
            least = distance;
            nearest = levels[level].keys[i].name;
        }
    }
    return nearest;
}

bool config_key_refuse(enum config_level level, const char *name, struct problem *problem)
{
    struct excerpt shown = problem_excerpt(name);
    const char *nearest = nearest_name(level, name);
    char list[512] = "";
    size_t used = 0;

    if (*name == ';') {
        return problem_set(problem, "a semicolon: remove it, a value ends where its line does");
    }
    if (nearest != NULL) {
        return problem_set(problem, "\"%s\" is unknown %s: did you mean \"%s\"?", shown.text,
                           levels[level].place, nearest);
    }
    for (size_t i = 0; i < CONFIG_LEVEL_COUNT; i++) {
        if (config_key_find((enum config_level)i, name) != NULL) {
            return problem_set(problem, "\"%s\" has no place %s: it stands %s", shown.text,
                               levels[level].place, levels[i].place);
        }
    }
    for (size_t i = 0; i < levels[level].count && used < sizeof(list); i++) {
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ",
                                 levels[level].keys[i].name);
    }
    return problem_set(problem, "\"%s\" is unknown %s: there are %s", shown.text,
                       levels[level].place, list);
}

/* --- Values --- */

static bool set_string(char **place, const char *text, struct problem *problem)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        return problem_set(problem, "out of memory");
    }
    free(*place);
    *place = copy;
    return true;
}

/* The path of `text`, relative to the folder of the file in which it stands. */
static char *resolve_path(const char *text, const struct origin *origin)
{
    const char *slash = origin->file == NULL ? NULL : strrchr(origin->file, '/');
    char *path = NULL;

    if (*text == '/' || slash == NULL) {
        return strdup(text);
    }
    if (asprintf(&path, "%.*s/%s", (int)(slash - origin->file), origin->file, text) < 0) {
        return NULL;
    }
    return path;
}

static bool set_path(char **place, const char *text, const struct origin *origin,
                     struct problem *problem)
{
    char *path = resolve_path(text, origin);

    if (path == NULL) {
        return problem_set(problem, "out of memory");
    }
    free(*place);
    *place = path;
    return true;
}

static bool set_extra(struct config *config, json_t **place, const char *text,
                      const struct origin *origin, struct problem *problem)
{
    char *path = resolve_path(text, origin);
    json_t *extra;

    if (path == NULL) {
        return problem_set(problem, "out of memory");
    }
    extra = document_load_extra(path, problem);
    if (extra != NULL && config_add_file(config, path) == NULL) {
        problem_set(problem, "out of memory");
        json_decref(extra);
        extra = NULL;
    }
    free(path);
    if (extra == NULL) {
        return false;
    }
    json_decref(*place);
    *place = extra;
    return true;
}

static bool set_redirect(char **place, const char *text, struct problem *problem)
{
    size_t length;

    if (!set_string(place, text, problem)) {
        return false;
    }
    length = strlen(*place);
    while ((*place)[length - 1] == '/') {
        (*place)[--length] = '\0';
    }
    return true;
}

static bool add_address(struct config *config, struct address_list *list, const char *text,
                        struct problem *problem)
{
    struct address address;

    return address_parse(text, &address, problem) &&
           config_add_address(config, list, &address, problem);
}

/* Warns of a value that is legal, but probably not meant. */
static void warn_of_value(struct config *config, const struct config_key *key, const char *text,
                          const struct origin *origin)
{
    struct server_name name;
    struct problem ignored;

    if (key->kind == CONFIG_SERVER && server_name_parse_target(text, &name, &ignored) &&
        name.kind == SERVER_NAME_DNS && name.port < 0) {
        config_warn(config, origin,
                    "m.server \"%s\" has no port: other servers will look for SRV records of %s, "
                    "then use port 8448; give the port to be sure",
                    problem_excerpt(text).text, problem_excerpt(text).text);
    }
    if (key->kind == CONFIG_BASE_URL && !url_is_https(text)) {
        config_warn(config, origin,
                    "%s \"%s\" is not https: clients in a browser will refuse it, and others send "
                    "passwords in the clear",
                    key->name, problem_excerpt(text).text);
    }
    if (key->kind == CONFIG_MAX_AGE && config->max_age < MAX_AGE_USEFUL) {
        config_warn(config, origin,
                    "max_age %u is below %u: Synapse caches for at least 5 minutes all the same",
                    config->max_age, MAX_AGE_USEFUL);
    }
}

static bool set_value(const struct config_key *key, struct config *config, void *place,
                      const char *text, const struct origin *origin, struct problem *problem)
{
    switch (key->kind) {
    case CONFIG_TEXT:
    case CONFIG_SERVER:
    case CONFIG_BASE_URL:
        return set_string(place, text, problem);
    case CONFIG_REDIRECT:
        return set_redirect(place, text, problem);
    case CONFIG_PATH:
    case CONFIG_DIRECTORY:
        return set_path(place, text, origin, problem);
    case CONFIG_EXTRA:
        return set_extra(config, place, text, origin, problem);
    case CONFIG_ADDRESSES:
        return add_address(config, place, text, problem);
    case CONFIG_NUMBER:
        return setting_parse_number(text, key->minimum, key->maximum, key->unit, place, problem);
    case CONFIG_MAX_AGE:
        return setting_parse_max_age(text, place, problem);
    case CONFIG_BOOLEAN:
        return setting_parse_boolean(text, place, problem);
    case CONFIG_LOG_LEVEL:
        return setting_parse_log_level(text, place, problem);
    case CONFIG_LOG_FORMAT:
        return setting_parse_log_format(text, place, problem);
    case CONFIG_SECTION:
        break;
    }
    return false;
}

bool config_key_set(const struct config_key *key, struct config *config, void *record,
                    const char *text, const struct origin *origin, struct problem *problem)
{
    if (key->check != NULL && !key->check(text, problem)) {
        return false;
    }
    if (!set_value(key, config, (char *)record + key->offset, text, origin, problem)) {
        return false;
    }
    warn_of_value(config, key, text, origin);
    return true;
}
