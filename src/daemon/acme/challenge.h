/* tls-alpn-01 (RFC 8737): the certificate by which a CA sees that we answer for a name. An ACME
   client leaves it in a directory as NAME.crt.pem and NAME.key.pem, and takes it away afterwards.
 */
#ifndef DAEMON_ACME_CHALLENGE_H
#define DAEMON_ACME_CHALLENGE_H

#include "daemon/tls/credentials.h"

/* The ALPN protocol of such handshakes. */
#define ACME_PROTOCOL "acme-tls/1"

/* id-pe-acmeIdentifier, the extension that holds the digest of the key authorization. */
#define ACME_IDENTIFIER_OID "1.3.6.1.5.5.7.1.31"

/* For a handshake, from any thread: reads the challenge for this SNI name (as it was sent) from
   `directory`. One reference; NULL where there is none for it, or, after an error in the log, none
   that a CA would take. */
struct credentials *acme_challenge_load(const char *directory, const char *name);

/* What acme_challenge_load thinks of a certificate: whether it is for `name` alone and has the
   critical extension. `path` is for the message. */
bool acme_challenge_check(const struct credentials *credentials, const char *name, const char *path,
                          struct problem *problem);

#endif
