#include "daemon/config/config_data.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum {
    WARNING_LIMIT = 100
};

struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof(*config));

    if (config) {
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

const char *config_add_file(struct config *config, const char *path)
{
    char **files = array_grow(config->files, config->file_count, sizeof(*files));
    char *copy = strdup(path);

    if (files) {
        config->files = files;
    }
    if (!files || !copy) {
        free(copy);
        return NULL;
    }
    files[config->file_count++] = copy;
    return copy;
}

bool config_add_domain(struct config *config, struct domain_config *domain, struct problem *problem)
{
    struct domain_config *domains =
        array_grow(config->domains, config->domain_count, sizeof(*domains));

    if (!domains) {
        return problem_out_of_memory(problem);
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
        array_grow(domain->contacts, domain->contact_count, sizeof(*contacts));

    if (!contacts) {
        return problem_out_of_memory(problem);
    }
    domain->contacts = contacts;
    contacts[domain->contact_count++] = *contact;
    *contact = (struct contact){0};
    return true;
}

bool address_list_add(struct address_list *list, const struct address *address,
                      const struct origin *origin, struct problem *problem)
{
    struct address *items = array_grow(list->items, list->count, sizeof(*items));
    struct origin *origins;

    list->items = items ? items : list->items;
    origins = items ? array_grow(list->origins, list->count, sizeof(*origins)) : NULL;
    if (!origins) {
        return problem_out_of_memory(problem);
    }
    list->origins = origins;
    origins[list->count] = *origin;
    items[list->count++] = *address;
    return true;
}

/* Appends a line to warnings or notes. Out of memory, that is the first thing to do without. */
static void append_line(char ***lines, size_t *count, const char *text)
{
    char **grown = array_grow(*lines, *count, sizeof(*grown));

    if (grown) {
        *lines = grown;
        grown[*count] = strdup(text);
        *count += grown[*count] != NULL;
    }
}

void config_warn(struct config *config, const struct origin *origin, const char *format, ...)
{
    struct problem warning;
    char text[sizeof(warning.text)];
    va_list arguments;

    if (config->warning_count == WARNING_LIMIT) {
        append_line(&config->warnings, &config->warning_count,
                    "there are more warnings than these: only the first are shown");
    }
    if (config->warning_count >= WARNING_LIMIT) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    problem_set(&warning, "%s", text);
    if (origin) {
        origin_blame(origin, &warning);
    }
    append_line(&config->warnings, &config->warning_count, warning.text);
}

void config_note(struct config *config, const char *format, ...)
{
    struct problem note;
    char text[sizeof(note.text)];
    va_list arguments;

    if (config->note_count < WARNING_LIMIT) {
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        problem_set(&note, "%s", text);
        append_line(&config->notes, &config->note_count, note.text);
    }
}

void config_note_overridden(struct config *config, const struct origin *origin, const char *key,
                            const struct origin *winner)
{
    char loser_text[ORIGIN_TEXT_SIZE], winner_text[ORIGIN_TEXT_SIZE];

    config_note(config, "%s: %s is overridden by %s", origin_text(origin, loser_text), key,
                origin_text(winner, winner_text));
}

/* --- Freeing --- */

void address_list_clear(struct address_list *list)
{
    free(list->items);
    free(list->origins);
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

void config_clear(struct config *config)
{
    address_list_clear(&config->listen);
    address_list_clear(&config->listen_http);
    address_list_clear(&config->metrics_listen);
    free(config->config);
    free(config->domain);
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
    free_strings(config->notes, config->note_count);
    free_strings(config->files, config->file_count);
    *config = (struct config){0};
}

void config_free(struct config *config)
{
    if (config) {
        config_clear(config);
        free(config);
    }
}

void config_log(const struct config *config)
{
    for (size_t i = 0; i < config->note_count; i++) {
        log_info("%s", config->notes[i]);
    }
    for (size_t i = 0; i < config->warning_count; i++) {
        log_warning("%s", config->warnings[i]);
    }
}
