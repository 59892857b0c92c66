#include "daemon/describe_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/tls/advice.h"

/* Every json_t * may be NULL where memory ran out: Jansson then makes of it another NULL, and in
   the end nothing is written. */

static json_t *text_or_null(const char *text)
{
    json_t *string;

    if (!text) {
        return json_null();
    }
    string = json_string(text);
    /* A path need not be UTF-8. */
    return string ? string : json_string(problem_excerpt(text).text);
}

/* RFC 3339, in UTC. */
static json_t *date(time_t time)
{
    char text[sizeof("-2147481748-12-31T23:59:60Z")];
    struct tm utc;

    return gmtime_r(&time, &utc) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0
               ? json_string(text)
               : json_null();
}

/* --- Findings --- */

struct findings {
    json_t *list;
    bool errors; /* there are errors among them */
};

static void find(struct findings *findings, const char *severity, const char *code,
                 const char *domain, const char *message)
{
    json_array_append_new(findings->list, json_pack("{s:s, s:s, s:o, s:o}", "severity", severity,
                                                    "code", code, "domain", text_or_null(domain),
                                                    "message", text_or_null(message)));
    findings->errors = findings->errors || strcmp(severity, "error") == 0;
}

static void find_in_file(struct findings *findings, const char *severity, const char *code,
                         const char *path, const char *text)
{
    struct problem problem;

    problem_set(&problem, "%s: %s", path ? path : "(throwaway)", text);
    find(findings, severity, code, NULL, problem.text);
}

static void find_advice(void *findings, const char *code, const char *message)
{
    find(findings, "warning", code, NULL, message);
}

/* --- Certificates --- */

static void add_name(void *names, const char *name)
{
    json_array_append_new(names, text_or_null(name));
}

/* Whether an ACME client has yet to write this file, and can get it with our help. */
static bool is_missing(const struct config *config, const char *path)
{
    return (config->acme_alpn_dir || config->acme_webroot) && path && access(path, F_OK) != 0 &&
           errno == ENOENT;
}

static json_t *awaited_files(const struct config *config, const struct certificate *certificate)
{
    const char *const paths[] = {certificate->certificate_path, certificate->key_path};
    json_t *files = json_array();

    for (size_t i = 0; i < 2; i++) {
        if (is_missing(config, paths[i])) {
            json_array_append_new(files, text_or_null(paths[i]));
        }
    }
    return files;
}

static void find_validity(struct findings *findings, const struct certificate *certificate,
                          const struct credentials *credentials)
{
    time_t now = time(NULL);
    const char *path = certificate->certificate_path;

    if (credentials->expiration <= now) {
        find_in_file(findings, "warning", "certificate_expired", path,
                     "has expired: other servers and browsers refuse it: renew it");
    } else if (credentials->activation > now) {
        find_in_file(findings, "warning", "certificate_not_yet_valid", path,
                     "is not valid yet: is this machine's clock right?");
    } else if (path && now >= atomic_load(&certificate->warn_from)) {
        find_in_file(findings, "warning", "certificate_expires_soon", path,
                     "expires soon: renew it");
    }
}

static json_t *describe_pair(const struct config *config, const struct certificate *certificate,
                             struct findings *findings)
{
    const struct credentials *credentials = atomic_load(&certificate->current);
    json_t *awaited = awaited_files(config, certificate);
    json_t *names = json_array();
    const char *state = "usable";

    if (credentials) {
        credentials_visit_names(credentials, add_name, names);
        find_validity(findings, certificate, credentials);
        if (certificate->certificate_path) {
            advice_about(credentials, certificate->certificate_path, find_advice, findings);
        }
        state = credentials->expiration <= time(NULL) ? "expired" : state;
    } else if (is_missing(config, certificate->certificate_path)) {
        state = "awaited";
        find_in_file(findings, "info", "certificate_awaited", certificate->certificate_path,
                     "is not there yet: HTTPS is refused until an ACME client has written it");
    } else {
        state = "unusable";
        find(findings, "error", "certificate_unusable", NULL, certificate->refusal);
    }
    return json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "file", text_or_null(certificate->certificate_path),
        "key", text_or_null(certificate->key_path), "state", state, "names", names, "not_before",
        credentials ? date(credentials->activation) : json_null(), "not_after",
        credentials ? date(credentials->expiration) : json_null(), "awaited", awaited);
}

static json_t *describe_certificates(const struct config *config, const struct site_table *table,
                                     struct findings *findings)
{
    json_t *list = json_array();

    for (size_t i = 0; table && i < table->certificates.count; i++) {
        json_array_append_new(list, describe_pair(config, table->certificates.items[i], findings));
    }
    return list;
}

/* --- The rest --- */

static void add_listeners(json_t *list, const char *kind, const struct address_list *addresses)
{
    char text[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < addresses->count; i++) {
        json_array_append_new(list,
                              json_pack("{s:s, s:o}", "kind", kind, "address",
                                        text_or_null(address_format(&addresses->items[i], text))));
    }
}

static json_t *describe_documents(const struct domain_config *domain)
{
    json_t *documents = json_object();

    for (enum document document = 0; document < DOCUMENT_COUNT; document++) {
        bool exists;
        char *text = site_document_render(domain, document, &exists);

        if (text) {
            json_object_set_new(documents, document_name(document),
                                json_loads(text, JSON_DECODE_ANY, NULL));
        }
        free(text);
    }
    return documents;
}

static void find_wrong_name(struct findings *findings, const struct site *site)
{
    const struct certificate *certificate = site->certificate;
    const struct credentials *credentials = certificate ? atomic_load(&certificate->current) : NULL;
    struct problem problem;
    char names[512];

    if (!certificate) {
        find(findings, "warning", "no_certificate", site->host,
             "HTTPS is refused for this host, which has no certificate");
    } else if (credentials && certificate->certificate_path && strcmp(site->host, "*") != 0 &&
               !credentials_are_for(credentials, site->host)) {
        problem_set(&problem, "%s: is for %s, not for %s: other servers will refuse it",
                    certificate->certificate_path,
                    credentials_names(credentials, names, sizeof(names)), site->host);
        find(findings, "warning", "certificate_other_name", site->host, problem.text);
    }
}

static json_t *describe_domains(const struct config *config, const struct site_table *table,
                                struct findings *findings)
{
    json_t *list = json_array();

    for (size_t i = 0; i < config->domain_count; i++) {
        const struct domain_config *domain = &config->domains[i];
        const char *file = domain->certificate ? domain->certificate : config->certificate;

        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o}", "name", text_or_null(domain->name), "documents",
                            describe_documents(domain), "redirect", text_or_null(domain->redirect),
                            "certificate", text_or_null(file)));
        if (table && config->listen.count > 0) {
            find_wrong_name(findings, &table->sites[i]);
        }
    }
    return list;
}

static json_t *describe_config(const struct config *config, const struct site_table *table,
                               struct findings *findings)
{
    json_t *listeners = json_array();

    for (size_t i = 0; i < config->warning_count; i++) {
        find(findings, "warning", "setting", NULL, config->warnings[i]);
    }
    add_listeners(listeners, "https", &config->listen);
    add_listeners(listeners, "http", &config->listen_http);
    add_listeners(listeners, "metrics", &config->metrics_listen);
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "listeners", listeners, "acme_alpn_dir",
                     text_or_null(config->acme_alpn_dir), "acme_webroot",
                     text_or_null(config->acme_webroot), "http_redirect", config->http_redirect,
                     "domains", describe_domains(config, table, findings), "certificates",
                     describe_certificates(config, table, findings));
}

bool describe_json(const struct config *config, const struct site_table *table,
                   const struct problem *failure)
{
    struct findings findings = {.list = json_array()};
    json_t *report = json_object(), *rest;
    bool written;

    if (failure) {
        find(&findings, "error", config ? "cannot_start" : "configuration", NULL, failure->text);
    }
    rest = config ? describe_config(config, table, &findings) : json_object();
    written = json_object_set_new(report, "ok", json_boolean(!findings.errors)) == 0 &&
              json_object_update(report, rest) == 0 &&
              json_object_set(report, "findings", findings.list) == 0 &&
              json_dumpf(report, stdout, JSON_COMPACT) == 0;
    putchar('\n');
    json_decref(rest);
    json_decref(report);
    json_decref(findings.list);
    return written && !findings.errors;
}
