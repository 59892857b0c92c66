#include "daemon/tls/key.h"

enum {
    EXPONENT_LIMIT = 8, /* bytes of RSA's public exponent; nearly all are 65537 */
};

#define REMEDY "make a new key, for example with `openssl ecparam -name prime256v1 -genkey -noout`"

static bool refuse_length(const char *path, unsigned bits, struct problem *problem)
{
    return problem_set(problem,
                       "%s: the key has %u bits, and every handshake would wait for it: %d are the "
                       "most: " REMEDY,
                       path, bits, KEY_BITS_LIMIT);
}

static bool refuse_exponent(const char *path, struct problem *problem)
{
    return problem_set(problem,
                       "%s: the key's public exponent has more than %d bits, and every handshake "
                       "would wait for it: " REMEDY,
                       path, EXPONENT_LIMIT * 8);
}

/* RSA's private operation takes as long as its longer prime has it: both are to have about half of
   the modulus. That they are its factors is gnutls_privkey_verify_params' to check. */
static bool check_rsa(gnutls_privkey_t key, const char *path, struct problem *problem)
{
    gnutls_datum_t modulus = {0}, exponent = {0}, p = {0}, q = {0};
    unsigned longest;
    bool good = false;

    if (gnutls_privkey_export_rsa_raw2(key, &modulus, &exponent, NULL, &p, &q, NULL, NULL, NULL,
                                       GNUTLS_EXPORT_FLAG_NO_LZ) < 0) {
        return problem_set(problem, "%s: the RSA key cannot be used: " REMEDY, path);
    }
    longest = p.size > q.size ? p.size : q.size;
    if (exponent.size > EXPONENT_LIMIT) {
        refuse_exponent(path, problem);
    } else if (longest > modulus.size / 8 * 5 + 1) {
        problem_set(problem,
                    "%s: the RSA key's primes are not of the same length, and every handshake "
                    "would wait for it: " REMEDY,
                    path);
    } else {
        good = true;
    }
    gnutls_free(modulus.data);
    gnutls_free(exponent.data);
    gnutls_memset(p.data, 0, p.size);
    gnutls_free(p.data);
    gnutls_memset(q.data, 0, q.size);
    gnutls_free(q.data);
    return good;
}

/* Whether clients of TLS know signatures with such a key (see tls_priorities). */
static bool is_usual(gnutls_privkey_t key, int algorithm)
{
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

    if (algorithm == GNUTLS_PK_ECDSA) {
        gnutls_privkey_export_ecc_raw2(key, &curve, NULL, NULL, NULL, 0);
    }
    return algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_EDDSA_ED25519 ||
           curve == GNUTLS_ECC_CURVE_SECP256R1 || curve == GNUTLS_ECC_CURVE_SECP384R1 ||
           curve == GNUTLS_ECC_CURVE_SECP521R1;
}

static bool check_private(gnutls_privkey_t key, const char *path, struct problem *problem)
{
    unsigned bits = 0;
    int algorithm = gnutls_privkey_get_pk_algorithm(key, &bits);

    if (!is_usual(key, algorithm)) {
        const char *name =
            algorithm < 0 ? NULL : gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm);

        return problem_set(
            problem,
            "%s: is a key of a kind (%s, %u bits) with which no connection can "
            "begin: ECDSA with P-256, P-384 or P-521, Ed25519 and RSA are taken: " REMEDY,
            path, name ? name : "unknown", bits);
    }
    if (bits > KEY_BITS_LIMIT) {
        return refuse_length(path, bits, problem);
    }
    if (algorithm == GNUTLS_PK_RSA && !check_rsa(key, path, problem)) {
        return false;
    }
    return gnutls_privkey_verify_params(key) == 0 ||
           problem_set(problem,
                       "%s: the private key is damaged, its numbers do not belong together: copy "
                       "the file again, or " REMEDY,
                       path);
}

gnutls_privkey_t key_parse(const char *path, const gnutls_datum_t *content, struct problem *problem)
{
    gnutls_privkey_t key = NULL;
    int status = gnutls_privkey_init(&key);

    if (status == 0) {
        status = gnutls_privkey_import_x509_raw(key, content, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    if (status == 0 && check_private(key, path, problem)) {
        return key;
    }
    if (status == GNUTLS_E_DECRYPTION_FAILED) {
        problem_set(problem,
                    "%s: the private key is protected by a passphrase: write it without one, for "
                    "example with `openssl pkey -in %s -out plain.pem`",
                    path, path);
    } else if (status != 0) {
        problem_set(problem,
                    "%s: no private key can be read from it (%s): a PEM file with a PKCS#8, SEC1 "
                    "or PKCS#1 private key is needed",
                    path, gnutls_strerror(status));
    }
    if (key) {
        gnutls_privkey_deinit(key);
    }
    return NULL;
}

bool key_check_public(gnutls_x509_crt_t certificate, const char *path, struct problem *problem)
{
    unsigned bits = 0;
    int algorithm = gnutls_x509_crt_get_pk_algorithm(certificate, &bits);
    gnutls_datum_t modulus = {0}, exponent = {0};
    bool good = true;

    if (algorithm >= 0 && bits > KEY_BITS_LIMIT) {
        return refuse_length(path, bits, problem);
    }
    if (gnutls_x509_crt_get_pk_rsa_raw(certificate, &modulus, &exponent) == 0) {
        /* A number in DER may begin with one byte of zeros. */
        good = exponent.size <= EXPONENT_LIMIT + 1 || refuse_exponent(path, problem);
        gnutls_free(modulus.data);
        gnutls_free(exponent.data);
    }
    return good;
}
