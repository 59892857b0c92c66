/* The command line and the environment: what was given, as text, for config_load to read. */
#ifndef DAEMON_CONFIG_OPTIONS_H
#define DAEMON_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "base/problem.h"
#include "matrix/documents.h"

enum command {
    COMMAND_RUN,
    COMMAND_TEST,
    COMMAND_PRINT,
    COMMAND_HEALTH_CHECK,
    COMMAND_ACME_CHALLENGE,
    COMMAND_VERSION,
    COMMAND_HELP,
};

struct setting;

/* One value that was given; of a list, one element. */
struct given {
    const struct setting *setting;
    bool by_variable; /* else by an option */
    char *text;
};

struct options {
    enum command command;
    enum document print;     /* for COMMAND_PRINT */
    char *challenge_name;    /* for COMMAND_ACME_CHALLENGE */
    char *key_authorization; /* likewise */
    struct given *values;    /* in order; of a setting, either options or a variable */
    size_t value_count;
    char **unknown_variables; /* that are probably misspelt */
    size_t unknown_count;
    enum log_format log_format; /* of what is logged before there is a configuration */
};

/* Reads argv and `environment` (as environ; the command line wins). The caller calls options_clear
   in any case. On failure returns false with a PROBLEM_USAGE that names the option or the variable
   and what would be right; `log_format` is set all the same. Values are not read yet. */
bool options_parse(struct options *options, int argc, char **argv, char **environment,
                   struct problem *problem);

/* The value of the setting of that name (as in a file), of a list the first; NULL where it was not
   given. */
const struct given *options_find(const struct options *options, const char *name);

/* Frees what options_parse allocated. */
void options_clear(struct options *options);

#endif
