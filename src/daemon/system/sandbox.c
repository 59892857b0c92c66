#include "daemon/system/sandbox.h"

#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "daemon/system/landlock.h"
#include "daemon/system/privileges.h"
#include "daemon/system/seccomp.h"
#include "daemon/system/service_manager.h"

/* Directories, absolute and without links. */
struct directories {
    char **items;
    size_t count;
};

/* What the process can still reach; it holds for all of it, and until its end. */
static struct {
    bool walled; /* by Landlock: the two lists are all there is */
    bool sealed; /* by seccomp: without sockets at the start there can be none */
    struct directories readable;
    struct directories sockets;
} reach;

/* Many programs share these: they are opened only where a file lies directly in one. */
static const char *const shared[] = {
    "/",          "/dev",       "/etc",     "/home",      "/media",
    "/mnt",       "/opt",       "/proc",    "/root",      "/run",
    "/srv",       "/sys",       "/tmp",     "/usr",       "/usr/lib",
    "/usr/local", "/usr/share", "/var",     "/var/cache", "/var/lib",
    "/var/log",   "/var/spool", "/var/tmp", "/run/user",  "/run/credentials",
};

static bool is_shared(const char *directory)
{
    static const char homes[] = "/home/";

    for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
        if (strcmp(directory, shared[i]) == 0) {
            return true;
        }
    }
    return strncmp(directory, homes, strlen(homes)) == 0 && !strchr(directory + strlen(homes), '/');
}

static bool directories_cover(const struct directories *directories, const char *directory)
{
    for (size_t i = 0; i < directories->count; i++) {
        if (path_is_beneath(directory, directories->items[i])) {
            return true;
        }
    }
    return false;
}

static void directories_add(struct directories *directories, const char *directory, size_t length)
{
    char *copy = strndup(directory, length);
    char **items;

    if (!copy || directories_cover(directories, copy)) {
        free(copy);
        return;
    }
    items = array_grow(directories->items, directories->count, sizeof(*items));
    if (!items) {
        free(copy);
        return;
    }
    directories->items = items;
    items[directories->count++] = copy;
}

/* --- What a configuration needs --- */

/* Adds the directory above, so that `directory` can be made anew, or mounted again. */
static void add_parent(struct directories *directories, const char *directory)
{
    const char *slash = strrchr(directory, '/');
    char *parent = strndup(directory, slash ? (size_t)(slash - directory) : 0);

    if (parent && *parent && !is_shared(parent)) {
        directories_add(directories, parent, strlen(parent));
    }
    free(parent);
}

/* certbot's links from live/NAME lead to archive/NAME, which need not exist yet. */
static void add_archive(struct directories *directories, const char *directory)
{
    const char *live = strstr(directory, "/live/");
    char *archive = NULL;

    if (live && asprintf(&archive, "%.*s/archive", (int)(live - directory), directory) >= 0) {
        directories_add(directories, archive, strlen(archive));
        free(archive);
    }
}

/* One path, while its directories are collected. */
struct collection {
    struct directories *directories;
    const char *path;
    bool missing;  /* it leads nowhere yet */
    char *through; /* the directory of the last link in the middle of the path, or NULL */
};

static void collect_readable(void *context, const char *directory, const char *name, bool last)
{
    struct collection *collection = context;

    if (!last) {
        free(collection->through);
        collection->through = is_shared(directory) ? NULL : strdup(directory);
        return;
    }
    /* Kubernetes' ..data is swapped for a link to another directory next to it. */
    if (collection->through && path_is_beneath(directory, collection->through)) {
        directories_add(collection->directories, collection->through, strlen(collection->through));
    }
    if (collection->missing && is_shared(directory) && strcmp(name, "*") != 0) {
        log_warning(
            "confinement: %s: as long as \"%s\" is not there, all of %s stays readable: make "
            "it and restart",
            collection->path, name, directory);
    }
    add_parent(collection->directories, directory);
    add_archive(collection->directories, directory);
    directories_add(collection->directories, directory, strlen(directory));
}

static void add_readable(const char *path)
{
    struct collection collection = {.directories = &reach.readable, .path = path};

    if (path) {
        if (!path_walk(path, collect_readable, &collection)) {
            collection.missing = true;
            path_walk(path, collect_readable, &collection); /* once more, for the warning */
        }
        free(collection.through);
    }
}

/* Of a directory its entries are needed, not its own place. */
static void add_readable_directory(const char *directory)
{
    char *entry = NULL;

    if (directory && asprintf(&entry, "%s/*", directory) >= 0) {
        add_readable(entry);
        free(entry);
    }
}

static void collect_socket(void *context, const char *directory, const char *name, bool last)
{
    (void)name;
    if (last) {
        directories_add(context, directory, strlen(directory));
    }
}

static void add_sockets(const struct address_list *addresses)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct sockaddr_un *address = (const void *)&addresses->items[i].socket;

        if (address->sun_family == AF_UNIX) {
            path_walk(address->sun_path, collect_socket, &reach.sockets);
        }
    }
}

static void collect_files(const struct config *config)
{
    for (size_t i = 0; i < config->file_count; i++) {
        add_readable(config->files[i]);
    }
    add_readable_directory(config->domains_dir);
    add_readable_directory(config->acme_alpn_dir);
    add_readable_directory(config->acme_webroot);
    add_readable(config->certificate);
    add_readable(config->key);
    for (size_t i = 0; i < config->domain_count; i++) {
        add_readable(config->domains[i].certificate);
        add_readable(config->domains[i].key);
    }
}

static void collect_sockets(const struct config *config)
{
    add_sockets(&config->listen);
    add_sockets(&config->listen_http);
    add_sockets(&config->metrics_listen);
}

/* --- The walls --- */

static void allow(int rules, const struct directories *directories, enum landlock_use use)
{
    for (size_t i = 0; i < directories->count; i++) {
        if (landlock_allow(rules, directories->items[i], use)) {
            log_debug("confinement: %s %s", use == LANDLOCK_READ ? "reads" : "makes sockets in",
                      directories->items[i]);
        } else if (errno != ENOENT) {
            log_warning("confinement: %s: %s: it cannot be read after the start",
                        directories->items[i], strerror(errno));
        }
    }
}

/* Where getrandom(2) is refused GnuTLS opens the device, again and again. */
static void allow_random_numbers(int rules)
{
    char byte;

    if (getrandom(&byte, 1, GRND_NONBLOCK) < 0 && errno != EAGAIN) {
        landlock_allow(rules, "/dev/urandom", LANDLOCK_READ_FILE);
    }
}

static void wall_off_files(const struct config *config)
{
    int rules = landlock_new();

    if (rules < 0) {
        log_debug("confinement: this kernel has no Landlock (%s): file permissions alone decide "
                  "what can be read",
                  strerror(errno));
        return;
    }
    collect_files(config);
    allow(rules, &reach.readable, LANDLOCK_READ);
    allow(rules, &reach.sockets, LANDLOCK_SOCKETS);
    allow_random_numbers(rules);
    reach.walled = landlock_enforce(rules);
    if (!reach.walled) {
        log_warning("confinement: Landlock: %s: file permissions alone decide what can be read",
                    strerror(errno));
    }
}

/* Gives the Unix sockets that we were started with, such as the journal's, a name: one that has one
   cannot be bound to a path any more, which would make a file. What is no such socket, or has a
   name, stays as it is. */
static void name_sockets(void)
{
    static const struct sockaddr_un any = {.sun_family = AF_UNIX};
    const int files[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, service_manager_socket()};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        (void)bind(files[i], (const struct sockaddr *)&any, sizeof(any.sun_family));
    }
}

bool sandbox_enter(const struct config *config, struct problem *problem)
{
    static const struct rlimit none = {0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return privileges_refused("prctl(PR_SET_NO_NEW_PRIVS)", problem);
    }
    if (setrlimit(RLIMIT_CORE, &none) != 0) {
        return privileges_refused("prlimit64(RLIMIT_CORE)", problem);
    }
    if (!privileges_reduce(problem)) {
        return false;
    }
#ifdef WITH_SANITIZERS
    (void)wall_off_files;
    (void)config;
    log_debug("confinement: built with sanitizers, which look into the process: no more walls");
#else
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return privileges_refused("prctl(PR_SET_DUMPABLE)", problem);
    }
    collect_sockets(config);
    name_sockets();
    wall_off_files(config);
#endif
    file_set_denied_remedy("the daemon's user must be able to read it; a directory that was made "
                           "anew, or that the daemon has not used since its start, takes a "
                           "restart");
    return true;
}

void sandbox_seal(void)
{
#ifndef WITH_SANITIZERS
    const struct seccomp_needs needs = {reach.sockets.count > 0, service_manager_socket()};
    struct problem problem;

    reach.sealed = seccomp_allow_needed(&needs, &problem);
    if (!reach.sealed) {
        log_warning("confinement: %s", problem.text);
    }
#endif
}

/* --- Afterwards --- */

struct check {
    const struct directories *directories;
    const char *path;
    struct problem *problem;
    bool good;
};

static void check_covered(void *context, const char *directory, const char *name, bool last)
{
    struct check *check = context;

    (void)name;
    if (last && check->good && !directories_cover(check->directories, directory)) {
        check->good = problem_set(check->problem,
                                  "%s: %s is no directory that the daemon has used since its "
                                  "start, and it has locked itself out of all others: restart it",
                                  check->path, directory);
    }
}

/* Whether one path of the configuration, or NULL, leads into these directories. */
static bool check_path(const struct directories *directories, const char *path,
                       const struct origin *origin, struct problem *problem)
{
    struct check check = {directories, path, problem, true};

    if (path) {
        path_walk(path, check_covered, &check);
    }
    if (!check.good && origin) {
        origin_blame(origin, problem);
    }
    return check.good;
}

/* The same for what is beneath a directory: of its own place nothing is needed. */
static bool check_beneath(const char *directory, const struct origin *origin,
                          struct problem *problem)
{
    char *entry = NULL;
    bool good;

    if (!directory) {
        return true;
    }
    if (asprintf(&entry, "%s/*", directory) < 0) {
        return problem_out_of_memory(problem);
    }
    good = check_path(&reach.readable, entry, origin, problem);
    free(entry);
    return good;
}

static bool check_sockets(const struct address_list *addresses, struct problem *problem)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct sockaddr_un *address = (const void *)&addresses->items[i].socket;

        if (address->sun_family != AF_UNIX) {
            continue;
        }
        if (reach.sockets.count == 0) {
            problem_set(problem,
                        "%s: the daemon has locked itself out of Unix sockets, since it had "
                        "none at its start: restart it",
                        address->sun_path);
        } else if (!reach.walled || check_path(&reach.sockets, address->sun_path, NULL, problem)) {
            continue;
        }
        return problem_prefix(problem, "cannot listen on unix:");
    }
    return true;
}

static bool check_pairs(const struct config *config, struct problem *problem)
{
    if (!check_path(&reach.readable, config->certificate,
                    config_origin(config, &config->certificate), problem) ||
        !check_path(&reach.readable, config->key, config_origin(config, &config->key), problem)) {
        return false;
    }
    for (size_t i = 0; i < config->domain_count; i++) {
        const struct domain_config *domain = &config->domains[i];

        if (!check_path(&reach.readable, domain->certificate, &domain->origin, problem) ||
            !check_path(&reach.readable, domain->key, &domain->origin, problem)) {
            return false;
        }
    }
    return true;
}

static bool check_files(const struct config *config, struct problem *problem)
{
    return check_pairs(config, problem) &&
           check_beneath(config->domains_dir, config_origin(config, &config->domains_dir),
                         problem) &&
           check_beneath(config->acme_alpn_dir, config_origin(config, &config->acme_alpn_dir),
                         problem) &&
           check_beneath(config->acme_webroot, config_origin(config, &config->acme_webroot),
                         problem);
}

bool sandbox_allows(const struct config *config, struct problem *problem)
{
    return (!reach.walled || check_files(config, problem)) &&
           (!(reach.walled || reach.sealed) || (check_sockets(&config->listen, problem) &&
                                                check_sockets(&config->listen_http, problem) &&
                                                check_sockets(&config->metrics_listen, problem)));
}
