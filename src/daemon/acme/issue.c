#include "daemon/acme/issue.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/acme/challenge.h"
#include "daemon/acme/names.h"

enum {
    HOUR = 60 * 60,      /* seconds */
    VALIDITY = 7 * 86400 /* seconds; a challenge takes less than a minute */
};

/* A certificate with its key as PEM. */
struct pair {
    gnutls_datum_t certificate;
    gnutls_datum_t key;
};

static void pair_clear(struct pair *pair)
{
    if (pair->key.data) {
        gnutls_memset(pair->key.data, 0, pair->key.size);
    }
    gnutls_free(pair->key.data);
    gnutls_free(pair->certificate.data);
    *pair = (struct pair){0};
}

/* RFC 8737, section 3: one name, and the digest of the key authorization as an OCTET STRING in a
   critical extension. Returns GnuTLS's status. */
static int describe_challenge(gnutls_x509_crt_t certificate, const char *name,
                              const unsigned char digest[static ACME_DIGEST_SIZE])
{
    static const char subject[] = "ACME challenge";
    unsigned char identifier[2 + ACME_DIGEST_SIZE] = {4, ACME_DIGEST_SIZE};
    unsigned char serial[8] = {1};
    time_t now = time(NULL);
    int status;

    memcpy(identifier + 2, digest, ACME_DIGEST_SIZE);
    if ((status = gnutls_rnd(GNUTLS_RND_NONCE, serial + 1, sizeof(serial) - 1)) < 0 ||
        (status = gnutls_x509_crt_set_version(certificate, 3)) < 0 ||
        (status = gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial))) < 0 ||
        /* Clocks differ. */
        (status = gnutls_x509_crt_set_activation_time(certificate, now - HOUR)) < 0 ||
        (status = gnutls_x509_crt_set_expiration_time(certificate, now + VALIDITY)) < 0 ||
        (status = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                                subject, sizeof(subject) - 1)) < 0 ||
        (status = gnutls_x509_crt_set_subject_alt_name(
             certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_SET)) < 0) {
        return status;
    }
    return gnutls_x509_crt_set_extension_by_oid(certificate, ACME_IDENTIFIER_OID, identifier,
                                                sizeof(identifier), 1);
}

static bool make_pair(struct pair *pair, const char *name,
                      const unsigned char digest[static ACME_DIGEST_SIZE], struct problem *problem)
{
    gnutls_x509_crt_t certificate = NULL;
    gnutls_x509_privkey_t key = NULL;
    int status;

    if ((status = gnutls_x509_privkey_init(&key)) < 0 ||
        (status = gnutls_x509_privkey_generate(
             key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)) < 0 ||
        (status = gnutls_x509_crt_init(&certificate)) < 0 ||
        (status = describe_challenge(certificate, name, digest)) < 0 ||
        (status = gnutls_x509_crt_set_key(certificate, key)) < 0 ||
        (status = gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0)) < 0 ||
        (status = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pair->certificate)) <
            0) {
        goto out;
    }
    status = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pair->key);
out:
    if (certificate) {
        gnutls_x509_crt_deinit(certificate);
    }
    if (key) {
        gnutls_x509_privkey_deinit(key);
    }
    return status >= 0 ||
           problem_set(problem, "cannot make a challenge certificate: %s", gnutls_strerror(status));
}

/* A file on its way: whole under a name that nobody looks for, then renamed. */
struct draft {
    char *path; /* NULL: none */
    char *final;
};

static void draft_discard(struct draft *draft)
{
    if (draft->path) {
        unlink(draft->path);
    }
    free(draft->path);
    free(draft->final);
    *draft = (struct draft){0};
}

static bool write_all(int file, const gnutls_datum_t *content)
{
    size_t written = 0;

    while (written < content->size) {
        ssize_t count = write(file, content->data + written, content->size - written);

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        written += (size_t)count;
    }
    return true;
}

/* Gives a file to the directory's group where that may read the directory: a daemon that runs as
   another user than the ACME client is in it, or may read every file. */
static bool share(int file, const struct stat *directory)
{
    mode_t mode = S_IRUSR | S_IWUSR;

    if (directory->st_mode & S_IRGRP && fchown(file, (uid_t)-1, directory->st_gid) == 0) {
        mode |= S_IRGRP;
    }
    return fchmod(file, mode) == 0;
}

static bool draft_write(struct draft *draft, const char *directory, const char *name,
                        const char *ending, const gnutls_datum_t *content, struct problem *problem)
{
    struct stat status;
    char *path;
    bool good;
    int file;

    if (stat(directory, &status) != 0) {
        return problem_set(problem,
                           "%s: %s: make this directory, and let the daemon's user read it",
                           directory, strerror(errno));
    }
    if (asprintf(&draft->final, "%s/%s%s", directory, name, ending) < 0) {
        draft->final = NULL;
        return problem_out_of_memory(problem);
    }
    if (asprintf(&path, "%s/.acme-challenge-XXXXXX", directory) < 0) {
        return problem_out_of_memory(problem);
    }
    file = mkostemp(path, O_CLOEXEC);
    if (file < 0) {
        problem_set(problem, "%s: cannot write into it: %s", directory, strerror(errno));
        free(path);
        return false;
    }
    draft->path = path;
    /* Without fsync(2) some file systems tell of a full disk too late. */
    good = write_all(file, content) && share(file, &status) && fsync(file) == 0;
    if (!good) {
        problem_set(problem, "%s: cannot write it: %s", draft->final, strerror(errno));
    }
    close(file);
    return good;
}

static bool draft_publish(struct draft *draft, struct problem *problem)
{
    if (rename(draft->path, draft->final) != 0) {
        return problem_set(problem, "%s: cannot write it: %s", draft->final, strerror(errno));
    }
    free(draft->path);
    draft->path = NULL;
    return true;
}

/* Gives the file at `path` a second name, in `backup`, by which it outlives a rename over the
   first; where the file system has no links, a new name. `*backup` is NULL where there is no such
   file. */
static bool set_aside(const char *path, char **backup, struct problem *problem)
{
    int error;

    if (asprintf(backup, "%s.old", path) < 0) {
        *backup = NULL;
        return problem_out_of_memory(problem);
    }
    /* Left by one that was killed. */
    unlink(*backup);
    /* asprintf(3) has set it. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    if (link(path, *backup) == 0 || rename(path, *backup) == 0) {
        return true;
    }
    error = errno;
    free(*backup);
    *backup = NULL;
    return error == ENOENT ||
           problem_set(problem, "%s: cannot be replaced: %s", path, strerror(error));
}

/* Puts the old key back, or takes the new one away where there was none: a certificate without its
   key would be refused. */
static void restore(const char *path, const char *backup, struct problem *problem)
{
    /* `path` is never NULL. */
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    if (backup ? rename(backup, path) != 0 : unlink(path) != 0) {
        problem_prefix(problem,
                       "%s: does not belong to the certificate now (%s): run this again: ", path,
                       strerror(errno));
    }
}

/* Publishes both, or leaves what was there. Between the two renames the daemon finds a pair that
   does not match, and refuses it. */
static bool publish_pair(struct draft *key, struct draft *certificate, struct problem *problem)
{
    char *backup;
    bool good = false;

    if (!set_aside(key->final, &backup, problem)) {
        return false;
    }
    if (draft_publish(key, problem)) {
        good = draft_publish(certificate, problem);
        if (!good) {
            restore(key->final, backup, problem);
        }
    } else if (backup) {
        restore(key->final, backup, problem);
    }
    if (backup) {
        unlink(backup); /* where it is still there */
    }
    free(backup);
    return good;
}

bool acme_certificate_write(const char *directory, const char *name, const char *key_authorization,
                            struct problem *problem)
{
    unsigned char digest[ACME_DIGEST_SIZE];
    char filed[ACME_NAME_SIZE];
    struct draft certificate = {0}, key = {0};
    struct pair pair = {0};
    bool good;

    if (!acme_name_normalize(name, filed)) {
        return problem_set(problem,
                           "\"%s\" is no host name: give the name that the certificate is for, "
                           "of letters, digits, hyphens and dots",
                           problem_excerpt(name).text);
    }
    good = acme_key_authorization_digest(key_authorization, digest, problem) &&
           make_pair(&pair, filed, digest, problem) &&
           draft_write(&key, directory, filed, ".key.pem", &pair.key, problem) &&
           draft_write(&certificate, directory, filed, ".crt.pem", &pair.certificate, problem) &&
           publish_pair(&key, &certificate, problem);
    draft_discard(&certificate);
    draft_discard(&key);
    pair_clear(&pair);
    return good;
}
