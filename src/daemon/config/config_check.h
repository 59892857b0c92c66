/* Whether settings that are each right by themselves fit together. Internal to config.c. */
#ifndef DAEMON_CONFIG_CONFIG_CHECK_H
#define DAEMON_CONFIG_CONFIG_CHECK_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/config_data.h"

/* Checks the whole config, and warns of what is legal but without effect. */
bool config_check(struct config *config, struct problem *problem);

#endif
