/* The keys of the configuration file: their names, and how the value of each is checked and kept.
   Command line and environment set the same values by the same rules. Internal to config.c and
   config_file.c. */
#ifndef DAEMON_CONFIG_CONFIG_KEY_H
#define DAEMON_CONFIG_CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

/* The sections, by what they may hold. */
enum config_level {
    CONFIG_LEVEL_TOP,
    CONFIG_LEVEL_DOMAIN,
    CONFIG_LEVEL_SUPPORT,
    CONFIG_LEVEL_CONTACT,
    CONFIG_LEVEL_COUNT,
};

enum config_kind {
    CONFIG_SECTION,
    CONFIG_TEXT,      /* char *, checked by the key's own check */
    CONFIG_SERVER,    /* char *, m.server */
    CONFIG_BASE_URL,  /* char * */
    CONFIG_REDIRECT,  /* char *, without the last slash */
    CONFIG_PATH,      /* char *, made relative to what the configuration file is relative to */
    CONFIG_DIRECTORY, /* char *, likewise: what is beneath it is read */
    CONFIG_EXTRA,     /* json_t *, read from the file at that path */
    CONFIG_ADDRESSES, /* struct address_list, one value at a time */
    CONFIG_NUMBER,    /* unsigned */
    CONFIG_MAX_AGE,   /* unsigned */
    CONFIG_BOOLEAN,   /* bool */
    CONFIG_LOG_LEVEL,
    CONFIG_LOG_FORMAT,
};

/* What the value is kept in. */
enum config_record {
    CONFIG_RECORD_CONFIG,     /* struct config */
    CONFIG_RECORD_DELEGATION, /* struct domain_config */
    CONFIG_RECORD_SUPPORT,    /* struct domain_config, its support_page */
    CONFIG_RECORD_CONTACT,    /* struct contact */
};

struct config_key {
    const char *name;
    enum config_kind kind;
    enum config_record record;
    size_t offset; /* in the record */
    bool (*check)(const char *text, struct problem *problem);
    unsigned minimum; /* of a number */
    unsigned maximum;
    const char *unit;
};

enum {
    CONFIG_KEY_LIMIT = 32 /* no level has as many keys */
};

/* The keys of a level, `*count` of them. */
const struct config_key *config_keys(enum config_level level, size_t *count);

/* The key of that name, or NULL. */
const struct config_key *config_key_find(enum config_level level, const char *name);

/* Says that the level has no key of that name, and which one was probably meant. Returns false. */
bool config_key_refuse(enum config_level level, const char *name, struct problem *problem);

/* Checks `text` as the value of `key` and keeps it in `record`, in place of an earlier value (an
   address is added to the earlier ones). A legal value that is probably not meant leaves a warning
   in `config`. */
bool config_key_set(const struct config_key *key, struct config *config, void *record,
                    const char *text, const struct origin *origin, struct problem *problem);

#endif
