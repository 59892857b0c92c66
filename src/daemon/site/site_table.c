#include "daemon/site/site_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/log.h"

/* So many domains have their names compared with their certificates'. */
enum {
    NAMES_COMPARED = 256
};

/* So many distinct documents have their responses built with the table, further ones when they are
   first asked for. */
enum {
    ANSWERS_AT_ONCE = 1024
};

/* While a table is built: the answers made so far, by their documents' text, so that domains with
   the same delegation share them. */
struct builder {
    struct site_table *table;
    const struct config *config;
    const struct site_table *previous;
    struct map answers_by_text;
    enum site_certificates certificates;
    size_t names_compared;
};

/* The answer with this document; takes `text` (or NULL, where memory ran out) over. */
static struct document_answer *builder_answer(struct builder *builder, char *text)
{
    struct site_table *table = builder->table;
    struct document_answer *answer, **answers;
    char *key = text ? strdup(text) : NULL;

    if (!key) {
        free(text);
        return NULL;
    }
    answer = map_get(&builder->answers_by_text, key, strlen(key));
    if (answer) {
        free(key);
        free(text);
        return answer;
    }
    answers = array_grow(table->answers, table->answer_count, sizeof(*answers));
    if (!answers) {
        free(key);
        free(text);
        return NULL;
    }
    table->answers = answers;
    answer =
        document_answer_new(text, builder->config->max_age, table->answer_count < ANSWERS_AT_ONCE);
    if (!answer || !map_set(&builder->answers_by_text, key, answer)) {
        document_answer_free(answer);
        free(key);
        return NULL;
    }
    table->answers[table->answer_count++] = answer;
    return answer;
}

static void builder_clear(struct builder *builder)
{
    for (size_t i = 0; i < builder->answers_by_text.capacity; i++) {
        free((char *)builder->answers_by_text.entries[i].key);
    }
    map_clear(&builder->answers_by_text);
}

char *site_document_render(const struct domain_config *domain, enum document document, bool *exists)
{
    switch (document) {
    case DOCUMENT_SERVER:
        *exists = domain->server;
        return *exists ? document_render_server(domain->server) : NULL;
    case DOCUMENT_CLIENT:
        *exists = domain->client;
        return *exists ? document_render_client(domain->client, domain->identity_server,
                                                domain->client_extra)
                       : NULL;
    case DOCUMENT_SUPPORT:
        *exists = domain->support_page || domain->contact_count > 0;
        return *exists ? document_render_support(domain->support_page, domain->contacts,
                                                 domain->contact_count)
                       : NULL;
    case DOCUMENT_POLICY_SERVER:
        *exists = domain->policy_server_ed25519;
        return *exists ? document_render_policy_server(domain->policy_server_ed25519) : NULL;
    case DOCUMENT_COUNT:
        break;
    }
    *exists = false;
    return NULL;
}

static bool build_documents(struct builder *builder, struct site *site,
                            const struct domain_config *domain)
{
    for (enum document document = 0; document < DOCUMENT_COUNT; document++) {
        bool exists;
        char *text = site_document_render(domain, document, &exists);

        if (exists) {
            site->documents[document] = builder_answer(builder, text);
            if (!site->documents[document]) {
                return false;
            }
        }
    }
    return true;
}

/* Says so where a domain's certificate is for other names only. Of very many domains, only the
   first are compared, for it takes longer than all the rest; --test compares all. */
static void check_certificate_name(struct builder *builder, const struct site *site)
{
    const struct credentials *credentials =
        site->certificate ? atomic_load(&site->certificate->current) : NULL;
    char names[512];

    if (!credentials || !site->certificate->certificate_path || strcmp(site->host, "*") == 0 ||
        (builder->certificates != SITE_CERTIFICATES_ALL &&
         builder->names_compared++ >= NAMES_COMPARED) ||
        credentials_are_for(credentials, site->host)) {
        return;
    }
    log_warning("%s: the certificate is for %s, not for %s: other servers will refuse it",
                site->certificate->certificate_path,
                credentials_names(credentials, names, sizeof(names)), site->host);
}

static bool build_site(struct builder *builder, struct site *site,
                       const struct domain_config *domain, struct problem *problem)
{
    struct site_table *table = builder->table;

    site->host = strdup(domain->name);
    site->redirect = domain->redirect ? strdup(domain->redirect) : NULL;
    if (!site->host || (domain->redirect && !site->redirect) ||
        !build_documents(builder, site, domain)) {
        return problem_out_of_memory(problem);
    }
    table->redirects = table->redirects || site->redirect;
    site->certificate = table->default_certificate;
    if (builder->certificates != SITE_CERTIFICATES_NONE && domain->certificate) {
        site->certificate = certificate_set_add(
            &table->certificates, builder->previous ? &builder->previous->certificates : NULL,
            domain->certificate, domain->key);
        if (!site->certificate) {
            return problem_out_of_memory(problem);
        }
        if (!certificate_usable(site->certificate)) {
            log_error("%s: HTTPS is refused for this domain until %s and %s can be used",
                      site->host, domain->certificate, domain->key);
        }
    }
    if (strcmp(site->host, "*") == 0) {
        table->any = site;
    } else if (!map_set(&table->by_host, site->host, site)) {
        return problem_out_of_memory(problem);
    }
    check_certificate_name(builder, site);
    return true;
}

/* The certificate of the top level, or a throwaway one for all domains. */
static bool build_default_certificate(struct builder *builder, struct problem *problem)
{
    const struct config *config = builder->config;
    struct site_table *table = builder->table;
    const struct certificate_set *previous =
        builder->previous ? &builder->previous->certificates : NULL;
    const char **names;
    size_t count = 0;

    if (builder->certificates == SITE_CERTIFICATES_NONE ||
        (!config->self_signed && !config->certificate)) {
        return true;
    }
    if (config->certificate) {
        table->default_certificate =
            certificate_set_add(&table->certificates, previous, config->certificate, config->key);
        return table->default_certificate || problem_out_of_memory(problem);
    }
    names = calloc(config->domain_count, sizeof(*names));
    if (!names) {
        return problem_out_of_memory(problem);
    }
    for (size_t i = 0; i < config->domain_count && count < 100; i++) {
        if (strcmp(config->domains[i].name, "*") != 0) {
            names[count++] = config->domains[i].name;
        }
    }
    table->default_certificate =
        certificate_set_add_self_signed(&table->certificates, previous, names, count);
    free(names);
    return table->default_certificate || problem_out_of_memory(problem);
}

bool site_table_check_certificates(const struct site_table *table, struct problem *problem)
{
    for (size_t i = 0; i < table->certificates.count; i++) {
        if (certificate_usable(table->certificates.items[i])) {
            return true;
        }
    }
    if (table->certificates.count == 0) {
        return problem_set(problem, "no certificate for HTTPS: give --certificate FILE and --key "
                                    "FILE, or --self-signed to try it out, or --listen-http "
                                    "ADDRESS to serve plain HTTP behind a proxy");
    }
    if (table->acme_alpn_dir || table->acme_webroot) {
        log_warning("no certificate can be used yet, and HTTPS is refused until an ACME client has "
                    "written one to where the configuration has it: see CERTIFICATES in "
                    "matrix-wellknownd(8)");
        return true;
    }
    return problem_set(problem, "no domain has a certificate that can be used: see the messages "
                                "above");
}

/* The default one, or the first; one that works before one that does not. */
static void choose_certificate_without_sni(struct site_table *table)
{
    struct certificate *chosen = table->default_certificate;

    if (!chosen && table->certificates.count > 0) {
        chosen = table->certificates.items[0];
    }
    for (size_t i = 0; i < table->certificates.count && !certificate_usable(chosen); i++) {
        if (certificate_usable(table->certificates.items[i])) {
            chosen = table->certificates.items[i];
        }
    }
    table->certificate_without_sni = chosen;
}

/* Keeps the path of a directory that ACME clients write into, and warns where it is not there. */
static bool keep_directory(char **place, const char *key, const char *path)
{
    struct stat status;

    if (!path) {
        return true;
    }
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        log_warning("%s: %s is not there, or no directory: ACME challenges are refused until it is "
                    "one: make it, and restart the daemon where it does not see it then",
                    key, path);
    }
    *place = strdup(path);
    return *place;
}

struct site_table *site_table_build(const struct config *config, const struct site_table *previous,
                                    enum site_certificates certificates, struct problem *problem)
{
    struct site_table *table = calloc(1, sizeof(*table));
    struct builder builder = {
        .table = table, .config = config, .previous = previous, .certificates = certificates};
    bool good = false;

    if (!table) {
        problem_out_of_memory(problem);
        return NULL;
    }
    table->certificates.read_all = certificates == SITE_CERTIFICATES_ALL;
    table->access_log = config->access_log;
    table->max_connections = config->max_connections;
    table->max_connections_per_ip = config->max_connections_per_ip;
    table->request_timeout = config->request_timeout * UINT64_C(1000);
    table->keepalive_timeout = config->keepalive_timeout * UINT64_C(1000);
    table->sites = calloc(config->domain_count, sizeof(*table->sites));
    table->http_redirect = config->http_redirect;
    table->redirects = config->http_redirect;
    if (!table->sites || !map_reserve(&table->by_host, config->domain_count) ||
        !keep_directory(&table->acme_alpn_dir, "acme_alpn_dir", config->acme_alpn_dir) ||
        !keep_directory(&table->acme_webroot, "acme_webroot", config->acme_webroot)) {
        problem_out_of_memory(problem);
        goto out;
    }
    if (!build_default_certificate(&builder, problem)) {
        goto out;
    }
    for (size_t i = 0; i < config->domain_count; i++) {
        table->site_count++;
        if (!build_site(&builder, &table->sites[i], &config->domains[i], problem)) {
            goto out;
        }
    }
    choose_certificate_without_sni(table);
    good = certificates != SITE_CERTIFICATES_AS_NEEDED ||
           site_table_check_certificates(table, problem);
out:
    builder_clear(&builder);
    if (!good) {
        site_table_free(table);
        table = NULL;
    }
    return table;
}

void site_table_free(struct site_table *table)
{
    if (!table) {
        return;
    }
    for (size_t i = 0; i < table->site_count; i++) {
        free(table->sites[i].host);
        free(table->sites[i].redirect);
    }
    for (size_t i = 0; i < table->answer_count; i++) {
        document_answer_free(table->answers[i]);
    }
    certificate_set_clear(&table->certificates);
    map_clear(&table->by_host);
    free(table->acme_alpn_dir);
    free(table->acme_webroot);
    free(table->answers);
    free(table->sites);
    free(table);
}

/* The length of the host in "host", "host:port" or "[v6]:port"; 0 where it is none of them. */
static size_t host_length(const char *authority, size_t length)
{
    const char *end = authority + length;
    const char *colon;

    if (length > 0 && authority[0] == '[') {
        const char *bracket = memchr(authority, ']', length);

        if (!bracket) {
            return 0;
        }
        colon = bracket + 1;
    } else {
        colon = memchr(authority, ':', length);
        colon = colon ? colon : end;
    }
    if (colon < end) {
        if (*colon != ':') {
            return 0;
        }
        for (const char *digit = colon + 1; digit < end; digit++) {
            if (*digit < '0' || *digit > '9') {
                return 0;
            }
        }
    }
    return (size_t)(colon - authority);
}

static bool host_byte_allowed(char byte, bool literal)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
           byte == '.' || byte == '_' || (literal && (byte == '[' || byte == ']' || byte == ':'));
}

bool site_host_normalize(const char *authority, size_t length, char host[static SITE_HOST_SIZE])
{
    bool literal = length > 0 && authority[0] == '[';

    length = host_length(authority, length);
    if (length > 1 && authority[length - 1] == '.') {
        length--;
    }
    if (length == 0 || length >= SITE_HOST_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char byte = authority[i];

        byte = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
        if (!host_byte_allowed(byte, literal)) {
            return false;
        }
        host[i] = byte;
    }
    host[length] = '\0';
    return true;
}

const struct site *site_table_lookup(const struct site_table *table, const char *host)
{
    const struct site *site = map_get(&table->by_host, host, strlen(host));

    return site ? site : table->any;
}

struct certificate *site_table_certificate(const struct site_table *table, const char *name)
{
    char host[SITE_HOST_SIZE];
    const struct site *site;

    if (!name) {
        return table->certificate_without_sni;
    }
    if (!site_host_normalize(name, strlen(name), host)) {
        return NULL;
    }
    site = site_table_lookup(table, host);
    return site ? site->certificate : table->default_certificate;
}
