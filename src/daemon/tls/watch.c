#include "daemon/tls/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"

enum {
    EVENTS = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
};

/* A certificate that depends on an entry of a watched directory. */
struct watched_entry {
    struct watched_entry *next;
    struct certificate *certificate;
    char name[];
};

struct watch {
    int inotify;
    const struct certificate_set *set;
    struct watched_entry **directories; /* by watch descriptor */
    size_t directory_count;
    struct certificate **pending;
    size_t pending_count;
    size_t pending_capacity;
    size_t entry_count;
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

static bool entry_known(const struct watched_entry *entry, const struct certificate *certificate,
                        const char *name)
{
    /* A directory's newest entries come first; those of one certificate are together. */
    for (; entry && entry->certificate == certificate; entry = entry->next) {
        if (strcmp(entry->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Watches the entry `name` of `directory` for a certificate. */
static void watch_entry(struct watch *watch, struct certificate *certificate, const char *directory,
                        const char *name)
{
    int descriptor = inotify_add_watch(watch->inotify, directory, EVENTS);
    struct watched_entry *entry;
    size_t size = strlen(name) + 1;

    if (descriptor < 0) {
        watch->incomplete = watch->incomplete || errno != ENOENT;
        return;
    }
    if (!reserve_directory(watch, (size_t)descriptor)) {
        watch->incomplete = true;
        return;
    }
    if (entry_known(watch->directories[descriptor], certificate, name)) {
        return;
    }
    entry = malloc(sizeof(*entry) + size);
    if (!entry) {
        watch->incomplete = true;
        return;
    }
    entry->certificate = certificate;
    memcpy(entry->name, name, size);
    entry->next = watch->directories[descriptor];
    watch->directories[descriptor] = entry;
    watch->entry_count++;
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

bool watch_set(struct watch *watch, const struct certificate_set *set)
{
    int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    /* In place of the old descriptor, so that the number stays what the caller polls. */
    if (inotify >= 0) {
        dup3(inotify, watch->inotify, O_CLOEXEC);
        close(inotify);
    }
    for (size_t i = 0; i < watch->pending_count; i++) {
        watch->pending[i]->pending = false;
    }
    watch->pending_count = 0;
    forget_directories(watch);
    watch->set = set;
    watch->incomplete = inotify < 0;
    for (size_t i = 0; i < set->count; i++) {
        watch_certificate(watch, set->items[i]);
    }
    if (watch->incomplete) {
        log_warning("not every certificate can be watched (%s): those are looked at once a minute; "
                    "raising fs.inotify.max_user_watches may help",
                    strerror(errno));
    }
    return !watch->incomplete;
}

static void mark_pending(struct watch *watch, struct certificate *certificate)
{
    if (certificate->pending) {
        return;
    }
    if (watch->pending_count == watch->pending_capacity) {
        size_t capacity = watch->pending_capacity ? watch->pending_capacity * 2 : 8;
        struct certificate **pending = realloc(watch->pending, capacity * sizeof(*pending));

        if (!pending) {
            return; /* the look by the clock will find it */
        }
        watch->pending = pending;
        watch->pending_capacity = capacity;
    }
    certificate->pending = true;
    watch->pending[watch->pending_count++] = certificate;
}

static void handle_event(struct watch *watch, const struct inotify_event *event)
{
    struct watched_entry *entry;

    if (event->mask & IN_Q_OVERFLOW) {
        for (size_t i = 0; i < watch->set->count; i++) {
            mark_pending(watch, watch->set->items[i]);
        }
        return;
    }
    if (event->wd < 0 || (size_t)event->wd >= watch->directory_count) {
        return;
    }
    /* Events of the directory itself have no name and concern all. */
    for (entry = watch->directories[event->wd]; entry; entry = entry->next) {
        if (event->len == 0 || strcmp(entry->name, event->name) == 0) {
            mark_pending(watch, entry->certificate);
        }
    }
}

bool watch_read(struct watch *watch)
{
    char buffer[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t size;

    while ((size = read(watch->inotify, buffer, sizeof(buffer))) > 0) {
        for (char *at = buffer; at < buffer + size;) {
            const struct inotify_event *event = (const void *)at;

            handle_event(watch, event);
            at += sizeof(*event) + event->len;
        }
    }
    return watch->pending_count > 0;
}

struct certificate *watch_next(struct watch *watch)
{
    struct certificate *certificate;

    if (watch->pending_count == 0) {
        return NULL;
    }
    certificate = watch->pending[--watch->pending_count];
    certificate->pending = false;
    watch_certificate(watch, certificate);
    return certificate;
}
