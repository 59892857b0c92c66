#include "daemon/tls/renewal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/tls/watch.h"

enum {
    /* All in milliseconds. */
    SETTLE_TIME = 100,  /* after a change to the files, before they are read: writers write twice */
    SETTLE_LIMIT = 500, /* the most that further changes can put it off */
    CHECK_INTERVAL = 200,  /* between checks of certificates that nobody has asked for yet */
    CHECK_BUDGET = 20,     /* for each */
    LOOK_INTERVAL = 60000, /* where inotify does not see changes; and for what is about to expire */
    SLICE = 50,            /* of reading changed files, before signals are handled again */
    REST_FACTOR = 3,       /* so much longer than a slice took is the rest after it */
};

#define NEVER UINT64_MAX

struct renewal {
    void (*grace)(void *context);
    void *context;
    struct certificate_set *set;
    struct watch *watch; /* NULL: none */
    size_t looked_at;    /* of the set, in the look by the clock that is under way */
    uint64_t settle_at;  /* when changed files are read; NEVER: nothing has changed */
    uint64_t settle_limit;
    uint64_t look_at;
    uint64_t check_at;   /* NEVER: every certificate has been checked */
    uint64_t rest_until; /* no file is read before */
    uint64_t read_at;    /* nor what the watch has seen, before */
};

struct renewal *renewal_new(void (*grace)(void *context), void *context)
{
    struct renewal *renewal = calloc(1, sizeof(*renewal));

    if (!renewal) {
        return NULL;
    }
    renewal->grace = grace;
    renewal->context = context;
    renewal->watch = watch_new();
    if (!renewal->watch) {
        log_warning("inotify is not available (%s): certificates are looked at once a minute",
                    strerror(errno));
    }
    return renewal;
}

void renewal_free(struct renewal *renewal)
{
    if (renewal) {
        watch_free(renewal->watch);
        free(renewal);
    }
}

void renewal_follow(struct renewal *renewal, struct certificate_set *set)
{
    uint64_t now = monotonic_milliseconds();

    renewal->set = set;
    if (renewal->watch) {
        watch_set(renewal->watch, set);
    }
    renewal->looked_at = set->count;
    renewal->settle_at = NEVER;
    renewal->check_at = now + CHECK_INTERVAL;
    renewal->look_at = now + LOOK_INTERVAL;
}

void renewal_look(struct renewal *renewal)
{
    renewal->looked_at = 0;
}

/* Releases a list of credentials (or NULL) after a grace period. */
static void release(struct renewal *renewal, struct credentials *retired)
{
    if (retired) {
        renewal->grace(renewal->context);
    }
    while (retired) {
        struct credentials *next = retired->next_retired;

        credentials_release(retired);
        retired = next;
    }
}

/* Whether files are to be read as soon as there is time. */
static bool has_work(const struct renewal *renewal)
{
    return renewal->looked_at < renewal->set->count ||
           (renewal->watch && renewal->settle_at == NEVER && watch_pending(renewal->watch));
}

/* The next certificate to look at, or NULL. What the watch has seen comes first. */
static struct certificate *next_certificate(struct renewal *renewal, bool *by_clock)
{
    struct certificate *certificate = NULL;

    *by_clock = false;
    if (renewal->watch && renewal->settle_at == NEVER) {
        certificate = watch_next(renewal->watch);
    }
    if (!certificate && renewal->looked_at < renewal->set->count) {
        *by_clock = true;
        certificate = renewal->set->items[renewal->looked_at++];
    }
    return certificate;
}

static void work(struct renewal *renewal)
{
    uint64_t start = monotonic_milliseconds(), now = start;
    struct credentials *retired = NULL;
    struct certificate *certificate;
    bool by_clock;

    while (now < start + SLICE && (certificate = next_certificate(renewal, &by_clock))) {
        struct credentials *old = certificate_refresh(certificate, by_clock);

        if (old) {
            old->next_retired = retired;
            retired = old;
        }
        now = monotonic_milliseconds();
    }
    release(renewal, retired);
    now = monotonic_milliseconds();
    renewal->rest_until = now + REST_FACTOR * (now - start);
}

/* Changes that follow one another put the reading off, up to a limit. Whatever happens in the
   directories, related or not, is read at most once in SETTLE_TIME. */
static void note_changes(struct renewal *renewal, uint64_t now)
{
    renewal->read_at = now + SETTLE_TIME;
    if (!watch_read(renewal->watch)) {
        return;
    }
    if (renewal->settle_at == NEVER) {
        renewal->settle_limit = now + SETTLE_LIMIT;
    }
    renewal->settle_at = now + SETTLE_TIME;
    if (renewal->settle_at > renewal->settle_limit) {
        renewal->settle_at = renewal->settle_limit;
    }
}

int renewal_descriptor(const struct renewal *renewal)
{
    uint64_t now = monotonic_milliseconds();
    bool resting = now < renewal->rest_until || now < renewal->read_at;

    return renewal->watch && !resting ? watch_descriptor(renewal->watch) : -1;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t renewal_due(const struct renewal *renewal)
{
    uint64_t now = monotonic_milliseconds();
    uint64_t due = earlier(earlier(renewal->look_at, renewal->check_at), renewal->settle_at);

    /* When the descriptor is to be polled again. */
    if (renewal->read_at > now) {
        due = earlier(due, renewal->read_at);
    }
    return has_work(renewal) || renewal->rest_until > now ? earlier(due, renewal->rest_until) : due;
}

void renewal_run(struct renewal *renewal, bool readable)
{
    uint64_t now = monotonic_milliseconds();

    if (readable || (renewal->watch && now >= renewal->settle_at)) {
        note_changes(renewal, now);
    }
    if (now >= renewal->settle_at) {
        renewal->settle_at = NEVER;
    }
    if (has_work(renewal) && now >= renewal->rest_until) {
        work(renewal);
    }
    if (now >= renewal->check_at) {
        renewal->check_at = certificate_set_check(renewal->set, CHECK_BUDGET)
                                ? monotonic_milliseconds() + CHECK_INTERVAL
                                : NEVER;
    }
    if (now >= renewal->look_at) {
        renewal->look_at = now + LOOK_INTERVAL;
        renewal->looked_at = 0;
        release(renewal, certificate_set_trim(renewal->set, time(NULL)));
        certificate_set_warn(renewal->set, time(NULL));
    }
}
