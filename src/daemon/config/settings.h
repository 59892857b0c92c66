/* The one table of settings: each one's names, where it may be given, and how it is read, kept and
   explained. Command line, environment and files all go by it. To add a setting is to add a row
   here (settings.c), with the member that it is kept in, and to use it. */
#ifndef DAEMON_CONFIG_SETTINGS_H
#define DAEMON_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/problem.h"
#include "daemon/config/config_data.h"

/* Where a setting may be given; the last four are the levels of a file. */
enum setting_place {
    ON_COMMAND_LINE = 1, /* as --NAME, with hyphens */
    IN_ENVIRONMENT = 2,  /* as MATRIX_WELLKNOWND_NAME, in capitals */
    AT_TOP = 4,          /* as NAME, outside of sections */
    IN_DOMAIN = 8,
    IN_SUPPORT = 16,
    IN_CONTACT = 32,
};

enum setting_kind {
    SETTING_COMMAND,  /* an option that does something instead of running; kept in struct options */
    SETTING_SECTION,  /* of a file; kept by the file's reader */
    SETTING_TEXT,     /* char *, not empty */
    SETTING_PATH,     /* char *, relative to the folder of the file in which it stands */
    SETTING_SERVER,   /* char *, m.server */
    SETTING_BASE_URL, /* char * */
    SETTING_REDIRECT, /* char *, a URL without query, kept without the last slash */
    SETTING_PAGE,     /* char *, a URL */
    SETTING_ED25519,  /* char *, a public key */
    SETTING_DOMAIN,   /* char *, a host name or "*", in lower case, without a trailing dot */
    SETTING_EXTRA,    /* json_t *, from the file at that path */
    SETTING_ADDRESSES, /* struct address_list, one address a value */
    SETTING_NUMBER,    /* unsigned */
    SETTING_FLAG,      /* bool; as an option it stands alone and means true */
    SETTING_WORD,      /* an enum: the place in `words` */
};

/* What the value is kept in. */
enum setting_record {
    RECORD_NONE,
    RECORD_CONFIG,  /* struct config */
    RECORD_DOMAIN,  /* struct domain_config */
    RECORD_CONTACT, /* struct contact */
};

struct setting {
    const char *name; /* as in a file */
    char letter;      /* of the option, or 0 */
    unsigned where;   /* setting_place, or-ed */
    enum setting_kind kind;
    enum setting_record record;
    size_t offset; /* in the record */
    unsigned minimum;
    unsigned maximum;         /* of a number */
    const char *unit;         /* ends "a number from 1 to 2"; of a word: "a log level" */
    const char *const *words; /* up to a NULL */
    const char *heading;      /* of the options from here on */
    const char *argument;     /* of the option, for --help; NULL where it stands alone */
    const char *help;         /* what it means, and its default */
};

/* The row of index `i`, NULL behind the last. */
const struct setting *setting_at(size_t i);

/* The index of the row. */
size_t setting_index(const struct setting *setting);

/* The index of the row among those that may stand in a domain section. */
size_t setting_domain_index(const struct setting *setting);

/* The setting of that name (as in a file) that may be given at `place`, or NULL. */
const struct setting *setting_find(enum setting_place place, const char *name);

/* Where the value of the config's member at `member` came from, for example
   config_origin(config, &config->certificate). */
const struct origin *config_origin(const struct config *config, const void *member);

/* The same for a member of one of its domains. */
struct origin config_domain_origin(const struct config *config, const struct domain_config *domain,
                                   const void *member);

/* Says that a level of a file has no setting of that name, and which one was probably meant.
   Returns false. */
bool setting_refuse(enum setting_place level, const char *name, struct problem *problem);

/* Writes every option with its meaning and default. */
void settings_print_help(FILE *stream);

#endif
