/* The CAs that this system trusts, as a client on it would. */
#ifndef DAEMON_TLS_TRUST_H
#define DAEMON_TLS_TRUST_H

#include <stdbool.h>

#include "daemon/tls/credentials.h"

/* Opens the system's bundle of CAs, for as long as the process lives: to be called before the
   process gives up opening files. Where there is none, nothing is trusted. */
void trust_open(void);

/* Whether the chain leads to a trusted CA, names and dates aside. For the main thread: it reads the
   bundle each time, which takes about 10 ms, and keeps nothing of it in memory. */
bool trust_verify(const struct credentials *credentials);

#endif
