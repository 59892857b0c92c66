/* Where a setting's value came from, and how that is called in messages. */
#ifndef DAEMON_CONFIG_ORIGIN_H
#define DAEMON_CONFIG_ORIGIN_H

#include <stdbool.h>

#include "base/problem.h"

/* In order of precedence. */
enum source {
    SOURCE_DEFAULT,
    SOURCE_FILE,
    SOURCE_ENVIRONMENT,
    SOURCE_COMMAND_LINE,
};

/* Where a value came from. */
struct origin {
    enum source source;
    const char *key;  /* the setting's name; NULL where the origin is a file or the default */
    const char *file; /* owned by the config; NULL where the origin is no file */
    unsigned line;    /* from 1; 0 where the origin is no file */
};

enum {
    SETTING_NAME_SIZE = 64,  /* bytes of an option's or a variable's name */
    ORIGIN_TEXT_SIZE = 1024, /* bytes of an origin's text; a longer path is cut */
};

/* Writes the option, "--listen-http", or the variable, "MATRIX_WELLKNOWND_LISTEN_HTTP", of the
   setting of that name (as in a file). Returns `text`. */
const char *setting_option(const char *name, char text[static SETTING_NAME_SIZE]);
const char *setting_variable(const char *name, char text[static SETTING_NAME_SIZE]);

#define SETTING_VARIABLE_PREFIX "MATRIX_WELLKNOWND_"

/* Writes "FILE:LINE", "--option" or "VARIABLE". Returns `text`. */
const char *origin_text(const struct origin *origin, char text[static ORIGIN_TEXT_SIZE]);

/* Puts the origin in front of the problem, which is of wrong usage where it is no file. Returns
   false. */
bool origin_blame(const struct origin *origin, struct problem *problem);

#endif
