#include "daemon/tls/chain.h"

#include <gnutls/abstract.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "daemon/tls/key.h"

void chain_clear(struct chain *chain)
{
    for (unsigned i = 0; i < chain->length; i++) {
        gnutls_x509_crt_deinit(chain->items[i]);
    }
    *chain = (struct chain){0};
}

/* --- Reading --- */

/* Takes the next element off `rest`: its content, and the whole of it. False where there is none
   that is well formed (X.690, section 8.1; tags of one byte and lengths of up to four). */
static bool der_next(gnutls_datum_t *rest, gnutls_datum_t *whole, gnutls_datum_t *content)
{
    unsigned header = 2, length;

    if (rest->size < header) {
        return false;
    }
    length = rest->data[1];
    if (length >= 0x80) {
        unsigned count = length & 0x7f;

        if (count == 0 || count > 4 || rest->size < header + count) {
            return false;
        }
        length = 0;
        for (unsigned i = 0; i < count; i++) {
            length = length << 8 | rest->data[header + i];
        }
        header += count;
    }
    if (length > rest->size - header) {
        return false;
    }
    *whole = (gnutls_datum_t){rest->data, header + length};
    *content = (gnutls_datum_t){rest->data + header, length};
    rest->data += header + length;
    rest->size -= header + length;
    return true;
}

/* How many subject alternative names there are, without parsing them: GnuTLS takes a time for it
   that grows with the square of their number. */
static unsigned count_names(gnutls_x509_crt_t certificate)
{
    gnutls_datum_t value = {0}, rest, whole, names, name;
    unsigned count = 0;

    if (gnutls_x509_crt_get_extension_by_oid2(certificate, GNUTLS_X509EXT_OID_SAN, 0, &value,
                                              NULL) != 0) {
        return 0;
    }
    rest = value;
    if (der_next(&rest, &whole, &names)) {
        while (der_next(&names, &whole, &name)) {
            count++;
        }
    }
    gnutls_free(value.data);
    return count;
}

static bool add_certificate(struct chain *chain, const char *path, const gnutls_datum_t *der,
                            struct problem *problem)
{
    gnutls_x509_crt_t certificate;
    unsigned names;
    int status = gnutls_x509_crt_init(&certificate);

    if (status < 0) {
        problem_out_of_memory(problem);
        return problem_prefix(problem, "%s: ", path);
    }
    chain->items[chain->length++] = certificate;
    status = gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER);
    if (status < 0) {
        return problem_set(problem, "%s: certificate %u in it cannot be read (%s): copy it again",
                           path, chain->length, gnutls_strerror(status));
    }
    names = count_names(certificate);
    if (names > CHAIN_NAMES_LIMIT) {
        return problem_set(problem,
                           "%s: a certificate in it has %u names: %d are the most: get several "
                           "certificates",
                           path, names, CHAIN_NAMES_LIMIT);
    }
    return key_check_public(certificate, path, problem);
}

/* The next block of a PEM file, from "-----BEGIN" to before the next one, taken off `rest`. */
static bool next_block(gnutls_datum_t *rest, gnutls_datum_t *block)
{
    static const char begin[] = "-----BEGIN ";
    unsigned char *start = memmem(rest->data, rest->size, begin, sizeof(begin) - 1);
    unsigned char *end = rest->data + rest->size;
    unsigned char *next;

    if (!start) {
        return false;
    }
    next = memmem(start + 1, (size_t)(end - start) - 1, begin, sizeof(begin) - 1);
    next = next ? next : end;
    *block = (gnutls_datum_t){start, (unsigned)(next - start)};
    *rest = (gnutls_datum_t){next, (unsigned)(end - next)};
    return true;
}

static bool is_certificate(const gnutls_datum_t *block)
{
    static const char *const labels[] = {"-----BEGIN CERTIFICATE-----",
                                         "-----BEGIN X509 CERTIFICATE-----"};

    for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
        size_t length = strlen(labels[i]);

        if (block->size >= length && memcmp(block->data, labels[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds a PEM block, if it is a certificate's; `*size` counts the bytes of DER so far. */
static bool add_block(struct chain *chain, const char *path, const gnutls_datum_t *block,
                      size_t *size, struct problem *problem)
{
    gnutls_datum_t der = {0};
    bool good;
    int status;

    if (!is_certificate(block)) {
        return true;
    }
    if (chain->length == CHAIN_LENGTH_LIMIT) {
        return problem_set(problem,
                           "%s: holds more than %d certificates, the most a chain can "
                           "have: name the file of this certificate alone",
                           path, CHAIN_LENGTH_LIMIT);
    }
    status = gnutls_pem_base64_decode2(NULL, block, &der);
    if (status < 0) {
        return problem_set(problem, "%s: certificate %u in it cannot be read (%s): copy it again",
                           path, chain->length + 1, gnutls_strerror(status));
    }
    *size += der.size;
    good = *size <= CHAIN_SIZE_LIMIT
               ? add_certificate(chain, path, &der, problem)
               : problem_set(problem,
                             "%s: its certificates have more than %d bytes, which every handshake "
                             "would send: get one with fewer names or a shorter chain",
                             path, CHAIN_SIZE_LIMIT);
    gnutls_free(der.data);
    return good;
}

static bool read_certificates(struct chain *chain, const char *path, const gnutls_datum_t *content,
                              struct problem *problem)
{
    gnutls_datum_t rest = *content, block;
    size_t size = 0;

    while (next_block(&rest, &block)) {
        if (!add_block(chain, path, &block, &size, problem)) {
            return false;
        }
    }
    return chain->length > 0 ||
           problem_set(problem,
                       "%s: no certificate can be read from it: a PEM file with the certificate "
                       "first and its chain after it is needed",
                       path);
}

/* --- Checking --- */

/* Whether the signature is the issuer's. What cannot be verified, as when an algorithm is not known
   here, is left to the clients. */
static bool is_signed_by(gnutls_x509_crt_t certificate, gnutls_x509_crt_t issuer)
{
    gnutls_datum_t der = {0}, signature = {0}, rest, whole, content, signed_part;
    gnutls_pubkey_t key = NULL;
    char bytes[KEY_BITS_LIMIT / 8 + 64];
    size_t size = sizeof(bytes);
    int algorithm = gnutls_x509_crt_get_signature_algorithm(certificate);
    int status = 0;

    if (algorithm <= 0 || gnutls_x509_crt_get_signature(certificate, bytes, &size) < 0 ||
        gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der) < 0) {
        return true;
    }
    rest = der;
    signature = (gnutls_datum_t){(unsigned char *)bytes, (unsigned)size};
    /* A certificate begins with what is signed (RFC 5280, section 4.1). */
    if (der_next(&rest, &whole, &content) && der_next(&content, &signed_part, &whole) &&
        gnutls_pubkey_init(&key) == 0 && gnutls_pubkey_import_x509(key, issuer, 0) == 0) {
        status = gnutls_pubkey_verify_data2(key, (gnutls_sign_algorithm_t)algorithm,
                                            GNUTLS_VERIFY_ALLOW_BROKEN, &signed_part, &signature);
    }
    if (key) {
        gnutls_pubkey_deinit(key);
    }
    gnutls_free(der.data);
    return status != GNUTLS_E_PK_SIG_VERIFY_FAILED;
}

/* Whether `issuer` has signed one of the first `reached` certificates. */
static bool belongs(const struct chain *chain, unsigned reached, gnutls_x509_crt_t issuer)
{
    for (unsigned i = 0; i < reached; i++) {
        if (gnutls_x509_crt_equals(chain->items[i], issuer) ||
            (gnutls_x509_crt_check_issuer(chain->items[i], issuer) &&
             is_signed_by(chain->items[i], issuer))) {
            return true;
        }
    }
    return false;
}

/* Brings those that are reached from the leaf to the front; returns how many they are. */
static unsigned reach(struct chain *chain)
{
    unsigned reached = 1;

    for (unsigned i = reached; i < chain->length; i++) {
        gnutls_x509_crt_t found = chain->items[i];

        if (belongs(chain, reached, found)) {
            memmove(&chain->items[reached + 1], &chain->items[reached],
                    (i - reached) * sizeof(found));
            chain->items[reached++] = found;
            i = reached - 1;
        }
    }
    return reached;
}

static bool is_expired_root(gnutls_x509_crt_t certificate)
{
    return gnutls_x509_crt_check_issuer(certificate, certificate) &&
           gnutls_x509_crt_get_expiration_time(certificate) <= time(NULL);
}

/* `first` is the one that is taken for the leaf. */
static bool refuse_stranger(gnutls_x509_crt_t stranger, gnutls_x509_crt_t first, const char *path,
                            struct problem *problem)
{
    gnutls_datum_t subject = {0}, issuer = {0};

    if (gnutls_x509_crt_get_dn3(stranger, &subject, 0) < 0 ||
        gnutls_x509_crt_get_issuer_dn3(stranger, &issuer, 0) < 0) {
        problem_set(problem, "%s: a certificate in it does not belong to the chain", path);
    } else if (gnutls_x509_crt_check_issuer(stranger, first)) {
        problem_set(problem,
                    "%s: begins with the intermediate \"%s\": put the certificate of \"%s\" first, "
                    "then each one that signed the one before",
                    path, problem_excerpt((char *)issuer.data).text,
                    problem_excerpt((char *)subject.data).text);
    } else {
        problem_set(problem,
                    "%s: the certificate of \"%s\" from \"%s\" in it does not belong to the chain "
                    "of the first: put the certificate first, then each one that signed the one "
                    "before, and nothing else",
                    path, problem_excerpt((char *)subject.data).text,
                    problem_excerpt((char *)issuer.data).text);
    }
    gnutls_free(subject.data);
    gnutls_free(issuer.data);
    return false;
}

/* Drops duplicates, which belong to the chain but are not to be sent twice. */
static void drop_duplicates(struct chain *chain)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < chain->length; i++) {
        bool duplicate = false;

        for (unsigned k = 0; k < kept; k++) {
            duplicate = duplicate || gnutls_x509_crt_equals(chain->items[k], chain->items[i]);
        }
        if (duplicate) {
            gnutls_x509_crt_deinit(chain->items[i]);
        } else {
            chain->items[kept++] = chain->items[i];
        }
    }
    chain->length = kept;
}

static bool check_chain(struct chain *chain, const char *path, struct problem *problem)
{
    unsigned reached;

    drop_duplicates(chain);
    reached = reach(chain);
    while (chain->length > reached) {
        gnutls_x509_crt_t last = chain->items[chain->length - 1];

        if (!is_expired_root(last)) {
            return refuse_stranger(last, chain->items[0], path, problem);
        }
        gnutls_x509_crt_deinit(last);
        chain->length--;
    }
    return true;
}

bool chain_parse(struct chain *chain, const char *path, const gnutls_datum_t *content,
                 struct problem *problem)
{
    *chain = (struct chain){0};
    if (!read_certificates(chain, path, content, problem) || !check_chain(chain, path, problem)) {
        chain_clear(chain);
        return false;
    }
    return true;
}
