/* The certificates of the configuration: which files, what is loaded from them, and renewal. */
#ifndef DAEMON_TLS_CERTIFICATES_H
#define DAEMON_TLS_CERTIFICATES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/map.h"
#include "base/problem.h"
#include "daemon/tls/credentials.h"

enum {
    /* So many are read at the start. Of a larger set the others are read when they are first asked
       for, and kept while they are in use. */
    CERTIFICATES_AT_ONCE = 256,
    CERTIFICATES_KEPT = 16384,
    CERTIFICATE_IDLE = 3600, /* seconds without a handshake after which one need not be kept */
};

enum certificate_state {
    CERTIFICATE_UNREAD,
    CERTIFICATE_USABLE,   /* was read, and is kept or can be read again */
    CERTIFICATE_UNUSABLE, /* could not be read: not tried again by handshakes */
};

/* One pair of files. Shared by all domains that name it and by successive tables. The main thread
   owns it; workers call certificate_use() on it, and nothing else. */
struct certificate {
    _Atomic(struct credentials *) current; /* what is kept, or NULL */
    _Atomic enum certificate_state state;
    _Atomic time_t expiration; /* of what was read last; 0 before */
    _Atomic time_t last_used;
    unsigned references;    /* by certificate sets */
    char *id;               /* what makes it the same pair: both paths */
    char *certificate_path; /* NULL where self-signed, in memory */
    char *key_path;
    struct credentials_source source; /* the files at the last attempt, good or bad */
    time_t last_expiry_warning;
    bool refused;  /* they were not taken then; see certificate_refresh */
    char *refusal; /* what was last said about that, or NULL */
    bool checked;  /* the main thread has read it, or need not */
    bool pending;  /* the watch has seen a change; see watch.h */
};

/* The certificates of one configuration. */
struct certificate_set {
    struct certificate **items;
    size_t count;
    size_t capacity;
    struct map by_id;
    bool read_all; /* all are read at once, however many */
    size_t read;   /* so many usable ones have been */
    size_t next_check;
};

enum certificate_refresh {
    CERTIFICATE_UNCHANGED,
    CERTIFICATE_RENEWED,
    CERTIFICATE_REFUSED,
};

/* The pair of these files in `set`: already there, shared with `previous` (or NULL), read now, or,
   where many have been read already, left for later. A pair that cannot be used is logged as an
   error and has the state CERTIFICATE_UNUSABLE; an expired one is logged and used. NULL only where
   memory ran out. */
struct certificate *certificate_set_add(struct certificate_set *set,
                                        const struct certificate_set *previous,
                                        const char *certificate_path, const char *key_path);

/* The same for a throwaway certificate for `names`. */
struct certificate *certificate_set_add_self_signed(struct certificate_set *set,
                                                    const struct certificate_set *previous,
                                                    const char *const *names, size_t count);

/* For a handshake, from any thread: a reference to what is kept, or to what is read now. NULL where
   the pair cannot be used. */
struct credentials *certificate_use(struct certificate *certificate);

/* Whether handshakes can be expected to succeed with it. */
bool certificate_usable(const struct certificate *certificate);

/* Reads those that nobody has read yet, for at most `budget` milliseconds, so that what is wrong
   with them is logged, and forgets them again. Returns whether some are left. */
bool certificate_set_check(struct certificate_set *set, uint64_t budget);

/* Takes what is kept but has not been used for long out of a large set's memory. Returns a list, by
   `next_retired`, of what must be released after a grace period. */
struct credentials *certificate_set_trim(struct certificate_set *set, time_t now);

/* Drops the set's references. No worker may still see certificates that only this set holds. */
void certificate_set_clear(struct certificate_set *set);

/* Looks whether the files have changed since the last attempt, or were refused then, and if so
   loads them. A new pair is taken only where it belongs together and has not expired; `*retired` is
   then the old one (or NULL), to be released after a grace period. Otherwise the old goes on, and
   the log says which file, why, and until when the old one is good; the same is said once. */
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
