#include "daemon/describe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/describe_json.h"
#include "daemon/site/site_table.h"
#include "daemon/system/privileges.h"

#define CERTIFICATE_PROBLEM "a certificate cannot be used: see the messages above"

static void describe_listeners(const char *what, const struct address_list *addresses)
{
    char text[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < addresses->count; i++) {
        printf("%s %s\n", what, address_format(&addresses->items[i], text));
    }
}

static void describe_documents(const struct domain_config *domain)
{
    for (enum document document = 0; document < DOCUMENT_COUNT; document++) {
        bool exists;
        char *text = site_document_render(domain, document, &exists);

        if (exists) {
            printf("  /.well-known/matrix/%s %s\n", document_name(document), text ? text : "");
        }
        free(text);
    }
    if (domain->redirect) {
        printf("  every other path is sent to %s\n", domain->redirect);
    }
}

static void describe_acme(const struct config *config)
{
    if (config->acme_alpn_dir) {
        printf("ACME challenges of tls-alpn-01 from %s\n", config->acme_alpn_dir);
    }
    if (config->acme_webroot) {
        printf("ACME challenges of http-01 from %s\n", config->acme_webroot);
    }
    if (config->http_redirect) {
        printf("plain HTTP is sent to https://\n");
    }
}

/* Whether an ACME client has yet to write this certificate, and can get it with our help. */
static bool is_awaited(const struct config *config, const struct certificate *certificate)
{
    return (config->acme_alpn_dir || config->acme_webroot) &&
           access(certificate->certificate_path, F_OK) != 0 && errno == ENOENT;
}

/* Returns false where the site has a certificate that cannot be used. */
static bool describe_certificate(const struct config *config, const struct site *site)
{
    const struct certificate *certificate = site->certificate;
    const struct credentials *credentials;
    char names[512], date[CERTIFICATE_DATE_SIZE];

    if (!certificate) {
        printf("  no certificate: HTTPS is refused for this host\n");
        return true;
    }
    credentials = atomic_load(&certificate->current);
    if (!credentials && is_awaited(config, certificate)) {
        printf("  certificate %s is not there yet: HTTPS is refused for this host until an ACME "
               "client has written it\n",
               certificate->certificate_path);
        return true;
    }
    if (!credentials) {
        printf("  certificate %s cannot be used\n", certificate->certificate_path);
        return false;
    }
    printf("  certificate %s for %s, good until %s%s\n",
           certificate->certificate_path ? certificate->certificate_path : "(throwaway)",
           credentials_names(credentials, names, sizeof(names)),
           certificate_date(credentials->expiration, date),
           credentials->expiration <= time(NULL) ? ": expired" : "");
    return true;
}

static bool describe_text(const struct config *config, const struct site_table *table,
                          struct problem *problem)
{
    bool good = true;

    describe_listeners("HTTPS on", &config->listen);
    describe_listeners("plain HTTP on", &config->listen_http);
    describe_listeners("metrics on", &config->metrics_listen);
    describe_acme(config);
    for (size_t i = 0; i < table->site_count; i++) {
        const struct site *site = &table->sites[i];

        printf("%s\n", strcmp(site->host, "*") == 0 ? "any other host" : site->host);
        describe_documents(&config->domains[i]);
        if (config->listen.count > 0) {
            good = describe_certificate(config, site) && good;
        }
    }
    if (!good) {
        return problem_set(problem, CERTIFICATE_PROBLEM);
    }
    printf("To see what other homeservers see: matrix-delegation-check %s\n",
           strcmp(table->sites[0].host, "*") == 0 ? "YOUR.DOMAIN" : table->sites[0].host);
    return true;
}

bool describe(const struct config *config, bool json, struct problem *problem)
{
    bool tls = config->listen.count > 0;
    struct site_table *table = site_table_build(
        config, NULL, tls ? SITE_CERTIFICATES_ALL : SITE_CERTIFICATES_NONE, problem);
    bool starts = table && (!tls || site_table_check_certificates(table, problem)) &&
                  (!config->user || privileges_check(config->user, problem));
    bool good = starts;

    if (json) {
        good = describe_json(config, table, starts ? NULL : problem);
        if (starts && !good) {
            problem_set(problem, CERTIFICATE_PROBLEM);
        }
    } else if (starts) {
        good = describe_text(config, table, problem);
    }
    site_table_free(table);
    return good;
}
