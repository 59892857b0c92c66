/* The settings as plain data: validated, complete with defaults, each value with its origin. */
#ifndef DAEMON_CONFIG_CONFIGURATION_H
#define DAEMON_CONFIG_CONFIGURATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "base/problem.h"
#include "daemon/config/address.h"
#include "daemon/config/options.h"
#include "matrix/documents.h"

/* Where a value came from. */
struct origin {
    const char *file; /* NULL for the command line and the environment; owned by the config */
    unsigned line;    /* from 1 */
};

/* One delegated domain. Strings are NULL where not set. */
struct domain_config {
    char *name; /* lower case, without trailing dot; "*" for any host that has none of its own */
    struct origin origin;
    char *server;          /* m.server */
    char *client;          /* m.homeserver.base_url */
    char *identity_server; /* m.identity_server.base_url */
    json_t *client_extra;  /* object merged into the client document, or NULL */
    char *redirect;        /* without a trailing slash: path and query are appended */
    char *certificate;     /* path of the PEM chain; set exactly where `key` is */
    char *key;             /* path of the PEM private key */
    char *policy_server_ed25519;
    char *support_page;
    struct contact *contacts;
    size_t contact_count;
};

struct address_list {
    struct address *items;
    size_t count;
};

struct config {
    struct address_list listen;         /* HTTPS */
    bool listen_is_default;             /* nothing was configured */
    struct address_list listen_http;    /* plain HTTP */
    struct address_list metrics_listen; /* plain HTTP, /metrics */
    char *certificate;                  /* for domains that name none, and without SNI; NULL where
                                           `key` is, and where self_signed is set */
    char *key;
    struct origin certificate_origin;
    struct origin key_origin;
    bool self_signed;
    unsigned max_age;                /* seconds */
    unsigned max_connections;        /* in all */
    unsigned max_connections_per_ip; /* on HTTPS listeners */
    unsigned request_timeout;        /* seconds, accept to the end of the headers */
    unsigned keepalive_timeout;      /* seconds */
    unsigned threads;                /* 0: as many as there are CPUs */
    char *acme_alpn_dir;             /* where tls-alpn-01 challenges are filed, or NULL */
    char *acme_webroot;              /* where http-01 tokens are, or NULL */
    bool http_redirect;              /* plain listeners send everything else to https:// */
    bool access_log;
    enum log_level log_level;
    enum log_format log_format;
    char *user;        /* or NULL */
    char *domains_dir; /* the folder of files with further domains, or NULL */
    struct origin domains_dir_origin;
    struct domain_config *domains;
    size_t domain_count;
    char **warnings; /* about legal values that are probably not meant, for the log */
    size_t warning_count;
    char **files; /* every file that was read, for origins; see struct origin */
    size_t file_count;
};

/* Reads the file that `options` name (if any) and its domains_dir, lays environment and command
   line over it, and validates the whole. The caller frees the result with config_free. NULL and a
   problem, with file and line where a file is at fault. Can be called again with the same options
   to read the files anew. */
struct config *config_load(const struct options *options, struct problem *problem);

/* Frees a config; takes NULL. */
void config_free(struct config *config);

#endif
