#include "daemon/config/config_data.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WARNING_LIMIT = 100
};

struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof(*config));

    if (config != NULL) {
        config->max_age = 3600;
        config->max_connections = 1024;
        config->max_connections_per_ip = 64;
        config->request_timeout = 10;
        config->keepalive_timeout = 5;
        config->log_level = LOG_LEVEL_INFO;
        config->log_format = LOG_FORMAT_TEXT;
    }
    return config;
}

/* Makes room for one item more in an array of `count`. Its room is always the next power of two, so
   that no capacity need be kept. NULL where memory ran out; the array is as it was then. */
static void *make_room(void *items, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0) {
        return items;
    }
    return reallocarray(items, count == 0 ? 1 : count * 2, size);
}

const char *config_add_file(struct config *config, const char *path)
{
    char **files = make_room(config->files, config->file_count, sizeof(*files));
    char *copy = strdup(path);

    if (files != NULL) {
        config->files = files;
    }
    if (files == NULL || copy == NULL) {
        free(copy);
        return NULL;
    }
    files[config->file_count++] = copy;
    return copy;
}

bool config_add_domain(struct config *config, struct domain_config *domain, struct problem *problem)
{
    struct domain_config *domains =
        make_room(config->domains, config->domain_count, sizeof(*domains));

    if (domains == NULL) {
        return problem_set(problem, "out of memory");
    }
    config->domains = domains;
    domains[config->domain_count++] = *domain;
    *domain = (struct domain_config){0};
    return true;
}

bool config_add_contact(struct domain_config *domain, struct contact *contact,
                        struct problem *problem)
{
    struct contact *contacts =
        make_room(domain->contacts, domain->contact_count, sizeof(*contacts));

    if (!contacts) {
        return problem_set(problem, "out of memory");
    }
    domain->contacts = contacts;
    contacts[domain->contact_count++] = *contact;
    *contact = (struct contact){0};
    return true;
}

static bool list_has(const struct address_list *list, const struct address *address)
{
    for (size_t i = 0; i < list->count; i++) {
        if (address_equal(&list->items[i], address)) {
            return true;
        }
    }
    return false;
}

bool config_add_address(struct config *config, struct address_list *list,
                        const struct address *address, struct problem *problem)
{
    char text[ADDRESS_TEXT_SIZE];
    struct address *items;

    if (!address_takes_free_port(address) &&
        (list_has(&config->listen, address) || list_has(&config->listen_http, address) ||
         list_has(&config->metrics_listen, address))) {
        return problem_set(problem, "%s is listened on already: give each address once",
                           address_format(address, text));
    }
    items = make_room(list->items, list->count, sizeof(*items));
    if (items == NULL) {
        return problem_set(problem, "out of memory");
    }
    list->items = items;
    items[list->count++] = *address;
    return true;
}

static void append_warning(struct config *config, const char *text)
{
    char **warnings = make_room(config->warnings, config->warning_count, sizeof(*warnings));

    /* Out of memory, a warning is the first thing to do without. */
    if (warnings != NULL) {
        config->warnings = warnings;
        warnings[config->warning_count] = strdup(text);
        config->warning_count += warnings[config->warning_count] != NULL;
    }
}

void config_warn(struct config *config, const struct origin *origin, const char *format, ...)
{
    struct problem warning;
    char text[sizeof(warning.text)];
    va_list arguments;

    if (config->warning_count == WARNING_LIMIT) {
        append_warning(config, "there are more warnings than these: only the first are shown");
    }
    if (config->warning_count >= WARNING_LIMIT) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    problem_set(&warning, "%s", text);
    if (origin != NULL) {
        config_blame(origin, &warning);
    }
    append_warning(config, warning.text);
}

bool config_blame(const struct origin *origin, struct problem *problem)
{
    if (origin->file != NULL) {
        problem_prefix(problem, "%s:%u: ", origin->file, origin->line);
    }
    return false;
}

void address_list_clear(struct address_list *list)
{
    free(list->items);
    *list = (struct address_list){0};
}

void contact_clear(struct contact *contact)
{
    free(contact->role);
    free(contact->matrix_id);
    free(contact->email_address);
    *contact = (struct contact){0};
}

void domain_config_clear(struct domain_config *domain)
{
    free(domain->name);
    free(domain->server);
    free(domain->client);
    free(domain->identity_server);
    json_decref(domain->client_extra);
    free(domain->redirect);
    free(domain->certificate);
    free(domain->key);
    free(domain->policy_server_ed25519);
    free(domain->support_page);
    for (size_t i = 0; i < domain->contact_count; i++) {
        contact_clear(&domain->contacts[i]);
    }
    free(domain->contacts);
    *domain = (struct domain_config){0};
}

static void free_strings(char **strings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(strings[i]);
    }
    free(strings);
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    address_list_clear(&config->listen);
    address_list_clear(&config->listen_http);
    address_list_clear(&config->metrics_listen);
    free(config->certificate);
    free(config->key);
    free(config->acme_alpn_dir);
    free(config->acme_webroot);
    free(config->user);
    free(config->domains_dir);
    for (size_t i = 0; i < config->domain_count; i++) {
        domain_config_clear(&config->domains[i]);
    }
    free(config->domains);
    free_strings(config->warnings, config->warning_count);
    free_strings(config->files, config->file_count);
    free(config);
}
