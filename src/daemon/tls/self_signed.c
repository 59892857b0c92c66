#include "daemon/tls/self_signed.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#include "daemon/tls/chain.h"

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

    status = gnutls_rnd(GNUTLS_RND_NONCE, serial + 1, sizeof(serial) - 1);
    if (status == 0) {
        status = set_names(certificate, names, count);
    }
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

struct credentials *self_signed_new(const char *const *names, size_t count, struct problem *problem)
{
    struct chain chain = {0};
    struct credentials *credentials = NULL;
    gnutls_x509_privkey_t key = NULL;
    gnutls_privkey_t private_key = NULL;
    int status;

    if ((status = gnutls_x509_privkey_init(&key)) < 0 ||
        (status = gnutls_x509_privkey_generate(
             key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)) < 0 ||
        (status = gnutls_x509_crt_init(&chain.items[0])) < 0) {
        goto out;
    }
    chain.length = 1;
    if ((status = sign_self(chain.items[0], key, names, count)) < 0 ||
        (status = gnutls_privkey_init(&private_key)) < 0 ||
        (status = gnutls_privkey_import_x509(private_key, key, GNUTLS_PRIVKEY_IMPORT_COPY)) < 0) {
        goto out;
    }
    credentials = credentials_new(&chain, private_key);
    private_key = NULL;
    status = credentials ? 0 : GNUTLS_E_MEMORY_ERROR;
out:
    if (private_key) {
        gnutls_privkey_deinit(private_key);
    }
    chain_clear(&chain);
    if (key) {
        gnutls_x509_privkey_deinit(key);
    }
    if (!credentials) {
        problem_set(problem, "cannot make a throwaway certificate: %s", gnutls_strerror(status));
    }
    return credentials;
}
