/* A certificate chain with its private key, as handshakes use it: immutable, reference-counted. */
#ifndef DAEMON_TLS_CREDENTIALS_H
#define DAEMON_TLS_CREDENTIALS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/problem.h"
#include "daemon/tls/chain.h"

struct credentials {
    atomic_uint references;
    gnutls_pcert_st *chain; /* leaf first */
    unsigned chain_length;
    gnutls_privkey_t key;
    time_t activation;                /* the leaf's notBefore */
    time_t expiration;                /* the leaf's notAfter */
    struct credentials *next_retired; /* for who collects what is to be released later */
};

/* What two files were when they were read; all zero where one could not be opened. */
struct credentials_source {
    struct stat certificate;
    struct stat key;
};

/* Credentials with one reference of a chain, which is copied, and of its key, which is taken over
   (or freed). NULL where memory ran out. */
struct credentials *credentials_new(const struct chain *chain, gnutls_privkey_t key);

/* Reads a PEM chain (leaf first) and a PEM private key (PKCS#8, SEC1 or PKCS#1, not encrypted) and
   checks that they belong together and are within the bounds of chain.h and key.h. Whether the time
   is right is the caller's to judge. Returns one reference, or NULL and a problem that names the
   file. `source` is filled as far as it got. */
struct credentials *credentials_load(const char *certificate_path, const char *key_path,
                                     struct credentials_source *source, struct problem *problem);

/* The same of PEM texts that have been read; the paths are for messages. */
struct credentials *credentials_parse(const char *certificate_path,
                                      const struct file_content *certificate, const char *key_path,
                                      const struct file_content *key, struct problem *problem);

/* Another reference; returns its argument. */
struct credentials *credentials_reference(struct credentials *credentials);

/* Drops a reference; takes NULL. */
void credentials_release(struct credentials *credentials);

/* Whether the leaf is for this host name or IP literal (RFC 6125). */
bool credentials_are_for(const struct credentials *credentials, const char *host);

/* Calls `visit` with each DNS name and address of the leaf, as text. */
void credentials_visit_names(const struct credentials *credentials,
                             void (*visit)(void *context, const char *name), void *context);

/* The leaf's DNS names and addresses as "a, b, c", cut to fit. Returns `text`. */
const char *credentials_names(const struct credentials *credentials, char *text, size_t size);

#endif
