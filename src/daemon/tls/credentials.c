#include "daemon/tls/credentials.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "base/reserve.h"
#include "daemon/tls/key.h"

enum {
    FILE_LIMIT = 256 * 1024, /* bytes; chain and key may be in one file, with comments */
};

static void credentials_free(struct credentials *credentials)
{
    for (unsigned i = 0; i < credentials->chain_length; i++) {
        gnutls_pcert_deinit(&credentials->chain[i]);
    }
    free(credentials->chain);
    if (credentials->key) {
        gnutls_privkey_deinit(credentials->key);
    }
    free(credentials);
}

struct credentials *credentials_reference(struct credentials *credentials)
{
    atomic_fetch_add_explicit(&credentials->references, 1, memory_order_relaxed);
    return credentials;
}

void credentials_release(struct credentials *credentials)
{
    if (credentials &&
        atomic_fetch_sub_explicit(&credentials->references, 1, memory_order_acq_rel) == 1) {
        credentials_free(credentials);
    }
}

struct credentials *credentials_new(const struct chain *chain, gnutls_privkey_t key)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));

    if (!credentials) {
        gnutls_privkey_deinit(key);
        return NULL;
    }
    atomic_init(&credentials->references, 1);
    credentials->key = key;
    credentials->activation = gnutls_x509_crt_get_activation_time(chain->items[0]);
    /* The leaf's alone: CAs have shipped chains whose last, cross-signed member had expired, and
       clients that find another path do not mind. */
    credentials->expiration = gnutls_x509_crt_get_expiration_time(chain->items[0]);
    credentials->chain = calloc(chain->length, sizeof(*credentials->chain));
    for (unsigned i = 0; credentials->chain && i < chain->length; i++) {
        if (gnutls_pcert_import_x509(&credentials->chain[i], chain->items[i], 0) < 0) {
            break;
        }
        credentials->chain_length++;
    }
    if (credentials->chain_length < chain->length) {
        credentials_free(credentials);
        return NULL;
    }
    return credentials;
}

static bool pair_matches(const struct credentials *credentials)
{
    unsigned char ids[2][64];
    size_t sizes[2] = {sizeof(ids[0]), sizeof(ids[1])};
    gnutls_pubkey_t public_key = NULL;
    bool matches;

    matches =
        gnutls_pubkey_init(&public_key) == 0 &&
        gnutls_pubkey_import_privkey(public_key, credentials->key, 0, 0) == 0 &&
        gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, ids[0], &sizes[0]) == 0 &&
        gnutls_pubkey_get_key_id(credentials->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, ids[1],
                                 &sizes[1]) == 0 &&
        sizes[0] == sizes[1] && memcmp(ids[0], ids[1], sizes[0]) == 0;
    if (public_key) {
        gnutls_pubkey_deinit(public_key);
    }
    return matches;
}

/* The content as GnuTLS takes it. */
static bool to_datum(const char *path, const struct file_content *content, gnutls_datum_t *datum,
                     struct problem *problem)
{
    *datum = (gnutls_datum_t){(unsigned char *)content->bytes, (unsigned)content->size};
    return content->size > 0 || problem_set(problem, "%s: is empty", path);
}

struct credentials *credentials_parse(const char *certificate_path,
                                      const struct file_content *certificate, const char *key_path,
                                      const struct file_content *key, struct problem *problem)
{
    struct chain chain = {0};
    gnutls_datum_t chain_text, key_text;
    gnutls_privkey_t private_key;
    struct credentials *credentials = NULL;
    bool is_ca;

    if (!reserve_is_there()) {
        problem_out_of_memory(problem);
        problem_prefix(problem, "%s: ", certificate_path);
        return NULL;
    }
    if (!to_datum(certificate_path, certificate, &chain_text, problem) ||
        !to_datum(key_path, key, &key_text, problem) ||
        !chain_parse(&chain, certificate_path, &chain_text, problem)) {
        return NULL;
    }
    is_ca = gnutls_x509_crt_get_ca_status(chain.items[0], NULL) > 0;
    private_key = key_parse(key_path, &key_text, problem);
    if (private_key) {
        credentials = credentials_new(&chain, private_key);
        if (!credentials) {
            problem_out_of_memory(problem);
            problem_prefix(problem, "%s: ", certificate_path);
        }
    }
    chain_clear(&chain);
    if (credentials && !pair_matches(credentials)) {
        problem_set(problem, "%s: the private key does not belong to the certificate in %s%s",
                    key_path, certificate_path,
                    is_ca ? ", which begins with a CA's: name fullchain.pem in place of chain.pem"
                          : "");
        credentials_free(credentials);
        return NULL;
    }
    return credentials;
}

struct credentials *credentials_load(const char *certificate_path, const char *key_path,
                                     struct credentials_source *source, struct problem *problem)
{
    struct file_content certificate = {0}, key = {0};
    struct credentials *credentials = NULL;

    *source = (struct credentials_source){0};
    if (file_read(certificate_path, FILE_LIMIT, &certificate, &source->certificate, problem) ==
            FILE_GOOD &&
        file_read(key_path, FILE_LIMIT, &key, &source->key, problem) == FILE_GOOD) {
        credentials = credentials_parse(certificate_path, &certificate, key_path, &key, problem);
    }
    file_wipe(&certificate);
    file_wipe(&key);
    return credentials;
}

/* The leaf as a gnutls_x509_crt_t, to be deinitialized by the caller; NULL where memory ran out. */
static gnutls_x509_crt_t leaf_of(const struct credentials *credentials)
{
    gnutls_x509_crt_t leaf = NULL;

    if (gnutls_x509_crt_init(&leaf) != 0) {
        return NULL;
    }
    if (gnutls_x509_crt_import(leaf, &credentials->chain[0].cert, GNUTLS_X509_FMT_DER) != 0) {
        gnutls_x509_crt_deinit(leaf);
        return NULL;
    }
    return leaf;
}

bool credentials_are_for(const struct credentials *credentials, const char *host)
{
    gnutls_x509_crt_t leaf = leaf_of(credentials);
    bool match = leaf && gnutls_x509_crt_check_hostname(leaf, host) != 0;

    if (leaf) {
        gnutls_x509_crt_deinit(leaf);
    }
    return match;
}

/* One subject alternative name as text; false for kinds that name no host. */
static bool name_text(int type, const char *name, size_t size, char *text, size_t text_size)
{
    if (type == GNUTLS_SAN_DNSNAME) {
        struct line line;

        line_start(&line, text, text_size);
        line_add_format(&line, "%.*s", (int)size, name);
        return true;
    }
    if (type == GNUTLS_SAN_IPADDRESS) {
        return inet_ntop(size == 4 ? AF_INET : AF_INET6, name, text, (socklen_t)text_size);
    }
    return false;
}

void credentials_visit_names(const struct credentials *credentials,
                             void (*visit)(void *context, const char *name), void *context)
{
    gnutls_x509_crt_t leaf = leaf_of(credentials);

    for (unsigned i = 0; leaf; i++) {
        char name[256], text[256];
        size_t length = sizeof(name) - 1;
        int type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &length, NULL);

        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
        if (type >= 0 && name_text(type, name, length, text, sizeof(text))) {
            visit(context, text);
        }
    }
    if (leaf) {
        gnutls_x509_crt_deinit(leaf);
    }
}

static void add_name(void *context, const char *name)
{
    struct line *line = context;

    line_add(line, line->length > 0 ? ", " : "");
    line_add_quoted(line, name, SIZE_MAX);
}

const char *credentials_names(const struct credentials *credentials, char *text, size_t size)
{
    struct line line;

    line_start(&line, text, size);
    credentials_visit_names(credentials, add_name, &line);
    return text;
}
