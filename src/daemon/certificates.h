/* The certificates of the configuration: which files, what is loaded from them, and renewal. */
#ifndef DAEMON_CERTIFICATES_H
#define DAEMON_CERTIFICATES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/credentials.h"
#include "daemon/string_map.h"
#include "matrix/problem.h"

/* One pair of files. Shared by all domains that name it and by successive tables. The main thread
   owns it; workers only read `current`, and take a reference before their round ends. */
struct certificate {
    _Atomic(struct credentials *) current; /* NULL: nothing usable has been loaded yet */
    unsigned references;                   /* by certificate sets; main thread only */
    char *id;                              /* what makes it the same pair: both paths */
    char *certificate_path;                /* NULL where self-signed, in memory */
    char *key_path;
    struct credentials_source source; /* the files at the last attempt, good or bad */
    time_t last_expiry_warning;
    bool pending; /* the watch has seen a change; see watch.h */
};

/* The certificates of one configuration. */
struct certificate_set {
    struct certificate **items;
    size_t count;
    size_t capacity;
    struct string_map by_id;
};

enum certificate_refresh {
    CERTIFICATE_UNCHANGED,
    CERTIFICATE_RENEWED,
    CERTIFICATE_REFUSED,
};

/* The pair of these files in `set`: already there, shared with `previous` (or NULL), or loaded now.
   A pair that cannot be used is logged as an error and has `current` NULL, an expired one is logged
   and used. NULL only where memory ran out. */
struct certificate *certificate_set_add(struct certificate_set *set,
                                        const struct certificate_set *previous,
                                        const char *certificate_path, const char *key_path);

/* The same for a throwaway certificate for `names`. */
struct certificate *certificate_set_add_self_signed(struct certificate_set *set,
                                                    const struct certificate_set *previous,
                                                    const char *const *names, size_t count);

/* Drops the set's references. No worker may still see certificates that only this set holds. */
void certificate_set_clear(struct certificate_set *set);

/* Looks whether the files have changed since the last attempt, and if so loads them. A new pair is
   taken only where it belongs together and has not expired; `*retired` is then the old one (or
   NULL), to be released after a grace period. Otherwise the old goes on, and the log says which
   file, why, and until when the old one is good. */
enum certificate_refresh certificate_refresh(struct certificate *certificate,
                                             struct credentials **retired);

/* Logs, at most once a day for each, what expires within 14 days or has expired. */
void certificate_set_warn(struct certificate_set *set, time_t now);

enum {
    CERTIFICATE_DATE_SIZE = 32
};

/* A time as "2026-11-22 14:00 UTC". Returns `text`. */
const char *certificate_date(time_t time, char text[static CERTIFICATE_DATE_SIZE]);

#endif
