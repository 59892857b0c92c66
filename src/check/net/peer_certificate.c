#include "check/net/peer_certificate.h"

#include <stdlib.h>
#include <string.h>

#include "check/net/address.h"
#include "check/net/text.h"

gnutls_x509_trust_list_t certificate_load_trust(const char *file, struct problem *problem)
{
    gnutls_x509_trust_list_t trust = NULL;
    if (gnutls_x509_trust_list_init(&trust, 0) < 0) {
        problem_out_of_memory(problem);
        return NULL;
    }
    int count =
        !file ? gnutls_x509_trust_list_add_system_trust(trust, 0, 0)
              : gnutls_x509_trust_list_add_trust_file(trust, file, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    if (count > 0) {
        return trust;
    }
    if (file) {
        problem_set(problem, "--ca %s: %s: name a file with CA certificates in PEM", file,
                    count == 0 ? "there is no certificate in it" : gnutls_strerror(count));
    } else {
        problem_set(problem, "this system has no list of trusted CAs: install ca-certificates, "
                             "or name a list with --ca");
    }
    gnutls_x509_trust_list_deinit(trust, 1);
    return NULL;
}

static void add_name(struct certificate_details *details, char *name)
{
    if (details->name_count < CERTIFICATE_NAME_LIMIT) {
        details->names[details->name_count++] = name;
    } else {
        free(name);
    }
}

static void collect_common_name(gnutls_x509_crt_t leaf, struct certificate_details *details)
{
    char name[256];
    size_t size = sizeof(name);
    if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) == 0) {
        add_name(details, text_printable(name, size));
    }
}

/* Collects the certificate's names, and says whether they are in its subjectAltName. */
static bool collect_names(gnutls_x509_crt_t leaf, struct certificate_details *details)
{
    for (unsigned i = 0; details->name_count < CERTIFICATE_NAME_LIMIT; i++) {
        unsigned char name[512];
        size_t size = sizeof(name);
        int type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &size, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
        if (type == GNUTLS_SAN_DNSNAME) {
            add_name(details, text_printable((char *)name, size));
        } else if (type == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
            struct ip_address address = ip_address_from_bytes(size == 4 ? AF_INET : AF_INET6, name);
            char text[IP_TEXT_SIZE];
            ip_address_text(&address, text);
            add_name(details, text_copy(text));
        }
    }
    if (details->name_count > 0) {
        return true;
    }
    collect_common_name(leaf, details);
    return false;
}

static bool name_fits(gnutls_x509_crt_t leaf, const char *name)
{
    struct ip_address address;
    if (ip_address_parse(name, strlen(name), &address)) {
        return gnutls_x509_crt_check_ip(leaf, address.bytes, address.family == AF_INET ? 4 : 16,
                                        0) != 0;
    }
    return gnutls_x509_crt_check_hostname(leaf, name) != 0;
}

/* GnuTLS's verification status; 0 where some path through the chain is good. */
static unsigned verify(gnutls_x509_crt_t *chain, unsigned count, gnutls_x509_trust_list_t trust,
                       unsigned flags)
{
    unsigned status = 0;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(char[]){GNUTLS_KP_TLS_WWW_SERVER}};
    int result =
        gnutls_x509_trust_list_verify_crt2(trust, chain, count, &purpose, 1, flags, &status, NULL);
    return result < 0 ? GNUTLS_CERT_INVALID : status;
}

/* Whether the leaf's dates are wrong, or those of a certificate that the path needs: `status` is
   that of the verification with dates. Superfluous certificates may have expired. */
static void check_dates(gnutls_x509_crt_t leaf, unsigned status,
                        struct certificate_details *details)
{
    time_t now = time(NULL);
    details->expires = gnutls_x509_crt_get_expiration_time(leaf);
    details->expired = details->expires < now || (status & GNUTLS_CERT_EXPIRED) != 0;
    details->not_yet_valid = gnutls_x509_crt_get_activation_time(leaf) > now ||
                             (status & GNUTLS_CERT_NOT_ACTIVATED) != 0;
}

/* Turns GnuTLS's verification status into flaws that a person can correct. */
static void verify_chain(gnutls_x509_crt_t *chain, unsigned count, gnutls_x509_trust_list_t trust,
                         struct certificate_details *details)
{
    check_dates(chain[0], verify(chain, count, trust, 0), details);
    /* Without the dates, so that a certificate of a trusted CA that has expired is not called
       untrusted as well. */
    unsigned status = verify(chain, count, trust, GNUTLS_VERIFY_DISABLE_TIME_CHECKS);
    details->weak = (status & GNUTLS_CERT_INSECURE_ALGORITHM) != 0;
    details->wrong_purpose = (status & GNUTLS_CERT_PURPOSE_MISMATCH) != 0;
    if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA)) {
        bool own_issuer = gnutls_x509_crt_check_issuer(chain[0], chain[0]) != 0;
        details->self_signed = own_issuer && count == 1;
        details->chain_incomplete = !own_issuer && count == 1;
        details->untrusted = count > 1;
    } else if (status != 0 && !details->weak && !details->wrong_purpose) {
        details->untrusted = true;
    }
}

static bool has_flaw(const struct certificate_details *details)
{
    return details->none || details->wrong_name || details->expired || details->not_yet_valid ||
           details->self_signed || details->chain_incomplete || details->untrusted ||
           details->weak || details->wrong_purpose;
}

static void inspect_chain(const gnutls_datum_t *chain, unsigned count,
                          gnutls_x509_trust_list_t trust, const char *name,
                          struct certificate_details *details)
{
    gnutls_x509_crt_t certificates[CERTIFICATE_CHAIN_LIMIT] = {NULL};
    unsigned read = 0;
    bool broken = count > CERTIFICATE_CHAIN_LIMIT;
    details->seen = true;
    details->none = count == 0;
    while (read < count && !broken) {
        if (gnutls_x509_crt_init(&certificates[read]) < 0) {
            break;
        }
        read++;
        broken = gnutls_x509_crt_import(certificates[read - 1], &chain[read - 1],
                                        GNUTLS_X509_FMT_DER) < 0;
    }
    if (broken || read < count) {
        details->untrusted = true;
    } else if (count > 0) {
        bool alternative = collect_names(certificates[0], details);
        /* Homeservers and browsers read the subjectAltName only (RFC 6125; Go, Python, Rust). */
        bool fits = name_fits(certificates[0], name);
        details->wrong_name = !alternative || !fits;
        details->only_common_name = !alternative && fits;
        verify_chain(certificates, count, trust, details);
    }
    details->valid = !has_flaw(details);
    for (unsigned i = 0; i < read; i++) {
        gnutls_x509_crt_deinit(certificates[i]);
    }
}

static void copy_name(char *to, size_t size, const char *from)
{
    size_t length = !from ? 0 : strnlen(from, size - 1);
    if (length > 0) {
        memcpy(to, from, length);
    }
    to[length] = '\0';
}

void certificate_inspect(gnutls_session_t session, gnutls_x509_trust_list_t trust, const char *name,
                         struct certificate_details *details)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    certificate_details_clear(details);
    copy_name(details->tls_version, sizeof(details->tls_version),
              gnutls_protocol_get_name(gnutls_protocol_get_version(session)));
    copy_name(details->cipher, sizeof(details->cipher),
              gnutls_cipher_get_name(gnutls_cipher_get(session)));
    inspect_chain(chain, !chain ? 0 : count, trust, name, details);
}

void certificate_details_clear(struct certificate_details *details)
{
    for (size_t i = 0; i < details->name_count; i++) {
        free(details->names[i]);
    }
    memset(details, 0, sizeof(*details));
}
