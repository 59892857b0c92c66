/* One certificate of the configuration: which files, what is loaded from them, and renewal. */
#ifndef DAEMON_TLS_CERTIFICATE_H
#define DAEMON_TLS_CERTIFICATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/problem.h"
#include "daemon/tls/credentials.h"

enum {
    CERTIFICATES_KEPT = 16384,       /* in memory, of all sets */
    CERTIFICATE_CHANGES_LIMIT = 100, /* changes a minute that are followed at once */
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
    _Atomic time_t warn_from;  /* when its expiry is near */
    _Atomic time_t last_used;
    unsigned references;    /* by certificate sets */
    char *id;               /* what makes it the same pair: both paths */
    char *certificate_path; /* NULL where self-signed, in memory */
    char *key_path;
    struct credentials_source source; /* the files at the last attempt, good or bad */
    time_t last_expiry_warning;
    unsigned changes; /* followed since the last look by the clock */
    bool refused;     /* they were not taken then; see certificate_refresh */
    char *refusal;    /* what was last logged about that, or NULL */
    bool checked;     /* the main thread has read it, or need not */
    bool pending;     /* the watch has seen a change; see watch.h */
};

/* What identifies a pair of files in a set; the caller frees it. NULL where memory ran out. */
char *certificate_id(const char *certificate_path, const char *key_path);

/* A certificate of these files, which are looked at but not read yet. Takes `id` over. NULL where
   memory ran out. */
struct certificate *certificate_new(char *id, const char *certificate_path, const char *key_path);

/* A throwaway certificate for `names`; an error is logged where it cannot be made. */
struct certificate *certificate_new_self_signed(const char *const *names, size_t count);

void certificate_free(struct certificate *certificate);

/* For a handshake, from any thread: a reference to what is kept, or to what is read now. NULL where
   the pair cannot be used. */
struct credentials *certificate_use(struct certificate *certificate);

/* Whether handshakes can be expected to succeed with it. */
bool certificate_usable(const struct certificate *certificate);

/* For the main thread: reads the files for the first time, and logs what is wrong with them; an
   expired pair is logged and good. Where `keep`, handshakes get what was read. Returns whether it
   can be used. */
bool certificate_load(struct certificate *certificate, bool keep);

/* Takes what is kept out of memory, where it is kept: it can be read again. Returns it, to be
   released after a grace period, or NULL. */
struct credentials *certificate_forget(struct certificate *certificate);

/* Looks whether the files have changed since the last attempt, or were refused then, and if so
   loads them. A new pair is taken only where it is good and has not expired; returned is then the
   old one (or NULL), to be released after a grace period. Otherwise the old goes on, and the log
   says which file, why, and until when the old one is good; the same is logged once. Files that
   change more than CERTIFICATE_CHANGES_LIMIT times a minute are left to the look by the clock. */
struct credentials *certificate_refresh(struct certificate *certificate, bool by_clock);

/* Logs, at most once a day, that it has less than a sixth of its lifetime left, or 14 days, or has
   expired. */
void certificate_warn(struct certificate *certificate, time_t now);

enum {
    CERTIFICATE_DATE_SIZE = 32
};

/* A time as "2026-11-22 14:00 UTC". Returns `text`. */
const char *certificate_date(time_t time, char text[static CERTIFICATE_DATE_SIZE]);

#endif
