/* The grammar of single settings: the same for the command line, the environment and the files. */
#ifndef DAEMON_CONFIG_SETTING_H
#define DAEMON_CONFIG_SETTING_H

#include <stdbool.h>

#include "base/log.h"
#include "base/problem.h"

/* Homeservers keep a delegation for 48 hours at most, whatever it says (Server-Server API, "Server
   discovery"). In seconds. */
#define MAX_AGE_LIMIT 172800U

/* Each check returns false and says in `problem` what would be right. None of them names the
   setting: the caller knows whether that is an option, a variable or a key of a file. */

bool setting_check_text(const char *text, struct problem *problem);     /* not empty */
bool setting_check_server(const char *text, struct problem *problem);   /* m.server */
bool setting_check_base_url(const char *text, struct problem *problem); /* …base_url */
bool setting_check_redirect(const char *text, struct problem *problem); /* without query */
bool setting_check_page(const char *text, struct problem *problem);     /* support_page */
bool setting_check_domain(const char *text, struct problem *problem);   /* or "*" */
bool setting_check_address(const char *text, struct problem *problem);  /* to listen on */
bool setting_check_max_age(const char *text, struct problem *problem);  /* in seconds */
bool setting_check_boolean(const char *text, struct problem *problem);  /* true, no, 1, … */
bool setting_check_log_level(const char *text, struct problem *problem);
bool setting_check_log_format(const char *text, struct problem *problem);

/* The domain's name as host names are compared: lower case, without a trailing dot; "*" stays. The
   caller frees it. NULL and a problem where it is no host name. */
char *setting_parse_domain(const char *text, struct problem *problem);

/* A decimal number from `minimum` to `maximum`. `unit` ends the message that names the two: ""
   or, for example, " seconds". */
bool setting_parse_number(const char *text, unsigned minimum, unsigned maximum, const char *unit,
                          unsigned *value, struct problem *problem);

bool setting_parse_max_age(const char *text, unsigned *seconds, struct problem *problem);
bool setting_parse_boolean(const char *text, bool *value, struct problem *problem);
bool setting_parse_log_level(const char *text, enum log_level *level, struct problem *problem);
bool setting_parse_log_format(const char *text, enum log_format *format, struct problem *problem);

#endif
