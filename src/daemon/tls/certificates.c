#include "daemon/tls/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/tls/self_signed.h"

enum {
    DAY = 24 * 60 * 60,       /* seconds */
    EXPIRY_WARNING = 14 * DAY /* seconds before the end */
};

const char *certificate_date(time_t time, char text[static CERTIFICATE_DATE_SIZE])
{
    struct tm utc;

    gmtime_r(&time, &utc);
    strftime(text, CERTIFICATE_DATE_SIZE, "%Y-%m-%d %H:%M UTC", &utc);
    return text;
}

/* How many are kept, in all sets. */
static atomic_size_t kept;

static void certificate_free(struct certificate *certificate)
{
    if (atomic_load(&certificate->current)) {
        atomic_fetch_sub(&kept, 1);
        credentials_release(atomic_load(&certificate->current));
    }
    free(certificate->id);
    free(certificate->certificate_path);
    free(certificate->key_path);
    free(certificate->refusal);
    free(certificate);
}

bool certificate_usable(const struct certificate *certificate)
{
    return atomic_load(&certificate->state) != CERTIFICATE_UNUSABLE;
}

/* Reads the files. Returns a reference, or NULL after an error in the log. */
static struct credentials *certificate_read(struct certificate *certificate,
                                            struct credentials_source *source)
{
    struct problem problem;
    struct credentials *credentials =
        credentials_load(certificate->certificate_path, certificate->key_path, source, &problem);

    if (credentials) {
        atomic_store(&certificate->expiration, credentials->expiration);
        atomic_store(&certificate->state, CERTIFICATE_USABLE);
    } else {
        log_error("%s", problem.text);
        atomic_store(&certificate->state, CERTIFICATE_UNUSABLE);
    }
    return credentials;
}

/* Says so where what the main thread has read is out of its time. */
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

/* Keeps what was read, for the handshakes to come; takes the reference over. */
static void certificate_keep(struct certificate *certificate, struct credentials *credentials)
{
    struct credentials *none = NULL;

    atomic_fetch_add(&kept, 1);
    if (!atomic_compare_exchange_strong(&certificate->current, &none, credentials)) {
        /* Another thread was first. */
        atomic_fetch_sub(&kept, 1);
        credentials_release(credentials);
    }
}

struct credentials *certificate_use(struct certificate *certificate)
{
    struct credentials *credentials = atomic_load(&certificate->current);
    struct credentials_source source;

    atomic_store_explicit(&certificate->last_used, time(NULL), memory_order_relaxed);
    if (credentials) {
        return credentials_reference(credentials);
    }
    if (!certificate_usable(certificate) || !certificate->certificate_path) {
        return NULL;
    }
    credentials = certificate_read(certificate, &source);
    if (credentials && atomic_load(&kept) < CERTIFICATES_KEPT) {
        certificate_keep(certificate, credentials_reference(credentials));
    }
    return credentials;
}

bool certificate_set_check(struct certificate_set *set, uint64_t budget)
{
    uint64_t end = monotonic_milliseconds() + budget;

    while (set->next_check < set->count) {
        struct certificate *certificate = set->items[set->next_check++];
        struct credentials_source source;
        struct credentials *credentials;

        if (certificate->checked) {
            continue;
        }
        certificate->checked = true;
        credentials = certificate_read(certificate, &source);
        if (credentials) {
            log_validity(certificate, credentials);
            credentials_release(credentials);
        }
        if (monotonic_milliseconds() >= end) {
            break;
        }
    }
    return set->next_check < set->count;
}

struct credentials *certificate_set_trim(struct certificate_set *set, time_t now)
{
    struct credentials *retired = NULL;

    for (size_t i = 0; set->count > CERTIFICATES_AT_ONCE && i < set->count; i++) {
        struct certificate *certificate = set->items[i];
        struct credentials *credentials = atomic_load(&certificate->current);

        if (credentials && certificate->certificate_path &&
            now - atomic_load(&certificate->last_used) > CERTIFICATE_IDLE) {
            atomic_fetch_sub(&kept, 1);
            atomic_store(&certificate->current, NULL);
            credentials->next_retired = retired;
            retired = credentials;
        }
    }
    return retired;
}

/* Whether it is the same file with the same content, as far as its inode can tell. */
static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Looks at both files now; what is not there is all zero. */
static void look(const struct certificate *certificate, struct credentials_source *source)
{
    *source = (struct credentials_source){0};
    if (stat(certificate->certificate_path, &source->certificate) != 0) {
        source->certificate = (struct stat){0};
    }
    if (stat(certificate->key_path, &source->key) != 0) {
        source->key = (struct stat){0};
    }
}

static struct certificate *certificate_new(char *id)
{
    struct certificate *certificate = calloc(1, sizeof(*certificate));

    if (certificate) {
        certificate->id = id;
    } else {
        free(id);
    }
    return certificate;
}

/* Puts a certificate into the set, or frees it where memory ran out and nobody else holds it. */
static struct certificate *set_insert(struct certificate_set *set, struct certificate *certificate)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? set->capacity * 2 : 4;
        struct certificate **items = realloc(set->items, capacity * sizeof(*items));

        if (!items) {
            goto failed;
        }
        set->items = items;
        set->capacity = capacity;
    }
    if (!map_set(&set->by_id, certificate->id, certificate)) {
        goto failed;
    }
    set->items[set->count++] = certificate;
    certificate->references++;
    return certificate;
failed:
    if (certificate->references == 0) {
        certificate_free(certificate);
    }
    return NULL;
}

static struct certificate *set_find(const struct certificate_set *set, const char *id)
{
    return set ? map_get(&set->by_id, id, strlen(id)) : NULL;
}

struct certificate *certificate_set_add(struct certificate_set *set,
                                        const struct certificate_set *previous,
                                        const char *certificate_path, const char *key_path)
{
    struct certificate *certificate;
    char *id;

    if (asprintf(&id, "%s\n%s", certificate_path, key_path) < 0) {
        return NULL;
    }
    certificate = map_get(&set->by_id, id, strlen(id));
    if (certificate) {
        free(id);
        return certificate;
    }
    certificate = set_find(previous, id);
    if (certificate) {
        free(id);
        return set_insert(set, certificate);
    }
    certificate = certificate_new(id);
    if (!certificate) {
        return NULL;
    }
    certificate->certificate_path = strdup(certificate_path);
    certificate->key_path = strdup(key_path);
    if (!certificate->certificate_path || !certificate->key_path) {
        certificate_free(certificate);
        return NULL;
    }
    if (set->read_all || set->read < CERTIFICATES_AT_ONCE) {
        struct credentials *credentials = certificate_read(certificate, &certificate->source);

        certificate->checked = true;
        if (credentials) {
            set->read++;
            log_validity(certificate, credentials);
            certificate_keep(certificate, credentials);
        }
    } else {
        look(certificate, &certificate->source);
    }
    return set_insert(set, certificate);
}

struct certificate *certificate_set_add_self_signed(struct certificate_set *set,
                                                    const struct certificate_set *previous,
                                                    const char *const *names, size_t count)
{
    struct certificate *certificate = set_find(previous, "");
    struct credentials *credentials;
    struct problem problem;
    char *id;

    if (certificate) {
        return set_insert(set, certificate);
    }
    id = strdup("");
    certificate = id ? certificate_new(id) : NULL;
    if (!certificate) {
        return NULL;
    }
    credentials = self_signed_new(names, count, &problem);
    if (!credentials) {
        log_error("%s", problem.text);
    }
    certificate->checked = true;
    if (credentials) {
        atomic_store(&certificate->expiration, credentials->expiration);
        atomic_store(&certificate->state, CERTIFICATE_USABLE);
        certificate_keep(certificate, credentials);
    } else {
        atomic_store(&certificate->state, CERTIFICATE_UNUSABLE);
    }
    return set_insert(set, certificate);
}

void certificate_set_clear(struct certificate_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (--set->items[i]->references == 0) {
            certificate_free(set->items[i]);
        }
    }
    free(set->items);
    map_clear(&set->by_id);
    *set = (struct certificate_set){0};
}

/* Says why files are not taken, once for each state of the files and each reason. */
static void note_refusal(struct certificate *certificate, bool changed,
                         const struct problem *problem)
{
    const struct credentials *old = atomic_load(&certificate->current);
    char date[CERTIFICATE_DATE_SIZE];

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

enum certificate_refresh certificate_refresh(struct certificate *certificate,
                                             struct credentials **retired)
{
    struct credentials_source source;
    struct credentials *credentials;
    struct problem problem;
    char date[CERTIFICATE_DATE_SIZE];
    bool changed;

    *retired = NULL;
    if (!certificate->certificate_path) {
        return CERTIFICATE_UNCHANGED;
    }
    look(certificate, &source);
    changed = !same_file(&source.certificate, &certificate->source.certificate) ||
              !same_file(&source.key, &certificate->source.key);
    /* What was refused may be good now: there was no memory or no descriptor then, permission has
       been given, or the clock was wrong. */
    if (!changed && !certificate->refused && certificate_usable(certificate)) {
        return CERTIFICATE_UNCHANGED;
    }
    /* What was looked at counts as tried, not what was read a moment later: had the files changed
       in between, the next look sees it. */
    certificate->source = source;
    certificate->checked = true;
    credentials = read_renewed(certificate, &problem);
    certificate->refused = !credentials;
    if (!credentials) {
        note_refusal(certificate, changed, &problem);
        if (!atomic_load(&certificate->current)) {
            atomic_store(&certificate->state, CERTIFICATE_UNUSABLE);
        }
        return CERTIFICATE_REFUSED;
    }
    log_info("%s: new certificate in use, good until %s", certificate->certificate_path,
             certificate_date(credentials->expiration, date));
    atomic_store(&certificate->expiration, credentials->expiration);
    atomic_store(&certificate->state, CERTIFICATE_USABLE);
    certificate->last_expiry_warning = 0;
    atomic_fetch_add(&kept, 1);
    *retired = atomic_exchange(&certificate->current, credentials);
    if (*retired) {
        atomic_fetch_sub(&kept, 1);
    }
    return CERTIFICATE_RENEWED;
}

void certificate_set_warn(struct certificate_set *set, time_t now)
{
    for (size_t i = 0; i < set->count; i++) {
        struct certificate *certificate = set->items[i];
        time_t expiration = atomic_load(&certificate->expiration);
        char date[CERTIFICATE_DATE_SIZE];

        if (expiration == 0 || !certificate->certificate_path ||
            expiration - now > EXPIRY_WARNING ||
            (certificate->last_expiry_warning <= now &&
             now - certificate->last_expiry_warning < DAY)) {
            continue;
        }
        certificate->last_expiry_warning = now;
        certificate_date(expiration, date);
        if (expiration <= now) {
            log_error("%s: expired on %s: other servers and browsers refuse it: renew it",
                      certificate->certificate_path, date);
        } else {
            log_warning("%s: expires in %jd days, on %s: renew it", certificate->certificate_path,
                        (intmax_t)((expiration - now) / DAY), date);
        }
    }
}
