/* The command line and the environment, which overrides the configuration file. */
#ifndef DAEMON_CONFIG_OPTIONS_H
#define DAEMON_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "matrix/documents.h"

enum command {
    COMMAND_RUN,
    COMMAND_TEST,
    COMMAND_PRINT,
    COMMAND_HEALTH_CHECK,
    COMMAND_ACME_CHALLENGE,
    COMMAND_HELP,
    COMMAND_VERSION,
};

/* The values of a repeatable option, in order. */
struct string_list {
    char **items;
    size_t count;
};

/* The file that is read where neither --config nor --server is given. */
#define OPTIONS_DEFAULT_CONFIG SYSCONFDIR "/matrix-wellknownd/matrix-wellknownd.conf"

/* What was given, as text that has been checked by its option's grammar. NULL: not given. */
struct options {
    enum command command;
    enum document print;     /* for COMMAND_PRINT */
    char *format;            /* for COMMAND_TEST: "text" or "json", or NULL */
    char *challenge_name;    /* for COMMAND_ACME_CHALLENGE */
    char *key_authorization; /* likewise */
    char *config;            /* --config, or NULL */
    char *server;
    char *client;
    char *identity_server;
    char *domain;
    struct string_list listen;
    struct string_list listen_http;
    struct string_list metrics_listen;
    char *certificate;
    char *key;
    char *acme_alpn_dir;
    char *acme_webroot;
    char *http_redirect; /* "true" or "false" */
    char *max_age;
    char *access_log; /* "true" or "false" */
    char *log_level;
    char *log_format;
    char *user;
    bool self_signed;
    struct string_list warnings; /* for the log: variables that are probably misspelt */
};

/* Reads argv and `environment` (as environ; command line wins). The caller calls options_clear in
   any case. On failure returns false with a PROBLEM_USAGE that names the option or the variable and
   what would be right. */
bool options_parse(struct options *options, int argc, char **argv, char **environment,
                   struct problem *problem);

/* Frees what options_parse allocated. */
void options_clear(struct options *options);

/* The text of --help: every option with its meaning and default. */
extern const char options_help[];

#endif
