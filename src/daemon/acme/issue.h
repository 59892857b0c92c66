/* Making challenge certificates for tls-alpn-01 (RFC 8737), for the hooks of ACME clients. */
#ifndef DAEMON_ACME_ISSUE_H
#define DAEMON_ACME_ISSUE_H

#include <stdbool.h>

#include "base/problem.h"

/* Writes a new challenge certificate for `name` and its key into `directory`, as NAME.crt.pem and
   NAME.key.pem (see acme_challenge.h), each renamed into place when both are whole on the disk.
   Where the directory's group may read it, that group may read them; nobody else but the owner may.
   On failure nothing is left behind, and what was there before is as it was. */
bool acme_certificate_write(const char *directory, const char *name, const char *key_authorization,
                            struct problem *problem);

#endif
