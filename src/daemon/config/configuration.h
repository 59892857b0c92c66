/* The settings of a run, put together from the command line, the environment and files. */
#ifndef DAEMON_CONFIG_CONFIGURATION_H
#define DAEMON_CONFIG_CONFIGURATION_H

#include "base/problem.h"
#include "daemon/config/config_data.h"
#include "daemon/config/options.h"
#include "daemon/config/settings.h"

/* Reads the values that `options` have, the file that they name (if any) and its domains_dir, and
   validates the whole; the command line wins over the environment, and that over files. The caller
   frees the result with config_free. NULL and a problem, with the option, the variable, or file and
   line that is at fault. Can be called again with the same options to read the files anew. */
struct config *config_load(const struct options *options, struct problem *problem);

#endif
