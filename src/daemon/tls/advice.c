#include "daemon/tls/advice.h"

#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/tls/trust.h"

enum {
    NAMES_COMPARED = 20 /* of a renewed certificate: each takes a parsing */
};

struct adviser {
    const struct credentials *credentials;
    const char *path;
    advice_visit *visit;
    void *context;
    unsigned names;
};

__attribute__((format(printf, 3, 4))) static void advise(const struct adviser *adviser,
                                                         const char *code, const char *format, ...)
{
    struct problem problem;
    char text[sizeof(problem.text)];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    problem_set(&problem, "%s: %s", adviser->path, text);
    adviser->visit(adviser->context, code, problem.text);
}

static void count_name(void *context, const char *name)
{
    struct adviser *adviser = context;

    (void)name;
    adviser->names++;
}

static bool is_self_issued(const struct credentials *credentials)
{
    gnutls_x509_crt_t leaf = NULL;
    bool self_issued;

    if (gnutls_pcert_export_x509(&credentials->chain[0], &leaf) != 0) {
        return true;
    }
    self_issued = gnutls_x509_crt_check_issuer(leaf, leaf);
    gnutls_x509_crt_deinit(leaf);
    return self_issued;
}

/* A single file that is mounted into a container: the mount holds on to the file that it was, so
   that what a renewal renames into its place outside is not seen inside. */
static bool is_mount_point(const char *path)
{
    struct statx status;

    return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &status) == 0 &&
           status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT &&
           status.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

void advice_about(const struct credentials *credentials, const char *path, advice_visit *visit,
                  void *context)
{
    struct adviser adviser = {credentials, path, visit, context, 0};
    unsigned bits = 0;

    if (credentials->chain_length == 1 && !is_self_issued(credentials)) {
        advise(&adviser, "certificate_without_intermediate",
               "has no intermediate certificate after the first, and other servers refuse that: "
               "name fullchain.pem in place of cert.pem, or append the intermediate");
    }
    if (is_mount_point(path)) {
        advise(&adviser, "certificate_is_mount_point",
               "is mounted by itself, and a new file that is renamed into its place outside is "
               "not seen here: mount its folder instead");
    }
    credentials_visit_names(credentials, count_name, &adviser);
    if (adviser.names == 0) {
        advise(&adviser, "certificate_without_names",
               "has no subject alternative name, and other servers look at nothing else: get one "
               "with the domain in it");
    }
    if (gnutls_privkey_get_pk_algorithm(credentials->key, &bits) == GNUTLS_PK_RSA) {
        advise(&adviser, "rsa_key",
               "is for an RSA key of %u bits, with which a handshake takes several times the CPU "
               "time: have the ACME client make an ECDSA key, on P-256",
               bits);
    }
}

static void check_name(void *context, const char *name)
{
    struct adviser *adviser = context;

    if (adviser->names++ < NAMES_COMPARED && !credentials_are_for(adviser->credentials, name)) {
        advise(adviser, "certificate_other_name",
               "the new certificate is not for \"%s\", which the old one was for: other servers "
               "will refuse it there",
               problem_excerpt(name).text);
    }
}

/* The name of the CA that a chain leads to but does not hold, as DER, to be freed by GnuTLS. */
static gnutls_datum_t anchor_of(const struct credentials *credentials)
{
    gnutls_x509_crt_t last = NULL;
    gnutls_datum_t name = {0};

    if (gnutls_pcert_export_x509(&credentials->chain[credentials->chain_length - 1], &last) == 0) {
        gnutls_x509_crt_get_raw_issuer_dn(last, &name);
        gnutls_x509_crt_deinit(last);
    }
    return name;
}

/* Most renewals lead to the same CA, and need no verification. */
static bool leads_elsewhere(const struct credentials *credentials, const struct credentials *old)
{
    gnutls_datum_t names[] = {anchor_of(credentials), anchor_of(old)};
    bool same = names[0].size == names[1].size && names[0].size > 0 &&
                memcmp(names[0].data, names[1].data, names[0].size) == 0;

    gnutls_free(names[0].data);
    gnutls_free(names[1].data);
    return !same;
}

void advice_about_renewal(const struct credentials *credentials, const struct credentials *old,
                          const char *path, advice_visit *visit, void *context)
{
    struct adviser adviser = {credentials, path, visit, context, 0};

    credentials_visit_names(old, check_name, &adviser);
    if (leads_elsewhere(credentials, old) && trust_verify(old) && !trust_verify(credentials)) {
        advise(&adviser, "certificate_no_longer_trusted",
               "the new certificate does not lead to a CA that this system trusts, as the old one "
               "did: other servers will probably refuse it: see what has issued it");
    }
}
