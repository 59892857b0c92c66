#include "daemon/acme/challenge.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/acme/names.h"

enum {
    FILE_LIMIT = 16 * 1024, /* bytes; a chain is not wanted */
    OCTET_STRING = 4,       /* its tag in DER */
};

#define REMEDY "let the ACME client make it anew, or use matrix-wellknownd --acme-challenge"

/* The extension has to be critical and hold a digest (RFC 8737, section 3). */
static bool has_identifier(gnutls_x509_crt_t certificate)
{
    gnutls_datum_t value = {0};
    unsigned critical = 0;
    int status = gnutls_x509_crt_get_extension_by_oid2(certificate, ACME_IDENTIFIER_OID, 0, &value,
                                                       &critical);
    bool good = status == 0 && critical && value.size == 2 + ACME_DIGEST_SIZE &&
                value.data[0] == OCTET_STRING && value.data[1] == ACME_DIGEST_SIZE;

    gnutls_free(value.data);
    return good;
}

/* The one subject alternative name has to be this (RFC 8737, section 3). */
static bool is_for(gnutls_x509_crt_t certificate, const char *name)
{
    char found[ACME_NAME_SIZE];
    size_t size = sizeof(found) - 1;
    int type = gnutls_x509_crt_get_subject_alt_name(certificate, 0, found, &size, NULL);

    if (type != GNUTLS_SAN_DNSNAME) {
        return false;
    }
    found[size] = '\0';
    size = 0;
    return strlen(found) == strlen(name) && strcasecmp(found, name) == 0 &&
           gnutls_x509_crt_get_subject_alt_name(certificate, 1, NULL, &size, NULL) ==
               GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

bool acme_challenge_check(const struct credentials *credentials, const char *name, const char *path,
                          struct problem *problem)
{
    gnutls_x509_crt_t certificate = NULL;
    char names[512];
    bool good = false;

    if (gnutls_pcert_export_x509(&credentials->chain[0], &certificate) != 0) {
        problem_out_of_memory(problem);
        return problem_prefix(problem, "%s: ", path);
    }
    if (!has_identifier(certificate)) {
        problem_set(problem,
                    "%s: is no challenge certificate: it lacks the critical extension "
                    "acmeIdentifier (" ACME_IDENTIFIER_OID "): " REMEDY,
                    path);
    } else if (!is_for(certificate, name)) {
        problem_set(problem, "%s: is for \"%s\", not for %s alone: " REMEDY, path,
                    credentials_names(credentials, names, sizeof(names)), name);
    } else {
        good = true;
    }
    gnutls_x509_crt_deinit(certificate);
    return good;
}

static struct credentials *load(const char *directory, const char *name, const char *const files[2],
                                bool *missing, struct problem *problem)
{
    struct file_content certificate = {0}, key = {0};
    struct credentials *credentials = NULL;
    enum file_result result =
        file_read_beneath(directory, files[0], FILE_LIMIT, &certificate, problem);

    *missing = result == FILE_MISSING;
    if (result == FILE_GOOD &&
        file_read_beneath(directory, files[1], FILE_LIMIT, &key, problem) == FILE_GOOD) {
        credentials = credentials_parse(files[0], &certificate, files[1], &key, problem);
        if (!credentials) {
            problem_prefix(problem, "%s/", directory);
        }
    }
    file_wipe(&certificate);
    file_wipe(&key);
    if (credentials && !acme_challenge_check(credentials, name, files[0], problem)) {
        problem_prefix(problem, "%s/", directory);
        credentials_release(credentials);
        return NULL;
    }
    return credentials;
}

struct credentials *acme_challenge_load(const char *directory, const char *name)
{
    char filed[ACME_NAME_SIZE];
    char certificate[sizeof(filed) + sizeof(".crt.pem")], key[sizeof(certificate)];
    struct credentials *credentials;
    struct problem problem;
    bool missing = false;

    /* Anybody may ask for any name: a name that has no challenge costs one open(2) of a file that
       is not there, and no line in the log. */
    if (!acme_name_normalize(name, filed)) {
        return NULL;
    }
    snprintf(certificate, sizeof(certificate), "%s.crt.pem", filed);
    snprintf(key, sizeof(key), "%s.key.pem", filed);
    credentials =
        load(directory, filed, (const char *const[]){certificate, key}, &missing, &problem);
    if (!credentials && !missing) {
        log_error_seldom(problem.text);
    }
    return credentials;
}
