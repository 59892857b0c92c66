/* A throwaway certificate in memory, for trying out (--self-signed). */
#ifndef DAEMON_TLS_SELF_SIGNED_H
#define DAEMON_TLS_SELF_SIGNED_H

#include <stddef.h>

#include "base/problem.h"
#include "daemon/tls/credentials.h"

/* Makes a throwaway key (P-256) and a certificate for `names` (may be empty), localhost and the
   loopback addresses, signed by itself and valid for 30 days. Nothing touches the disk. NULL and a
   problem where that fails. */
struct credentials *self_signed_new(const char *const *names, size_t count,
                                    struct problem *problem);

#endif
