#include "daemon/tls/trust.h"

#include <fcntl.h>
#include <gnutls/x509.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

enum {
    BUNDLE_LIMIT = 4 * 1024 * 1024, /* bytes; Mozilla's list has about 220 KB */
    PARSED_FACTOR = 20,             /* so many times as much it takes when it is parsed, or less */
};

static int bundle = -1;

void trust_open(void)
{
    static const char *const paths[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
        "/etc/ssl/ca-bundle.pem",             /* openSUSE */
    };

    for (size_t i = 0; bundle < 0 && i < ARRAY_SIZE(paths); i++) {
        bundle = open(paths[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    }
}

/* The whole bundle, to be freed with free(); empty where it cannot be read. */
static gnutls_datum_t read_bundle(void)
{
    gnutls_datum_t content = {0};
    struct stat status;
    void *volatile reserve;
    ssize_t size;

    if (bundle < 0 || fstat(bundle, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > BUNDLE_LIMIT || !(content.data = malloc((size_t)status.st_size + 1))) {
        return content;
    }
    /* Libraries beneath GnuTLS abort where memory runs out: see base/reserve.h. */
    reserve = malloc((size_t)status.st_size * PARSED_FACTOR);
    free(reserve);
    if (!reserve) {
        return content;
    }
    size = pread(bundle, content.data, (size_t)status.st_size, 0);
    content.size = size > 0 ? (unsigned)size : 0;
    return content;
}

static bool verify_with(gnutls_x509_trust_list_t list, const struct credentials *credentials)
{
    gnutls_x509_crt_t chain[CHAIN_LENGTH_LIMIT];
    unsigned length = 0, status = 1;

    while (length < credentials->chain_length &&
           gnutls_pcert_export_x509(&credentials->chain[length], &chain[length]) == 0) {
        length++;
    }
    if (length == credentials->chain_length) {
        gnutls_x509_trust_list_verify_crt2(list, chain, length, NULL, 0,
                                           GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status, NULL);
    }
    for (unsigned i = 0; i < length; i++) {
        gnutls_x509_crt_deinit(chain[i]);
    }
    return status == 0;
}

bool trust_verify(const struct credentials *credentials)
{
    gnutls_x509_trust_list_t list = NULL;
    gnutls_datum_t content = read_bundle();
    bool verified = false;

    if (content.size > 0 && gnutls_x509_trust_list_init(&list, 0) == 0) {
        verified = gnutls_x509_trust_list_add_trust_mem(list, &content, NULL, GNUTLS_X509_FMT_PEM,
                                                        0, 0) > 0 &&
                   verify_with(list, credentials);
        gnutls_x509_trust_list_deinit(list, 1);
        malloc_trim(0);
    }
    free(content.data);
    return verified;
}
