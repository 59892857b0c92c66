#include "daemon/tls/certificate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/tls/advice.h"
#include "daemon/tls/self_signed.h"

enum {
    DAY = 24 * 60 * 60,          /* seconds */
    EXPIRY_WARNING = 14 * DAY,   /* seconds before the end, at most */
    EXPIRY_WARNING_FRACTION = 6, /* of a shorter lifetime */
};

const char *certificate_date(time_t time, char text[static CERTIFICATE_DATE_SIZE])
{
    struct tm utc;

    gmtime_r(&time, &utc);
    strftime(text, CERTIFICATE_DATE_SIZE, "%Y-%m-%d %H:%M UTC", &utc);
    return text;
}

/* --- What is kept --- */

/* How many are kept, in all sets. */
static atomic_size_t kept;

/* Keeps what was read, for the handshakes to come; takes the reference over. */
static void keep_credentials(struct certificate *certificate, struct credentials *credentials)
{
    struct credentials *none = NULL;

    atomic_fetch_add(&kept, 1);
    if (!atomic_compare_exchange_strong(&certificate->current, &none, credentials)) {
        /* Another thread was first. */
        atomic_fetch_sub(&kept, 1);
        credentials_release(credentials);
    }
}

/* Keeps this, or nothing (NULL), in place of what was kept, and returns that. */
static struct credentials *replace_kept(struct certificate *certificate,
                                        struct credentials *credentials)
{
    struct credentials *old;

    atomic_fetch_add(&kept, credentials ? 1 : 0);
    old = atomic_exchange(&certificate->current, credentials);
    atomic_fetch_sub(&kept, old ? 1 : 0);
    return old;
}

struct credentials *certificate_forget(struct certificate *certificate)
{
    return certificate->certificate_path ? replace_kept(certificate, NULL) : NULL;
}

/* --- Reading --- */

static void note_usable(struct certificate *certificate, const struct credentials *credentials)
{
    time_t lifetime = credentials->expiration - credentials->activation;
    time_t warning = lifetime / EXPIRY_WARNING_FRACTION;

    warning = warning < EXPIRY_WARNING ? warning : EXPIRY_WARNING;
    atomic_store(&certificate->warn_from, credentials->expiration - warning);
    atomic_store(&certificate->expiration, credentials->expiration);
    atomic_store(&certificate->state, CERTIFICATE_USABLE);
}

/* Reads the files. Returns a reference, or NULL and a problem, which is logged. */
static struct credentials *read_files(struct certificate *certificate,
                                      struct credentials_source *source, struct problem *problem)
{
    struct credentials *credentials =
        credentials_load(certificate->certificate_path, certificate->key_path, source, problem);

    if (credentials) {
        note_usable(certificate, credentials);
    } else {
        log_error("%s", problem->text);
        atomic_store(&certificate->state, CERTIFICATE_UNUSABLE);
    }
    return credentials;
}

/* Logs where what the main thread has read is out of its time. */
static void log_validity(struct certificate *certificate, const struct credentials *credentials)
{
    char date[CERTIFICATE_DATE_SIZE];
    time_t now = time(NULL);

    if (credentials->expiration <= now) {
        log_error("%s: expired on %s: other servers and browsers refuse it until it is renewed",
                  certificate->certificate_path, certificate_date(credentials->expiration, date));
        certificate->last_expiry_warning = now;
    } else if (credentials->activation > now) {
        log_warning("%s: is not valid before %s: is this machine's clock right?",
                    certificate->certificate_path, certificate_date(credentials->activation, date));
    }
}

static void log_advice(void *context, const char *code, const char *message)
{
    (void)context;
    (void)code;
    log_warning("%s", message);
}

bool certificate_usable(const struct certificate *certificate)
{
    return atomic_load(&certificate->state) != CERTIFICATE_UNUSABLE;
}

bool certificate_load(struct certificate *certificate, bool keep)
{
    /* What has been looked at before is not forgotten: a change since then is seen. */
    struct credentials_source source;
    struct problem problem;
    struct credentials *credentials =
        read_files(certificate, keep ? &certificate->source : &source, &problem);

    certificate->checked = true;
    if (!credentials) {
        free(certificate->refusal);
        certificate->refusal = strdup(problem.text);
        return false;
    }
    log_validity(certificate, credentials);
    advice_about(credentials, certificate->certificate_path, log_advice, NULL);
    if (keep) {
        keep_credentials(certificate, credentials);
    } else {
        credentials_release(credentials);
    }
    return true;
}

struct credentials *certificate_use(struct certificate *certificate)
{
    struct credentials *credentials = atomic_load(&certificate->current);
    struct credentials_source source;
    struct problem problem;

    atomic_store_explicit(&certificate->last_used, time(NULL), memory_order_relaxed);
    if (credentials) {
        return credentials_reference(credentials);
    }
    if (!certificate_usable(certificate) || !certificate->certificate_path) {
        return NULL;
    }
    credentials = read_files(certificate, &source, &problem);
    if (credentials && atomic_load(&kept) < CERTIFICATES_KEPT) {
        keep_credentials(certificate, credentials_reference(credentials));
    }
    return credentials;
}

/* --- Making --- */

char *certificate_id(const char *certificate_path, const char *key_path)
{
    char *id;

    return asprintf(&id, "%s\n%s", certificate_path, key_path) < 0 ? NULL : id;
}

/* Looks at both files now; what is not there is all zero. */
static struct credentials_source look(const struct certificate *certificate)
{
    struct credentials_source source = {0};

    if (stat(certificate->certificate_path, &source.certificate) != 0) {
        source.certificate = (struct stat){0};
    }
    if (stat(certificate->key_path, &source.key) != 0) {
        source.key = (struct stat){0};
    }
    return source;
}

struct certificate *certificate_new(char *id, const char *certificate_path, const char *key_path)
{
    struct certificate *certificate = calloc(1, sizeof(*certificate));

    if (!certificate) {
        free(id);
        return NULL;
    }
    certificate->id = id;
    certificate->certificate_path = strdup(certificate_path);
    certificate->key_path = strdup(key_path);
    if (!certificate->certificate_path || !certificate->key_path) {
        certificate_free(certificate);
        return NULL;
    }
    certificate->source = look(certificate);
    return certificate;
}

struct certificate *certificate_new_self_signed(const char *const *names, size_t count)
{
    struct certificate *certificate = calloc(1, sizeof(*certificate));
    struct credentials *credentials;
    struct problem problem;

    if (!certificate) {
        return NULL;
    }
    certificate->id = strdup("");
    if (!certificate->id) {
        certificate_free(certificate);
        return NULL;
    }
    certificate->checked = true;
    credentials = self_signed_new(names, count, &problem);
    if (credentials) {
        note_usable(certificate, credentials);
        keep_credentials(certificate, credentials);
    } else {
        log_error("%s", problem.text);
        atomic_store(&certificate->state, CERTIFICATE_UNUSABLE);
    }
    return certificate;
}

void certificate_free(struct certificate *certificate)
{
    credentials_release(replace_kept(certificate, NULL));
    free(certificate->id);
    free(certificate->certificate_path);
    free(certificate->key_path);
    free(certificate->refusal);
    free(certificate);
}

/* --- Renewal --- */

/* Whether it is the same file with the same content, as far as its inode can tell. */
static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Says why files are not taken, once for each state of the files and each reason. */
static void note_refusal(struct certificate *certificate, bool changed,
                         const struct problem *problem)
{
    const struct credentials *old = atomic_load(&certificate->current);
    char date[CERTIFICATE_DATE_SIZE];

    certificate->refused = true;
    if (!old) {
        atomic_store(&certificate->state, CERTIFICATE_UNUSABLE);
    }
    if (!changed && certificate->refusal && strcmp(certificate->refusal, problem->text) == 0) {
        return;
    }
    free(certificate->refusal);
    certificate->refusal = strdup(problem->text);
    if (!old) {
        log_error("%s; it is tried again when the files change, and once a minute", problem->text);
    } else {
        log_error("%s; the certificate in use goes on, good until %s, and the files are tried "
                  "again when they change, and once a minute",
                  problem->text, certificate_date(old->expiration, date));
    }
}

/* Reads files that have changed. What has expired is not taken. */
static struct credentials *read_renewed(const struct certificate *certificate,
                                        struct problem *problem)
{
    struct credentials_source read;
    char date[CERTIFICATE_DATE_SIZE];
    struct credentials *credentials =
        credentials_load(certificate->certificate_path, certificate->key_path, &read, problem);

    if (credentials && credentials->expiration <= time(NULL)) {
        problem_set(problem, "%s: the new certificate expired on %s", certificate->certificate_path,
                    certificate_date(credentials->expiration, date));
        credentials_release(credentials);
        return NULL;
    }
    return credentials;
}

/* Counts a change; false where there have been too many since the last look by the clock. */
static bool may_follow(struct certificate *certificate)
{
    if (certificate->changes == CERTIFICATE_CHANGES_LIMIT) {
        log_warning("%s: the certificate or its key has changed %d times within a minute: until "
                    "that ends, it is looked at once a minute: see what writes it",
                    certificate->certificate_path, CERTIFICATE_CHANGES_LIMIT);
    }
    return ++certificate->changes <= CERTIFICATE_CHANGES_LIMIT;
}

/* Whether the files are to be read; notes their state then. */
static bool is_to_be_read(struct certificate *certificate, bool by_clock, bool *changed)
{
    struct credentials_source source = look(certificate);

    *changed = !same_file(&source.certificate, &certificate->source.certificate) ||
               !same_file(&source.key, &certificate->source.key);
    if (by_clock) {
        certificate->changes = 0;
    }
    /* What was refused may be good now: there was no memory or no descriptor then, permission has
       been given, or the clock was wrong. */
    if ((!*changed && !certificate->refused && certificate_usable(certificate)) ||
        (!by_clock && !may_follow(certificate))) {
        return false;
    }
    /* What was looked at counts as tried, not what was read a moment later: had the files changed
       in between, the next look sees it. */
    certificate->source = source;
    return true;
}

struct credentials *certificate_refresh(struct certificate *certificate, bool by_clock)
{
    struct credentials *credentials;
    struct credentials *old;
    struct problem problem;
    char date[CERTIFICATE_DATE_SIZE];
    bool changed;

    if (!certificate->certificate_path || !is_to_be_read(certificate, by_clock, &changed)) {
        return NULL;
    }
    certificate->checked = true;
    credentials = read_renewed(certificate, &problem);
    if (!credentials) {
        note_refusal(certificate, changed, &problem);
        return NULL;
    }
    note_usable(certificate, credentials);
    certificate->refused = false;
    certificate->last_expiry_warning = 0;
    old = replace_kept(certificate, credentials);
    log_info("%s: new certificate in use, good until %s", certificate->certificate_path,
             certificate_date(credentials->expiration, date));
    advice_about(credentials, certificate->certificate_path, log_advice, NULL);
    if (old) {
        advice_about_renewal(credentials, old, certificate->certificate_path, log_advice, NULL);
    }
    return old;
}

void certificate_warn(struct certificate *certificate, time_t now)
{
    time_t expiration = atomic_load(&certificate->expiration);
    char date[CERTIFICATE_DATE_SIZE];

    if (expiration == 0 || !certificate->certificate_path ||
        now < atomic_load(&certificate->warn_from) ||
        (certificate->last_expiry_warning <= now && now - certificate->last_expiry_warning < DAY)) {
        return;
    }
    certificate->last_expiry_warning = now;
    certificate_date(expiration, date);
    if (expiration <= now) {
        log_error("%s: expired on %s: other servers and browsers refuse it: renew it",
                  certificate->certificate_path, date);
    } else if (expiration - now < (time_t)2 * DAY) {
        log_warning("%s: expires in %jd hours, on %s: renew it", certificate->certificate_path,
                    (intmax_t)((expiration - now) / (DAY / 24)), date);
    } else {
        log_warning("%s: expires in %jd days, on %s: renew it", certificate->certificate_path,
                    (intmax_t)((expiration - now) / DAY), date);
    }
}
