/* What is legal about a certificate but will not do what its owner wants. */
#ifndef DAEMON_TLS_ADVICE_H
#define DAEMON_TLS_ADVICE_H

#include "daemon/tls/credentials.h"

/* One piece of advice: `code` for programs, `message` with the remedy for people. */
typedef void advice_visit(void *context, const char *code, const char *message);

/* Calls `visit` for each thing about a pair that most owners would want to change: no intermediate
   in the file, no name in it, an RSA key, a file that is mounted by itself. `path` is the
   certificate's. */
void advice_about(const struct credentials *credentials, const char *path, advice_visit *visit,
                  void *context);

/* The same about a pair that takes another one's place: names that it has lost, and the trust
   of the system's CAs. */
void advice_about_renewal(const struct credentials *credentials, const struct credentials *old,
                          const char *path, advice_visit *visit, void *context);

#endif
