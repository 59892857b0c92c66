/* A certificate chain from a PEM file: bounded before it is parsed, and checked to be one chain. */
#ifndef DAEMON_TLS_CHAIN_H
#define DAEMON_TLS_CHAIN_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

#include "base/problem.h"

enum {
    CHAIN_LENGTH_LIMIT = 10,      /* certificates */
    CHAIN_SIZE_LIMIT = 32 * 1024, /* bytes of DER, which every full handshake sends */
    CHAIN_NAMES_LIMIT = 500,      /* subject alternative names of one certificate */
};

struct chain {
    gnutls_x509_crt_t items[CHAIN_LENGTH_LIMIT]; /* leaf first, each signed by a later one */
    unsigned length;
};

/* Reads the certificates of a PEM file; anything else in it, such as a key, is skipped. The first
   must be the leaf. Every other must have signed one that is reached from the leaf, in whatever
   order they stand; a superfluous root that has expired is left out. On failure a problem names
   `path`, and `chain` is empty. */
bool chain_parse(struct chain *chain, const char *path, const gnutls_datum_t *content,
                 struct problem *problem);

void chain_clear(struct chain *chain);

#endif
