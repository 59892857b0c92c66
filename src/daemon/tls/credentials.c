#include "daemon/tls/credentials.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/line.h"
#include "base/reserve.h"

enum {
    CERTIFICATE_LIMIT = 256 * 1024, /* bytes */
    KEY_LIMIT = 64 * 1024,          /* bytes */
    CHAIN_LIMIT = 16,               /* certificates */
};

static struct credentials *credentials_new(void)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));

    if (credentials) {
        atomic_init(&credentials->references, 1);
    }
    return credentials;
}

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

/* Takes the parsed certificates over as the chain, with its times. */
static int set_chain(struct credentials *credentials, gnutls_x509_crt_t *list, unsigned length)
{
    int status;

    credentials->chain = calloc(length, sizeof(*credentials->chain));
    if (!credentials->chain) {
        return GNUTLS_E_MEMORY_ERROR;
    }
    credentials->activation = gnutls_x509_crt_get_activation_time(list[0]);
    /* The leaf's alone: CAs have shipped chains whose last, cross-signed member had expired, and
       clients that find another path do not mind. */
    credentials->expiration = gnutls_x509_crt_get_expiration_time(list[0]);
    credentials->chain_length = length;
    status = gnutls_pcert_import_x509_list(credentials->chain, list, &credentials->chain_length,
                                           GNUTLS_X509_CRT_LIST_SORT);
    if (status < 0) {
        credentials->chain_length = 0;
    }
    return status;
}

static bool load_chain(struct credentials *credentials, const char *path,
                       const gnutls_datum_t *content, struct problem *problem)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned length = 0;
    bool good = false;
    int status;

    status = gnutls_x509_crt_list_import2(&list, &length, content, GNUTLS_X509_FMT_PEM, 0);
    if (status < 0 || length == 0) {
        return problem_set(problem,
                           "%s: no certificate can be read from it (%s): a PEM file with the "
                           "certificate first and its chain after it is needed",
                           path, gnutls_strerror(status));
    }
    if (length > CHAIN_LIMIT) {
        problem_set(problem, "%s: holds %u certificates: %d are the most a chain can have", path,
                    length, CHAIN_LIMIT);
    } else {
        status = set_chain(credentials, list, length);
        good = status >= 0 ||
               problem_set(problem,
                           "%s: its certificates do not form a chain (%s): put the certificate "
                           "first, then each one that signed the one before",
                           path, gnutls_strerror(status));
    }
    for (unsigned i = 0; i < length; i++) {
        gnutls_x509_crt_deinit(list[i]);
    }
    gnutls_free(list);
    return good;
}

static bool load_key(struct credentials *credentials, const char *path,
                     const gnutls_datum_t *content, struct problem *problem)
{
    int status = gnutls_privkey_init(&credentials->key);

    if (status == 0) {
        status =
            gnutls_privkey_import_x509_raw(credentials->key, content, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    if (status == GNUTLS_E_DECRYPTION_FAILED) {
        return problem_set(problem,
                           "%s: the private key is protected by a passphrase: write it without "
                           "one, for example with `openssl pkey -in %s -out plain.pem`",
                           path, path);
    }
    if (status != 0) {
        return problem_set(problem,
                           "%s: no private key can be read from it (%s): a PEM file with a "
                           "PKCS#8, SEC1 or PKCS#1 private key is needed",
                           path, gnutls_strerror(status));
    }
    return true;
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

struct credentials *credentials_parse(const char *certificate_path,
                                      const gnutls_datum_t *certificate, const char *key_path,
                                      const gnutls_datum_t *key, struct problem *problem)
{
    struct credentials *credentials = credentials_new();

    if (!credentials || !reserve_is_there()) {
        problem_set(problem, "%s: out of memory", certificate_path);
        free(credentials);
        return NULL;
    }
    if (!load_chain(credentials, certificate_path, certificate, problem) ||
        !load_key(credentials, key_path, key, problem)) {
        credentials_free(credentials);
        return NULL;
    }
    if (!pair_matches(credentials)) {
        problem_set(problem, "%s: the private key does not belong to the certificate in %s",
                    key_path, certificate_path);
        credentials_free(credentials);
        return NULL;
    }
    return credentials;
}

struct credentials *credentials_load(const char *certificate_path, const char *key_path,
                                     struct credentials_source *source, struct problem *problem)
{
    gnutls_datum_t certificate = {0}, key = {0};
    struct credentials *credentials = NULL;

    *source = (struct credentials_source){0};
    if (file_read(certificate_path, CERTIFICATE_LIMIT, &certificate, &source->certificate,
                  problem) &&
        file_read(key_path, KEY_LIMIT, &key, &source->key, problem)) {
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
        return inet_ntop(size == 4 ? AF_INET : AF_INET6, name, text, (socklen_t)text_size) != NULL;
    }
    return false;
}

const char *credentials_names(const struct credentials *credentials, char *text, size_t size)
{
    gnutls_x509_crt_t leaf = leaf_of(credentials);
    struct line line;

    line_start(&line, text, size);
    for (unsigned i = 0; leaf; i++) {
        char name[256], shown[256];
        size_t length = sizeof(name) - 1;
        int type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &length, NULL);

        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
        if (type >= 0 && name_text(type, name, length, shown, sizeof(shown))) {
            line_add(&line, line.length > 0 ? ", " : "");
            line_add_quoted(&line, shown);
        }
    }
    if (leaf) {
        gnutls_x509_crt_deinit(leaf);
    }
    return text;
}

static int set_names(gnutls_x509_crt_t certificate, const char *const *names, size_t count)
{
    static const unsigned char loopback4[] = {127, 0, 0, 1};
    static const unsigned char loopback6[16] = {[15] = 1};
    int status;

    status = gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, "localhost",
                                                  strlen("localhost"), GNUTLS_FSAN_SET);
    if (status == 0) {
        status = gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, loopback4,
                                                      sizeof(loopback4), GNUTLS_FSAN_APPEND);
    }
    if (status == 0) {
        status = gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, loopback6,
                                                      sizeof(loopback6), GNUTLS_FSAN_APPEND);
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        status =
            gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, names[i],
                                                 (unsigned)strlen(names[i]), GNUTLS_FSAN_APPEND);
    }
    return status;
}

static int sign_self(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key,
                     const char *const *names, size_t count)
{
    static const char subject[] = "matrix-wellknownd throwaway certificate";
    unsigned char serial[8] = {1};
    time_t now = time(NULL);
    int status;

    gnutls_rnd(GNUTLS_RND_NONCE, serial + 1, sizeof(serial) - 1);
    status = set_names(certificate, names, count);
    if (status == 0) {
        gnutls_x509_crt_set_version(certificate, 3);
        gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial));
        gnutls_x509_crt_set_activation_time(certificate, now - 3600);
        gnutls_x509_crt_set_expiration_time(certificate, now + 30L * 24 * 3600);
        gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, subject,
                                      sizeof(subject) - 1);
        gnutls_x509_crt_set_basic_constraints(certificate, 0, -1);
        gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
        gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
        status = gnutls_x509_crt_set_key(certificate, key);
    }
    if (status == 0) {
        status = gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
    }
    return status;
}

struct credentials *credentials_self_signed(const char *const *names, size_t count,
                                            struct problem *problem)
{
    struct credentials *credentials = credentials_new();
    gnutls_x509_crt_t certificate = NULL;
    gnutls_x509_privkey_t key = NULL;
    int status = GNUTLS_E_MEMORY_ERROR;

    if (!credentials || (status = gnutls_x509_privkey_init(&key)) < 0 ||
        (status = gnutls_x509_privkey_generate(
             key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)) < 0 ||
        (status = gnutls_x509_crt_init(&certificate)) < 0 ||
        (status = sign_self(certificate, key, names, count)) < 0 ||
        (status = set_chain(credentials, &certificate, 1)) < 0 ||
        (status = gnutls_privkey_init(&credentials->key)) < 0) {
        goto out;
    }
    status = gnutls_privkey_import_x509(credentials->key, key, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
    if (status == 0) {
        key = NULL; /* released with credentials->key */
    }
out:
    if (certificate) {
        gnutls_x509_crt_deinit(certificate);
    }
    if (key) {
        gnutls_x509_privkey_deinit(key);
    }
    if (status < 0) {
        problem_set(problem, "cannot make a throwaway certificate: %s", gnutls_strerror(status));
        if (credentials) {
            credentials_free(credentials);
        }
        return NULL;
    }
    return credentials;
}
