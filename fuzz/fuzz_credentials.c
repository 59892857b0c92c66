/* Certificate and key files. The first byte is P: PEM follows, the certificate and, after a NUL,
   the key (without a NUL one file is both), or D: DER, put into PEM here so that mutations get
   through base64, the certificate's length in two bytes before it, the key after it. */
#include "fuzz.h"

#include <gnutls/gnutls.h>

#include "daemon/tls/advice.h"
#include "daemon/tls/credentials.h"

static struct fuzz_file certificate_file, key_file;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    certificate_file = fuzz_file_new();
    key_file = fuzz_file_new();
    return 0;
}

static void count_advice(void *context, const char *code, const char *message)
{
    unsigned *count = context;

    MUST(*code != '\0' && strlen(message) > strlen(certificate_file.path));
    (*count)++;
}

static void load(void)
{
    unsigned advice = 0;
    struct credentials_source source;
    struct problem problem;
    struct credentials *credentials =
        credentials_load(certificate_file.path, key_file.path, &source, &problem);
    char names[128];

    if (credentials) {
        MUST(credentials->chain_length > 0 && credentials->key);
        credentials_are_for(credentials, "example.com");
        credentials_are_for(credentials, "192.0.2.1");
        credentials_names(credentials, names, sizeof(names));
        MUST(strlen(names) < sizeof(names));
        MUST(credentials->chain_length <= CHAIN_LENGTH_LIMIT);
        advice_about(credentials, certificate_file.path, count_advice, &advice);
        advice_about_renewal(credentials, credentials, certificate_file.path, count_advice,
                             &advice);
        credentials_release(credentials_reference(credentials));
    } else {
        fuzz_check_problem(&problem);
    }
    credentials_release(credentials);
}

static void fill_pem(const struct fuzz_file *file, const char *label, const uint8_t *data,
                     size_t size)
{
    gnutls_datum_t der = {.data = (unsigned char *)(uintptr_t)data, .size = (unsigned)size};
    gnutls_datum_t pem = {0};

    if (gnutls_pem_base64_encode2(label, &der, &pem) == 0) {
        fuzz_file_fill(file, pem.data, pem.size);
        gnutls_free(pem.data);
    }
}

static void load_pem(const uint8_t *data, size_t size)
{
    const uint8_t *nul = memchr(data, '\0', size);
    size_t length = nul ? (size_t)(nul - data) : size;

    fuzz_file_fill(&certificate_file, data, length);
    if (nul) {
        fuzz_file_fill(&key_file, nul + 1, size - length - 1);
    } else {
        fuzz_file_fill(&key_file, data, size);
    }
    load();
}

static void load_der(const uint8_t *data, size_t size)
{
    size_t length = size >= 2 ? (size_t)(data[0] << 8 | data[1]) : 0;

    if (size < 2 || length > size - 2) {
        return;
    }
    fill_pem(&certificate_file, "CERTIFICATE", data + 2, length);
    fill_pem(&key_file, "PRIVATE KEY", data + 2 + length, size - 2 - length);
    load();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 && data[0] == 'P') {
        load_pem(data + 1, size - 1);
    } else if (size > 1 && data[0] == 'D') {
        load_der(data + 1, size - 1);
    }
    return 0;
}
