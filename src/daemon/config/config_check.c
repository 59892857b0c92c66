#include "daemon/config/config_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/config/config_data.h"
#include "matrix/server_name.h"
#include "matrix/url.h"

/* Says where the fault is: in a file, or else in the command line or the environment. */
static bool blame(const struct origin *origin, struct problem *problem)
{
    problem->status = origin->file == NULL ? PROBLEM_USAGE : PROBLEM_FAILURE;
    return config_blame(origin, problem);
}

static bool has_documents(const struct domain_config *domain)
{
    return domain->server != NULL || domain->client != NULL || domain->support_page != NULL ||
           domain->contact_count > 0 || domain->policy_server_ed25519 != NULL;
}

static bool check_documents(const struct domain_config *domain, struct problem *problem)
{
    const char *unused = domain->identity_server != NULL ? "identity_server"
                         : domain->client_extra != NULL  ? "client_extra"
                                                         : NULL;

    if (!has_documents(domain)) {
        problem_set(problem,
                    "domain \"%s\" has nothing to serve: give server (with NAME:PORT), client, "
                    "support or policy_server_ed25519",
                    domain->name);
        return blame(&domain->origin, problem);
    }
    if (domain->client == NULL && unused != NULL) {
        problem_set(problem,
                    "domain \"%s\" has %s but no client, and so no client document: give client, "
                    "the homeserver's URL",
                    domain->name, unused);
        return blame(&domain->origin, problem);
    }
    return true;
}

/* Certificate and key come in pairs. */
static bool check_pair(const char *certificate, const char *key, struct problem *problem)
{
    if (certificate != NULL && key == NULL) {
        return problem_set(
            problem,
            "certificate is given without key: give the key too (key, --key), the PEM file of its "
            "private key");
    }
    if (certificate == NULL && key != NULL) {
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

    if (text != NULL && server_name_parse(text, &parsed, &ignored)) {
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

static bool check_domain(const struct domain_config *domain, struct problem *problem)
{
    if (!check_documents(domain, problem)) {
        return false;
    }
    if (!check_pair(domain->certificate, domain->key, problem)) {
        problem_prefix(problem, "domain \"%s\": ", domain->name);
        return blame(&domain->origin, problem);
    }
    if (domain->redirect != NULL && is_url_of_host(domain->redirect, domain->name)) {
        problem_set(problem,
                    "domain \"%s\" has a redirect to itself: give the URL of another host, for "
                    "example \"https://www.%s\"",
                    domain->name, domain->name);
        return blame(&domain->origin, problem);
    }
    return true;
}

/* Warns where certificates are given and nothing listens that could use them. */
static void warn_of_unused_certificates(struct config *config)
{
    const struct origin *origin = config->certificate != NULL ? &config->certificate_origin : NULL;

    for (size_t i = 0; i < config->domain_count && origin == NULL; i++) {
        if (config->domains[i].certificate != NULL) {
            origin = &config->domains[i].origin;
        }
    }
    if (origin != NULL && config->listen.count == 0) {
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
    if (config->acme_webroot != NULL && config->listen_http.count == 0) {
        config_warn(config, NULL,
                    "acme_webroot: there is no plain-HTTP listener to serve it: add listen_http, "
                    "which a CA asks on port 80");
    }
    if (config->http_redirect && config->listen_http.count == 0) {
        config_warn(config, NULL,
                    "http_redirect: there is no plain-HTTP listener that could redirect: add "
                    "listen_http, or remove it");
    }
    if (config->http_redirect && config->listen.count == 0) {
        config_warn(config, NULL,
                    "http_redirect: there is no HTTPS listener: behind a proxy that does HTTPS, "
                    "every request would be sent round in a circle");
    }
}

bool config_check(struct config *config, struct problem *problem)
{
    if (config->domain_count == 0) {
        return problem_set(problem,
                           "%s: configures no domain: write server = \"matrix.example.com:8448\" "
                           "for any host, or a domain section",
                           config->file_count > 0 ? config->files[0] : OPTIONS_DEFAULT_CONFIG);
    }
    if (!check_pair(config->certificate, config->key, problem)) {
        return blame(config->certificate != NULL ? &config->certificate_origin
                                                 : &config->key_origin,
                     problem);
    }
    for (size_t i = 0; i < config->domain_count; i++) {
        if (!check_domain(&config->domains[i], problem)) {
            return false;
        }
    }
    warn_of_unused_certificates(config);
    warn_of_useless_plain_settings(config);
    return true;
}
