/* The settings as plain data: validated, complete with defaults, each value with its origin. What
   makes one up is in config_load. */
#ifndef DAEMON_CONFIG_CONFIG_DATA_H
#define DAEMON_CONFIG_CONFIG_DATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "base/problem.h"
#include "daemon/config/address.h"
#include "daemon/config/origin.h"
#include "matrix/documents.h"

/* The file that is read where neither --config nor --server is given. */
#define OPTIONS_DEFAULT_CONFIG SYSCONFDIR "/matrix-wellknownd/matrix-wellknownd.conf"

enum {
    SETTING_LIMIT = 64,        /* rows of the table of settings */
    SETTING_DOMAIN_LIMIT = 12, /* of them, those that may stand in a domain section */
};

/* One delegated domain. Strings are NULL where not set. */
struct domain_config {
    char *name; /* lower case, without trailing dot; "*" for any host that has none of its own */
    struct origin origin;                 /* of the section */
    unsigned lines[SETTING_DOMAIN_LIMIT]; /* of the values, 0 where not from its file; see
                                             config_domain_origin */
    char *server;                         /* m.server */
    char *client;                         /* m.homeserver.base_url */
    char *identity_server;                /* m.identity_server.base_url */
    json_t *client_extra;                 /* object merged into the client document, or NULL */
    char *redirect;    /* without a trailing slash: path and query are appended */
    char *certificate; /* path of the PEM chain; set exactly where `key` is */
    char *key;         /* path of the PEM private key */
    char *policy_server_ed25519;
    char *support_page;
    struct contact *contacts;
    size_t contact_count;
};

struct address_list {
    struct address *items;
    struct origin *origins; /* of each item */
    size_t count;
};

struct config {
    struct origin origins[SETTING_LIMIT]; /* by the setting's index; see config_origin */
    char *config;                         /* the file that was asked for, or NULL */
    char *domain;                         /* the only one that was asked for, or NULL */
    enum log_format format;               /* of --test */
    struct address_list listen;           /* HTTPS */
    bool listen_is_default;               /* nothing was configured */
    struct address_list listen_http;      /* plain HTTP */
    struct address_list metrics_listen;   /* plain HTTP, /metrics */
    char *certificate;                    /* for domains that name none, and without SNI; NULL where
                                             `key` is, and where self_signed is set */
    char *key;
    bool self_signed;
    unsigned max_age;                /* seconds */
    unsigned max_connections;        /* in all */
    unsigned max_connections_per_ip; /* on HTTPS listeners */
    unsigned request_timeout;        /* seconds, accept to the end of the headers */
    unsigned keepalive_timeout;      /* seconds */
    unsigned threads;                /* 0: as many as there are CPUs, at most 4 */
    char *acme_alpn_dir;             /* where tls-alpn-01 challenges are filed, or NULL */
    char *acme_webroot;              /* where http-01 tokens are, or NULL */
    bool http_redirect;              /* plain listeners send everything else to https:// */
    bool access_log;
    enum log_level log_level;
    enum log_format log_format;
    char *user;        /* or NULL */
    char *domains_dir; /* the folder of files with further domains, or NULL */
    struct domain_config *domains;
    size_t domain_count;
    char **warnings; /* about legal values that are probably not meant, for the log */
    size_t warning_count;
    char **notes; /* for the log, at level info: what is not read, or overridden */
    size_t note_count;
    char **files; /* every file that was read, for origins; see struct origin */
    size_t file_count;
};

/* Frees a config; takes NULL. */
void config_free(struct config *config);

/* Writes warnings and notes to the log. */
void config_log(const struct config *config);

/* --- A config in the making --- */

/* A config in which every value is the default; NULL where memory ran out. */
struct config *config_new(void);

/* Keeps a copy of the path and returns it; NULL where memory ran out. */
const char *config_add_file(struct config *config, const char *path);

/* Moves `domain` into the config and leaves {0}. */
bool config_add_domain(struct config *config, struct domain_config *domain,
                       struct problem *problem);

/* Moves `contact` into the domain and leaves {0}. */
bool config_add_contact(struct domain_config *domain, struct contact *contact,
                        struct problem *problem);

/* Adds an address. */
bool address_list_add(struct address_list *list, const struct address *address,
                      const struct origin *origin, struct problem *problem);

/* Adds a warning; after a hundred of them only one more, that says so. The text begins with the
   place, where `origin` (or NULL) has one. */
void config_warn(struct config *config, const struct origin *origin, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a note that the value at `origin` is overridden by the one at `winner`. */
void config_note_overridden(struct config *config, const struct origin *origin, const char *key,
                            const struct origin *winner);

/* Adds another note. */
void config_note(struct config *config, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees what it holds, and leaves {0}. */
void config_clear(struct config *config);
void address_list_clear(struct address_list *list);
void contact_clear(struct contact *contact);
void domain_config_clear(struct domain_config *domain);

#endif
