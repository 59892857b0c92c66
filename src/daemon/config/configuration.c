#include "daemon/config/configuration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config_check.h"
#include "daemon/config/config_data.h"
#include "daemon/config/config_file.h"
#include "daemon/config/config_key.h"
#include "daemon/config/setting.h"

/* What the command line and the environment set comes from no file. */
static const struct origin no_file = {NULL, 0};

/* --- Files --- */

static bool read_files(struct config *config, const struct options *options,
                       struct problem *problem)
{
    const char *path = options->config;

    if (path == NULL && options->server != NULL) {
        return true;
    }
    if (path == NULL) {
        path = OPTIONS_DEFAULT_CONFIG;
        if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
            return problem_set_usage(problem,
                                     "no server name: give --server NAME[:PORT], for example "
                                     "matrix.example.com:8448, or write %s",
                                     path);
        }
    }
    return config_file_read(path, config, problem);
}

/* --- Command line and environment over files --- */

/* Sets the key of the top level by an option of the same name. */
static bool overlay(struct config *config, void *record, const char *name, const char *value,
                    struct problem *problem)
{
    const struct config_key *key = config_key_find(CONFIG_LEVEL_TOP, name);

    if (value == NULL || config_key_set(key, config, record, value, &no_file, problem)) {
        return true;
    }
    problem->status = PROBLEM_USAGE;
    problem_prefix(problem, "--%s: ", name);
    for (char *letter = problem->text; *letter != ':'; letter++) {
        *letter = *letter == '_' ? '-' : *letter;
    }
    return false;
}

static bool overlay_list(struct config *config, const char *name, const struct string_list *values,
                         struct problem *problem)
{
    for (size_t i = 0; i < values->count; i++) {
        if (!overlay(config, config, name, values->items[i], problem)) {
            return false;
        }
    }
    return true;
}

/* Lists that are given replace those of the file; all of them first, since no address may be in two
   lists. */
static bool overlay_listeners(struct config *config, const struct options *options,
                              struct problem *problem)
{
    if (options->listen.count > 0) {
        address_list_clear(&config->listen);
    }
    if (options->listen_http.count > 0) {
        address_list_clear(&config->listen_http);
    }
    if (options->metrics_listen.count > 0) {
        address_list_clear(&config->metrics_listen);
    }
    return overlay_list(config, "listen", &options->listen, problem) &&
           overlay_list(config, "listen_http", &options->listen_http, problem) &&
           overlay_list(config, "metrics_listen", &options->metrics_listen, problem);
}

static bool overlay_certificate(struct config *config, const struct options *options,
                                struct problem *problem)
{
    if (options->certificate != NULL) {
        config->certificate_origin = no_file;
    }
    if (options->key != NULL) {
        config->key_origin = no_file;
    }
    if (options->self_signed) {
        config->self_signed = true;
        free(config->certificate);
        free(config->key);
        config->certificate = NULL;
        config->key = NULL;
    }
    return overlay(config, config, "certificate", options->certificate, problem) &&
           overlay(config, config, "key", options->key, problem);
}

static bool overlay_settings(struct config *config, const struct options *options,
                             struct problem *problem)
{
    return overlay_listeners(config, options, problem) &&
           overlay_certificate(config, options, problem) &&
           overlay(config, config, "acme_alpn_dir", options->acme_alpn_dir, problem) &&
           overlay(config, config, "acme_webroot", options->acme_webroot, problem) &&
           overlay(config, config, "http_redirect", options->http_redirect, problem) &&
           overlay(config, config, "max_age", options->max_age, problem) &&
           overlay(config, config, "access_log", options->access_log, problem) &&
           overlay(config, config, "log_level", options->log_level, problem) &&
           overlay(config, config, "log_format", options->log_format, problem) &&
           overlay(config, config, "user", options->user, problem);
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

static bool has_delegation(const struct options *options)
{
    return options->server != NULL || options->client != NULL || options->identity_server != NULL;
}

/* Leaves the domain `name` alone in the config: the file's section, or what it has for any host, or
   else an empty one for the options to fill. Takes over `name`. */
static bool keep_domain(struct config *config, const struct options *options, char *name,
                        struct problem *problem)
{
    struct domain_config *found = find_domain(config, name);
    struct domain_config kept = {0};

    found = found != NULL ? found : find_domain(config, "*");
    if (found == NULL && !has_delegation(options)) {
        problem_set_usage(problem,
                          "--domain: %s does not configure \"%s\": add a section for it, or give "
                          "--server too",
                          config->file_count > 0 ? config->files[0] : OPTIONS_DEFAULT_CONFIG, name);
        free(name);
        return false;
    }
    if (found != NULL) {
        kept = *found;
        *found = (struct domain_config){0};
    }
    free(kept.name);
    kept.name = name;
    for (size_t i = 0; i < config->domain_count; i++) {
        domain_config_clear(&config->domains[i]);
    }
    config->domain_count = 0;
    if (!config_add_domain(config, &kept, problem)) {
        domain_config_clear(&kept);
        return false;
    }
    return true;
}

static bool add_any_host(struct config *config, struct problem *problem)
{
    struct domain_config any = {.name = strdup("*")};

    if (any.name == NULL) {
        return problem_set(problem, "out of memory");
    }
    if (!config_add_domain(config, &any, problem)) {
        domain_config_clear(&any);
        return false;
    }
    return true;
}

/* The domain that the options speak of is `*domain` then, NULL where they speak of none. */
static bool choose_domain(struct config *config, const struct options *options,
                          struct domain_config **domain, struct problem *problem)
{
    *domain = NULL;
    if (options->domain != NULL) {
        char *name = setting_parse_domain(options->domain, problem);

        if (name == NULL || !keep_domain(config, options, name, problem)) {
            return false;
        }
        *domain = &config->domains[0];
    } else if (has_delegation(options)) {
        if (find_domain(config, "*") == NULL && !add_any_host(config, problem)) {
            return false;
        }
        *domain = find_domain(config, "*");
    }
    return true;
}

/* The options' certificate and key stand for those of the domain, where it has its own. */
static bool overlay_own_certificate(struct config *config, struct domain_config *domain,
                                    const struct options *options, struct problem *problem)
{
    const struct config_key *certificate = config_key_find(CONFIG_LEVEL_DOMAIN, "certificate");
    const struct config_key *key = config_key_find(CONFIG_LEVEL_DOMAIN, "key");

    if (domain->certificate == NULL && domain->key == NULL) {
        return true;
    }
    return (options->certificate == NULL ||
            config_key_set(certificate, config, domain, options->certificate, &no_file, problem)) &&
           (options->key == NULL ||
            config_key_set(key, config, domain, options->key, &no_file, problem));
}

static bool overlay_domain(struct config *config, const struct options *options,
                           struct problem *problem)
{
    struct domain_config *domain;

    if (!choose_domain(config, options, &domain, problem)) {
        return false;
    }
    if (domain == NULL) {
        return true;
    }
    return (options->domain == NULL || overlay_own_certificate(config, domain, options, problem)) &&
           overlay(config, domain, "server", options->server, problem) &&
           overlay(config, domain, "client", options->client, problem) &&
           overlay(config, domain, "identity_server", options->identity_server, problem);
}

/* --- The whole --- */

/* Listens for HTTPS where nothing else is asked for. */
static bool listen_by_default(struct config *config, struct problem *problem)
{
    struct address address;

    if (config->listen.count > 0 || config->listen_http.count > 0) {
        return true;
    }
    config->listen_is_default = true;
    return address_parse("443", &address, problem) &&
           config_add_address(config, &config->listen, &address, problem);
}

struct config *config_load(const struct options *options, struct problem *problem)
{
    struct config *config = config_new();

    if (config == NULL) {
        problem_set(problem, "out of memory");
        return NULL;
    }
    if (!read_files(config, options, problem) || !overlay_settings(config, options, problem) ||
        !overlay_domain(config, options, problem) || !listen_by_default(config, problem) ||
        !config_check(config, problem)) {
        config_free(config);
        return NULL;
    }
    return config;
}
