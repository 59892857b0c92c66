/* Keys: which kinds and lengths are taken, so that no handshake costs more than it may. */
#ifndef DAEMON_TLS_KEY_H
#define DAEMON_TLS_KEY_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

#include "base/problem.h"

enum {
    KEY_BITS_LIMIT = 8192, /* a signature with such an RSA key takes about 60 of RSA-2048's */
};

/* Reads a PEM private key (PKCS#8, SEC1 or PKCS#1, not encrypted). Taken are what clients of TLS
   know: ECDSA with P-256, P-384 or P-521, Ed25519, and RSA of up to KEY_BITS_LIMIT bits with two
   primes of about the same length. NULL and a problem that names `path` otherwise. The caller
   frees it with gnutls_privkey_deinit. */
gnutls_privkey_t key_parse(const char *path, const gnutls_datum_t *content,
                           struct problem *problem);

/* Whether the public key in a certificate is short enough to be used; of a chain's other members a
   signature is verified with it. */
bool key_check_public(gnutls_x509_crt_t certificate, const char *path, struct problem *problem);

#endif
