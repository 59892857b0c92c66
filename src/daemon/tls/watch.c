#include "daemon/tls/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/path.h"

enum {
    READS = 64,         /* of the queue at once, which holds less */
    SPARE_ENTRIES = 64, /* beyond twice as many as are needed */
    KEY_SIZE = NAME_MAX + 16,
    EVENTS = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
};

/* A certificate that depends on an entry of a watched directory. */
struct watched_entry {
    struct watched_entry *next; /* of the same directory */
    struct watched_entry *same; /* of the same entry, for another certificate */
    struct certificate *certificate;
    char key[]; /* see entry_key */
};

struct watch {
    int inotify;
    const struct certificate_set *set;
    struct watched_entry **directories; /* by watch descriptor */
    size_t directory_count;
    struct map entries; /* by entry_key: an event costs the same however many there are */
    size_t entry_count;
    size_t entry_limit;           /* with more, those that are out of date are got rid of */
    struct certificate **pending; /* a queue, in a ring with room for all of the set */
    size_t pending_first;
    size_t pending_count;
    size_t pending_capacity;
    bool incomplete; /* some directory could not be watched */
};

struct watch *watch_new(void)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    if (watch) {
        watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (watch->inotify < 0) {
            free(watch);
            return NULL;
        }
    }
    return watch;
}

static void forget_directories(struct watch *watch)
{
    for (size_t i = 0; i < watch->directory_count; i++) {
        struct watched_entry *entry = watch->directories[i];

        while (entry) {
            struct watched_entry *next = entry->next;

            free(entry);
            entry = next;
        }
    }
    map_clear(&watch->entries);
    free(watch->directories);
    watch->directories = NULL;
    watch->directory_count = 0;
    watch->entry_count = 0;
}

void watch_free(struct watch *watch)
{
    if (watch) {
        forget_directories(watch);
        close(watch->inotify);
        free(watch->pending);
        free(watch);
    }
}

int watch_descriptor(const struct watch *watch)
{
    return watch->inotify;
}

/* Room for a watch descriptor in the table. They are small numbers that count up. */
static bool reserve_directory(struct watch *watch, size_t descriptor)
{
    size_t count = watch->directory_count ? watch->directory_count : 16;
    struct watched_entry **directories;

    if (descriptor < watch->directory_count) {
        return true;
    }
    while (count <= descriptor) {
        count *= 2;
    }
    directories = realloc(watch->directories, count * sizeof(*directories));
    if (!directories) {
        return false;
    }
    memset(directories + watch->directory_count, 0,
           (count - watch->directory_count) * sizeof(*directories));
    watch->directories = directories;
    watch->directory_count = count;
    return true;
}

/* What identifies the entry `name` of a directory. */
static size_t entry_key(char key[static KEY_SIZE], int descriptor, const char *name)
{
    return (size_t)snprintf(key, KEY_SIZE, "%d/%s", descriptor, name);
}

/* Adds an entry. False where memory ran out. */
static bool add_entry(struct watch *watch, struct certificate *certificate, int descriptor,
                      const char *name)
{
    char key[KEY_SIZE];
    size_t length = entry_key(key, descriptor, name);
    struct watched_entry *same = map_get(&watch->entries, key, length);
    struct watched_entry *entry;

    /* Its entries of one walk come one after the other. */
    if (same && same->certificate == certificate) {
        return true;
    }
    entry = malloc(sizeof(*entry) + length + 1);
    if (!entry) {
        return false;
    }
    memcpy(entry->key, key, length + 1);
    entry->certificate = certificate;
    entry->same = same;
    if (!map_set(&watch->entries, entry->key, entry)) {
        free(entry);
        return false;
    }
    entry->next = watch->directories[descriptor];
    watch->directories[descriptor] = entry;
    watch->entry_count++;
    return true;
}

/* Watches the entry `name` of `directory` for a certificate. */
static void watch_entry(struct watch *watch, struct certificate *certificate, const char *directory,
                        const char *name)
{
    int descriptor = inotify_add_watch(watch->inotify, directory, EVENTS);

    if (descriptor < 0) {
        watch->incomplete = watch->incomplete || errno != ENOENT;
    } else if (!reserve_directory(watch, (size_t)descriptor) ||
               !add_entry(watch, certificate, descriptor, name)) {
        watch->incomplete = true;
    }
}

struct visit {
    struct watch *watch;
    struct certificate *certificate;
};

static void visit_entry(void *context, const char *directory, const char *name, bool last)
{
    const struct visit *visit = context;

    (void)last;
    watch_entry(visit->watch, visit->certificate, directory, name);
}

/* Of a path that leads nowhere yet, the first directory that is missing is watched for. By the time
   that watch is set it may have been made, and the next in it: so it is walked again until that
   finds nothing new. */
static void watch_path(struct watch *watch, struct certificate *certificate, const char *path)
{
    struct visit visit = {watch, certificate};
    size_t before;

    do {
        before = watch->entry_count;
    } while (!path_walk(path, visit_entry, &visit) && watch->entry_count != before);
}

static void watch_certificate(struct watch *watch, struct certificate *certificate)
{
    if (certificate->certificate_path) {
        watch_path(watch, certificate, certificate->certificate_path);
        watch_path(watch, certificate, certificate->key_path);
    }
}

/* Makes room for all of a set in the queue, which is empty then. */
static bool reserve_pending(struct watch *watch, size_t count)
{
    struct certificate **pending = reallocarray(watch->pending, count + 1, sizeof(*pending));

    watch->pending_first = 0;
    watch->pending_count = 0;
    if (pending) {
        watch->pending = pending;
        watch->pending_capacity = count + 1;
    }
    return pending;
}

static void mark_pending(struct watch *watch, struct certificate *certificate, bool *news)
{
    size_t last = watch->pending_first + watch->pending_count;

    /* Without room, the look by the clock will find it. */
    if (!certificate->pending && watch->pending_count < watch->pending_capacity) {
        certificate->pending = true;
        watch->pending[last % watch->pending_capacity] = certificate;
        watch->pending_count++;
    }
    *news = true;
}

/* Begins anew with the set's paths as they are now. */
static void watch_all(struct watch *watch)
{
    int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (inotify >= 0) {
        close(watch->inotify);
        watch->inotify = inotify;
    }
    forget_directories(watch);
    watch->incomplete = watch->incomplete || inotify < 0;
    for (size_t i = 0; i < watch->set->count; i++) {
        watch_certificate(watch, watch->set->items[i]);
    }
    watch->entry_limit = 2 * watch->entry_count + SPARE_ENTRIES;
}

bool watch_set(struct watch *watch, const struct certificate_set *set)
{
    for (; watch->pending_count > 0; watch->pending_count--) {
        watch->pending[watch->pending_first++ % watch->pending_capacity]->pending = false;
    }
    watch->set = set;
    watch->incomplete = !reserve_pending(watch, set->count);
    watch_all(watch);
    if (watch->incomplete) {
        log_warning("not every certificate can be watched (%s): those are looked at once a minute; "
                    "raising fs.inotify.max_user_watches may help",
                    strerror(errno));
    }
    return !watch->incomplete;
}

/* Returns whether it concerns some certificate. */
static bool handle_event(struct watch *watch, const struct inotify_event *event)
{
    struct watched_entry *entry;
    char key[KEY_SIZE];
    bool news = false;

    if (event->mask & IN_Q_OVERFLOW) {
        for (size_t i = 0; i < watch->set->count; i++) {
            mark_pending(watch, watch->set->items[i], &news);
        }
    } else if (event->wd < 0 || (size_t)event->wd >= watch->directory_count) {
        return false;
    } else if (event->len == 0) {
        /* Events of the directory itself have no name and concern all. */
        for (entry = watch->directories[event->wd]; entry; entry = entry->next) {
            mark_pending(watch, entry->certificate, &news);
        }
    } else {
        entry = map_get(&watch->entries, key, entry_key(key, event->wd, event->name));
        for (; entry; entry = entry->same) {
            mark_pending(watch, entry->certificate, &news);
        }
    }
    return news;
}

bool watch_read(struct watch *watch)
{
    char buffer[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool news = false;
    ssize_t size;

    /* Not to the end: somebody may write faster than we read. */
    for (int i = 0; i < READS && (size = read(watch->inotify, buffer, sizeof(buffer))) > 0; i++) {
        for (char *at = buffer; at < buffer + size;) {
            const struct inotify_event *event = (const void *)at;

            news = handle_event(watch, event) || news;
            at += sizeof(*event) + event->len;
        }
    }
    return news;
}

bool watch_pending(const struct watch *watch)
{
    return watch->pending_count > 0;
}

struct certificate *watch_next(struct watch *watch)
{
    struct certificate *certificate;
    bool news;

    /* Paths that lead to ever new directories leave entries of the old ones behind. */
    if (watch->entry_count > watch->entry_limit) {
        watch_all(watch);
        for (size_t i = 0; i < watch->set->count; i++) {
            mark_pending(watch, watch->set->items[i], &news);
        }
    }
    if (watch->pending_count == 0) {
        return NULL;
    }
    certificate = watch->pending[watch->pending_first];
    watch->pending_first = (watch->pending_first + 1) % watch->pending_capacity;
    watch->pending_count--;
    certificate->pending = false;
    watch_certificate(watch, certificate);
    return certificate;
}
