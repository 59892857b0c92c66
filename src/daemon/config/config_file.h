/* The configuration file and the files of its domains_dir. Internal to configuration.c. */
#ifndef DAEMON_CONFIG_CONFIG_FILE_H
#define DAEMON_CONFIG_CONFIG_FILE_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/config_data.h"

/* Adds the settings of the file at `path` (NULL: none), and of the files in domains_dir, to
   `config`. What it has from the command line and the environment stays, with a note. What the top
   level says of a delegation becomes the domain "*". Each value has been checked by itself and no
   domain is there twice; whether the values fit together is the caller's to check. */
bool config_file_read(const char *path, struct config *config, struct problem *problem);

#endif
