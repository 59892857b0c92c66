/* The certificates of one configuration. */
#ifndef DAEMON_TLS_CERTIFICATE_SET_H
#define DAEMON_TLS_CERTIFICATE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/map.h"
#include "daemon/tls/certificate.h"

enum {
    /* So many are read at the start. Of a larger set the others are read when they are first asked
       for, and kept while they are in use. */
    CERTIFICATES_AT_ONCE = 256,
    CERTIFICATE_IDLE = 3600, /* seconds without a handshake after which one need not be kept */
};

/* Initialize with `= {0}`. */
struct certificate_set {
    struct certificate **items;
    size_t count;
    struct map by_id;
    bool read_all; /* all are read at once, however many */
    size_t read;   /* so many usable ones have been */
    size_t next_check;
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

/* Reads those that nobody has read yet, for at most `budget` milliseconds, so that what is wrong
   with them is logged, and forgets them again. Returns whether some are left. */
bool certificate_set_check(struct certificate_set *set, uint64_t budget);

/* Takes what is kept but has not been used for long out of a large set's memory. Returns a list, by
   `next_retired`, of what must be released after a grace period. */
struct credentials *certificate_set_trim(struct certificate_set *set, time_t now);

/* Logs, at most once a day for each, what is about to expire or has expired. */
void certificate_set_warn(struct certificate_set *set, time_t now);

/* Drops the set's references. No worker may still see certificates that only this set holds. */
void certificate_set_clear(struct certificate_set *set);

#endif
