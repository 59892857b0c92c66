/* Reading one setting's value, by its kind: the same for the command line, the environment and
   files. */
#ifndef DAEMON_CONFIG_VALUE_H
#define DAEMON_CONFIG_VALUE_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/config_data.h"
#include "daemon/config/settings.h"

/* Reads `text` as the value of `setting` and keeps it in `record`, in place of an earlier value (an
   address is added to the earlier ones). A legal value that is probably not meant leaves a warning
   in `config`. The problem does not name the setting: see value_blame. */
bool value_set(const struct setting *setting, struct config *config, void *record, const char *text,
               const struct origin *origin, struct problem *problem);

/* Puts the origin, and in a file the key, in front of the problem that value_set had with `text`.
   Returns false. */
bool value_blame(const struct setting *setting, const char *text, const struct origin *origin,
                 struct problem *problem);

/* Moves a value that is a pointer from one record to another, in place of what was there. */
void value_move(const struct setting *setting, void *from, void *to);

/* The domain's name as host names are compared: lower case, without a trailing dot; "*" stays. The
   caller frees it. NULL and a problem where it is no host name. */
char *value_parse_domain(const char *text, struct problem *problem);

#endif
