#include "daemon/config/configuration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config_check.h"
#include "daemon/config/config_data.h"
#include "daemon/config/config_file.h"
#include "daemon/config/value.h"

/* One run of config_load. */
struct loading {
    const struct options *options;
    struct config *config;
    struct domain_config delegation; /* what options and variables say of one */
    struct problem *problem;
};

static struct origin origin_of(const struct given *given)
{
    return (struct origin){
        .source = given->by_variable ? SOURCE_ENVIRONMENT : SOURCE_COMMAND_LINE,
        .key = given->setting->name,
    };
}

/* --- The command line and the environment --- */

static bool take_given(struct loading *loading, const struct given *given)
{
    struct config *config = loading->config;
    struct origin origin = origin_of(given);
    void *record =
        given->setting->record == RECORD_DOMAIN ? (void *)&loading->delegation : (void *)config;

    config->origins[setting_index(given->setting)] = origin;
    return value_set(given->setting, config, record, given->text, &origin, loading->problem) ||
           value_blame(given->setting, given->text, &origin, loading->problem);
}

static void warn_of_unknown_variables(struct loading *loading)
{
    for (size_t i = 0; i < loading->options->unknown_count; i++) {
        config_warn(loading->config, NULL,
                    "the environment variable %s is unknown: see matrix-wellknownd(8) for the "
                    "names",
                    problem_excerpt(loading->options->unknown_variables[i]).text);
    }
}

/* They exclude each other where both are given; a file's certificate makes room. */
static bool check_self_signed(const struct loading *loading)
{
    const struct config *config = loading->config;
    char first[ORIGIN_TEXT_SIZE], second[ORIGIN_TEXT_SIZE];

    if (!config->self_signed || !(config->certificate || config->key)) {
        return true;
    }
    return problem_set_usage(
        loading->problem, "%s and %s exclude each other: give one",
        origin_text(config_origin(config, &config->self_signed), first),
        origin_text(
            config_origin(config, config->certificate ? &config->certificate : &config->key),
            second));
}

static bool take_options(struct loading *loading)
{
    warn_of_unknown_variables(loading);
    for (size_t i = 0; i < loading->options->value_count; i++) {
        if (!take_given(loading, &loading->options->values[i])) {
            return false;
        }
    }
    return check_self_signed(loading);
}

/* --- Files --- */

static bool is_missing(const char *path)
{
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static bool read_files(struct loading *loading)
{
    struct config *config = loading->config;
    const struct given *server = options_find(loading->options, "server");
    const char *path = config->config ? config->config : OPTIONS_DEFAULT_CONFIG;

    if (!config->config && server && !server->by_variable) {
        if (!is_missing(path)) {
            config_note(config,
                        "%s is not read, because --server is given: give --config %s to read it "
                        "too",
                        path, path);
        }
        path = NULL;
    } else if (!config->config && is_missing(path)) {
        if (!server && !config->domains_dir) {
            return problem_set_usage(
                loading->problem,
                "no server name: give --server NAME[:PORT] or " SETTING_VARIABLE_PREFIX
                "SERVER, for example "
                "matrix.example.com:8448, or write %s",
                path);
        }
        path = NULL;
    }
    return config_file_read(path, config, loading->problem);
}

static void drop_overridden(struct config *config, char **path, const char *key)
{
    const struct origin *origin = config_origin(config, path);

    if (*path) {
        config_note_overridden(config, origin, key, config_origin(config, &config->self_signed));
        free(*path);
        *path = NULL;
    }
}

/* --- The domains --- */

static struct domain_config *find_domain(struct config *config, const char *name)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        if (strcmp(config->domains[i].name, name) == 0) {
            return &config->domains[i];
        }
    }
    return NULL;
}

/* Adds a domain of which only the name is known. */
static bool add_domain(struct config *config, const char *name, struct problem *problem)
{
    struct domain_config domain = {.name = strdup(name)};
    bool good =
        domain.name ? config_add_domain(config, &domain, problem) : problem_out_of_memory(problem);

    domain_config_clear(&domain);
    return good;
}

/* Leaves one domain in the config, that which was asked for: the file's section, or what it has for
   any host, or else an empty one for the options to fill. */
static bool keep_domain(struct loading *loading, bool filled)
{
    struct config *config = loading->config;
    struct domain_config *found = find_domain(config, config->domain);
    struct domain_config kept = {0};
    bool good;

    found = found ? found : find_domain(config, "*");
    if (!found && !filled) {
        problem_set_usage(loading->problem,
                          "%s does not configure \"%s\": add a section for it, or give --server "
                          "too",
                          config->file_count > 0 ? config->files[0] : OPTIONS_DEFAULT_CONFIG,
                          config->domain);
        return origin_blame(config_origin(config, &config->domain), loading->problem);
    }
    if (found) {
        kept = *found;
        *found = (struct domain_config){0};
    }
    free(kept.name);
    kept.name = strdup(config->domain);
    for (size_t i = 0; i < config->domain_count; i++) {
        domain_config_clear(&config->domains[i]);
    }
    config->domain_count = 0;
    good = kept.name ? config_add_domain(config, &kept, loading->problem)
                     : problem_out_of_memory(loading->problem);
    domain_config_clear(&kept);
    return good;
}

/* Notes that an option or a variable stands in place of a value of the domain, if it has it from
   its file. */
static void override_line(struct config *config, struct domain_config *domain,
                          const struct setting *setting, const struct origin *winner)
{
    unsigned *line = &domain->lines[setting_domain_index(setting)];
    struct origin origin = {SOURCE_FILE, NULL, domain->origin.file, *line};

    if (*line > 0) {
        config_note_overridden(config, &origin, setting->name, winner);
        *line = 0;
    }
}

/* The certificate and the key of options stand for those of the domain that was asked for, where it
   has its own. */
static bool override_certificate(struct loading *loading, struct domain_config *domain)
{
    static const char *const names[] = {"certificate", "key"};

    for (size_t i = 0; (domain->certificate || domain->key) && i < 2; i++) {
        const struct setting *setting = setting_find(IN_DOMAIN, names[i]);
        const struct given *given = options_find(loading->options, names[i]);
        struct origin origin;

        if (given) {
            origin = origin_of(given);
            override_line(loading->config, domain, setting, &origin);
            if (!value_set(setting, loading->config, domain, given->text, &origin,
                           loading->problem)) {
                return false;
            }
        }
    }
    return true;
}

/* Puts what options and variables say of a delegation into the domain that they speak of. */
static bool override_delegation(struct loading *loading)
{
    const struct options *options = loading->options;
    struct config *config = loading->config;
    struct domain_config *domain;
    bool filled = false;

    for (size_t i = 0; i < options->value_count; i++) {
        filled = filled || options->values[i].setting->record == RECORD_DOMAIN;
    }
    if (config->domain
            ? !keep_domain(loading, filled)
            : filled && !find_domain(config, "*") && !add_domain(config, "*", loading->problem)) {
        return false;
    }
    domain = config->domain ? &config->domains[0] : find_domain(config, "*");
    for (size_t i = 0; filled && i < options->value_count; i++) {
        const struct given *given = &options->values[i];
        struct origin origin = origin_of(given);

        if (given->setting->record == RECORD_DOMAIN) {
            override_line(config, domain, given->setting, &origin);
            value_move(given->setting, &loading->delegation, domain);
        }
    }
    return !config->domain || override_certificate(loading, domain);
}

/* --- The whole --- */

/* Listens for HTTPS where nothing else is asked for. */
static bool listen_by_default(struct config *config, struct problem *problem)
{
    static const struct origin origin = {SOURCE_DEFAULT, NULL, NULL, 0};
    struct address address;

    if (config->listen.count > 0 || config->listen_http.count > 0) {
        return true;
    }
    config->listen_is_default = true;
    return address_parse("443", &address, problem) &&
           address_list_add(&config->listen, &address, &origin, problem);
}

struct config *config_load(const struct options *options, struct problem *problem)
{
    struct loading loading = {.options = options, .config = config_new(), .problem = problem};
    struct config *config = loading.config;
    bool good;

    if (!config) {
        problem_out_of_memory(problem);
        return NULL;
    }
    good = take_options(&loading) && read_files(&loading);
    if (good && config->self_signed) {
        drop_overridden(config, &config->certificate, "certificate");
        drop_overridden(config, &config->key, "key");
    }
    good = good && override_delegation(&loading) && listen_by_default(config, problem) &&
           config_check(config, problem);
    domain_config_clear(&loading.delegation);
    if (!good) {
        config_free(config);
        return NULL;
    }
    return config;
}
