/* Making challenge certificates for tls-alpn-01 (RFC 8737), for the hooks of ACME clients. */
#ifndef DAEMON_ACME_ISSUE_H
#define DAEMON_ACME_ISSUE_H

#include <stdbool.h>

#include "base/problem.h"

/* Writes a new challenge certificate for `name` and its key into `directory`, as NAME.crt.pem and
   NAME.key.pem (see challenge.h), each renamed into place when both are whole on the disk.
   Where the directory's group may read it, that group may read them; nobody else but the owner may.
   On failure nothing is left behind, and what was there before is as it was, or, where even that
   fails, the problem says so. A process that is killed between the two leaves a pair that does not
   match, which the daemon refuses, and which the next call replaces. */
bool acme_certificate_write(const char *directory, const char *name, const char *key_authorization,
                            struct problem *problem);

#endif
