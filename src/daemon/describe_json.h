/* --test --format json: what a configuration would serve, as one JSON object for programs. */
#ifndef DAEMON_DESCRIBE_JSON_H
#define DAEMON_DESCRIBE_JSON_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"
#include "daemon/site/site_table.h"

/* Writes the object to standard output, on one line: `ok`, `listeners`, `acme_alpn_dir`,
   `acme_webroot`, `http_redirect`, `domains`, `certificates`, `findings`; see matrix-wellknownd(8).
   `table` is NULL where none could be built, and `config` where it could not be read. `failure` (or
   NULL) becomes a finding. Returns whether nothing that was found is an error. */
bool describe_json(const struct config *config, const struct site_table *table,
                   const struct problem *failure);

#endif
