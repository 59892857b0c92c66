#include "daemon/config/config_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "daemon/config/config_data.h"
#include "daemon/config/settings.h"
#include "matrix/server_name.h"
#include "matrix/url.h"

/* Says where the fault is: in the file's section, or else where the member's value came from. */
static bool blame_domain(const struct config *config, const struct domain_config *domain,
                         const void *member, struct problem *problem)
{
    struct origin origin = config_domain_origin(config, domain, member);

    problem->status = PROBLEM_USAGE; /* where there is no origin, too */
    return origin_blame(domain->origin.file ? &domain->origin : &origin, problem);
}

static bool has_documents(const struct domain_config *domain)
{
    return domain->server || domain->client || domain->support_page || domain->contact_count > 0 ||
           domain->policy_server_ed25519;
}

static bool check_documents(const struct config *config, const struct domain_config *domain,
                            struct problem *problem)
{
    const char *unused = domain->identity_server ? "identity_server"
                         : domain->client_extra  ? "client_extra"
                                                 : NULL;

    if (!has_documents(domain)) {
        problem_set(problem,
                    "domain \"%s\" has nothing to serve: give server (with NAME:PORT), client, "
                    "support or policy_server_ed25519",
                    domain->name);
        return blame_domain(config, domain, &domain->redirect, problem);
    }
    if (!domain->client && unused) {
        problem_set(problem,
                    "domain \"%s\" has %s but no client, and so no client document: give client, "
                    "the homeserver's URL",
                    domain->name, unused);
        return blame_domain(config, domain,
                            domain->identity_server ? (const void *)&domain->identity_server
                                                    : (const void *)&domain->client_extra,
                            problem);
    }
    return true;
}

/* Certificate and key come in pairs. */
static bool check_pair(const char *certificate, const char *key, struct problem *problem)
{
    if (certificate && !key) {
        return problem_set(
            problem,
            "certificate is given without key: give the key too (key, --key), the PEM file of its "
            "private key");
    }
    if (!certificate && key) {
        return problem_set(problem, "key is given without certificate: give the certificate too "
                                    "(certificate, --certificate), the PEM file of "
                                    "its chain");
    }
    return true;
}

/* Whether `url`, which has passed url_check, names the host `name` on its scheme's own port. */
static bool is_url_of_host(const char *url, const char *name)
{
    const char *authority = strstr(url, "://") + 3;
    char *text = strndup(authority, strcspn(authority, "/"));
    struct server_name parsed;
    struct problem ignored;
    bool same = false;

    if (text && server_name_parse(text, &parsed, &ignored)) {
        bool bracketed = parsed.kind == SERVER_NAME_IPV6;
        const char *host = parsed.host - bracketed;
        size_t length = parsed.host_length + (bracketed ? 2 : 0);

        length -= !bracketed && length > 1 && host[length - 1] == '.';
        same = (parsed.port < 0 || parsed.port == (url_is_https(url) ? 443 : 80)) &&
               strlen(name) == length && strncasecmp(host, name, length) == 0;
    }
    free(text);
    return same;
}

static bool check_domain(const struct config *config, const struct domain_config *domain,
                         struct problem *problem)
{
    if (!check_documents(config, domain, problem)) {
        return false;
    }
    if (!check_pair(domain->certificate, domain->key, problem)) {
        problem_prefix(problem, "domain \"%s\": ", domain->name);
        return blame_domain(config, domain,
                            domain->certificate ? &domain->certificate : &domain->key, problem);
    }
    if (domain->redirect && is_url_of_host(domain->redirect, domain->name)) {
        problem_set(problem,
                    "domain \"%s\" has a redirect to itself: give the URL of another host, for "
                    "example \"https://www.%s\"",
                    domain->name, domain->name);
        return blame_domain(config, domain, &domain->redirect, problem);
    }
    return true;
}

/* Warns where certificates are given and nothing listens that could use them. */
static void warn_of_unused_certificates(struct config *config)
{
    const struct origin *origin =
        config->certificate ? config_origin(config, &config->certificate) : NULL;

    for (size_t i = 0; i < config->domain_count && !origin; i++) {
        origin = config->domains[i].certificate ? &config->domains[i].origin : NULL;
    }
    if (origin && config->listen.count == 0) {
        config_warn(config, origin,
                    "a certificate is given, but there is no HTTPS listener to use it: add listen, "
                    "or remove the certificate");
    }
}

/* Warns of settings for plain HTTP that cannot have the effect they are for. The service manager
   may pass listeners of which nothing is known here, where none is configured. */
static void warn_of_useless_plain_settings(struct config *config)
{
    if (config->listen_is_default) {
        return;
    }
    if (config->acme_webroot && config->listen_http.count == 0) {
        config_warn(config, config_origin(config, &config->acme_webroot),
                    "acme_webroot: there is no plain-HTTP listener to serve it: add listen_http, "
                    "which a CA asks on port 80");
    }
    if (config->http_redirect && config->listen_http.count == 0) {
        config_warn(config, config_origin(config, &config->http_redirect),
                    "http_redirect: there is no plain-HTTP listener that could redirect: add "
                    "listen_http, or remove it");
    }
    if (config->http_redirect && config->listen.count == 0) {
        config_warn(config, config_origin(config, &config->http_redirect),
                    "http_redirect: there is no HTTPS listener: behind a proxy that does HTTPS, "
                    "every request would be sent round in a circle");
    }
}

/* --- Addresses --- */

/* Whether the second of two places is the one to blame for what both say. */
static bool is_later(const struct origin *first, const struct origin *second)
{
    return second->source != first->source ? second->source > first->source
                                           : second->line >= first->line;
}

static bool refuse_again(const struct address *address, const struct origin *first,
                         const char *first_key, const struct origin *second, const char *second_key,
                         struct problem *problem)
{
    bool later = is_later(first, second);
    const struct origin *origin = later ? second : first;
    char text[ADDRESS_TEXT_SIZE], other[ORIGIN_TEXT_SIZE];

    problem_set(problem, "%s is listened on already by %s: give each address once",
                address_format(address, text), origin_text(later ? first : second, other));
    if (origin->source == SOURCE_FILE) {
        problem_prefix(problem, "%s: ", later ? second_key : first_key);
    }
    return origin_blame(origin, problem);
}

/* Makes sure that no address is there twice, in all lists together. */
static bool check_addresses(const struct config *config, struct problem *problem)
{
    static const char *const keys[] = {"listen", "listen_http", "metrics_listen"};
    const struct address_list *lists[] = {&config->listen, &config->listen_http,
                                          &config->metrics_listen};

    for (size_t list = 0; list < ARRAY_SIZE(lists); list++) {
        for (size_t i = 0; i < lists[list]->count; i++) {
            const struct address *address = &lists[list]->items[i];

            for (size_t other = 0; other <= list && !address_takes_free_port(address); other++) {
                for (size_t k = 0; k < (other == list ? i : lists[other]->count); k++) {
                    if (address_equal(&lists[other]->items[k], address)) {
                        return refuse_again(address, &lists[other]->origins[k], keys[other],
                                            &lists[list]->origins[i], keys[list], problem);
                    }
                }
            }
        }
    }
    return true;
}

/* --- The whole --- */

static bool refuse_to_serve_nothing(const struct config *config, struct problem *problem)
{
    const char *place = config->file_count > 0 ? config->files[0]
                        : config->domains_dir  ? config->domains_dir
                                               : OPTIONS_DEFAULT_CONFIG;

    return problem_set(problem,
                       "%s: configures no domain: write server = \"matrix.example.com:8448\" for "
                       "any host, or a domain section",
                       place);
}

bool config_check(struct config *config, struct problem *problem)
{
    if (config->domain_count == 0) {
        return refuse_to_serve_nothing(config, problem);
    }
    if (!check_addresses(config, problem)) {
        return false;
    }
    if (!check_pair(config->certificate, config->key, problem)) {
        return origin_blame(
            config_origin(config, config->certificate ? &config->certificate : &config->key),
            problem);
    }
    for (size_t i = 0; i < config->domain_count; i++) {
        if (!check_domain(config, &config->domains[i], problem)) {
            return false;
        }
    }
    warn_of_unused_certificates(config);
    warn_of_useless_plain_settings(config);
    return true;
}
