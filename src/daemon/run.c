#include "daemon/run.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/config/configuration.h"
#include "daemon/net/listeners.h"
#include "daemon/net/service.h"
#include "daemon/net/session.h"
#include "daemon/net/worker.h"
#include "daemon/net/workers.h"
#include "daemon/site/responses.h"
#include "daemon/system/privileges.h"
#include "daemon/system/sandbox.h"
#include "daemon/system/service_manager.h"
#include "daemon/tls/watch.h"

enum {
    /* All in milliseconds. */
    SETTLE_TIME = 100,  /* after a change to the files, before they are read: writers write twice */
    SETTLE_LIMIT = 500, /* the most that further changes can put it off */
    CHECK_INTERVAL = 200,  /* between looks at certificates that nobody has asked for yet */
    CHECK_BUDGET = 20,     /* for each */
    LOOK_INTERVAL = 60000, /* where inotify does not see changes; and for what is about to expire */
    STOP_PATIENCE = 5000,
    DESCRIPTORS_BESIDE_CONNECTIONS = 64,
};

/* All that the main thread holds. */
struct running {
    const struct options *options;
    struct service *service;
    struct listeners listeners;
    struct watch *watch; /* or NULL */
    unsigned max_connections;
    int signals;
    uint64_t settle_at;    /* when changed certificates are read; 0: nothing has changed */
    uint64_t settle_limit; /* not later than */
    uint64_t look_at;
    uint64_t check_at; /* 0: every certificate has been checked */
};

static void log_warnings(const struct config *config)
{
    for (size_t i = 0; i < config->warning_count; i++) {
        log_warning("%s", config->warnings[i]);
    }
}

static void log_ready(const struct running *running)
{
    char addresses[2048];

    listeners_describe(&running->listeners, addresses, sizeof(addresses));
    log_info("ready %s", addresses);
    service_manager_status("serving %s", addresses);
}

/* Room for all connections, if the hard limit allows. */
static void raise_file_limit(unsigned max_connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)max_connections + DESCRIPTORS_BESIDE_CONNECTIONS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return;
    }
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
        log_warning("max_connections: %u connections need %ju open files, and the limit is %ju: "
                    "raise it (LimitNOFILE=, ulimit -n) or lower max_connections",
                    max_connections, (uintmax_t)wanted, (uintmax_t)limit.rlim_cur);
    }
}

/* How many threads: as configured, else one for each CPU that we may use. */
static unsigned thread_count(const struct config *config)
{
    cpu_set_t usable;

    if (config->threads > 0) {
        return config->threads;
    }
    return sched_getaffinity(0, sizeof(usable), &usable) == 0 ? (unsigned)CPU_COUNT(&usable) : 1;
}

/* From here on these signals are read, not delivered; all threads inherit it. */
static int take_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Lets the workers accept from the listeners that they do not know yet. */
static bool open_doors(struct running *running, struct problem *problem)
{
    for (size_t i = 0; i < running->listeners.count; i++) {
        struct listener *listener = running->listeners.items[i];

        if (!listener->accepting && !workers_add_listener(running->service, listener, problem)) {
            return false;
        }
        listener->accepting = true;
    }
    return true;
}

static struct certificate_set *certificates(struct running *running)
{
    return &atomic_load(&running->service->table)->certificates;
}

static void watch_certificates(struct running *running)
{
    if (running->watch) {
        watch_set(running->watch, certificates(running));
    }
    running->settle_at = 0;
    running->check_at = monotonic_milliseconds() + CHECK_INTERVAL;
}

static enum site_certificates certificates_needed(bool tls)
{
    return tls ? SITE_CERTIFICATES_AS_NEEDED : SITE_CERTIFICATES_NONE;
}

static bool start(struct running *running, const struct config *config, struct problem *problem)
{
    struct service *service = running->service;
    bool tls;
    struct listeners none;
    struct site_table *table;

    running->signals = take_signals();
    service_manager_connect();
    if (running->signals < 0) {
        return problem_set(problem, "cannot receive signals: %s", strerror(errno));
    }
    if (!responses_init()) {
        return problem_set(problem, "out of memory");
    }
    if (!tls_init(service, problem) || !listeners_inherit(&running->listeners, problem)) {
        return false;
    }
    tls = listeners_tls(&running->listeners, config);
    table = site_table_build(config, NULL, certificates_needed(tls), problem);
    if (!table) {
        return false;
    }
    atomic_store(&service->table, table);
    running->max_connections = config->max_connections;
    raise_file_limit(config->max_connections);
    if (!listeners_update(&running->listeners, config, &none, problem)) {
        return false;
    }
    listeners_close(&none);
    if ((config->user && !privileges_drop(config->user, problem)) ||
        !sandbox_enter(config, problem) ||
        !workers_start(service, thread_count(config), config->max_connections, tls, problem)) {
        return false;
    }
    if (config->self_signed && tls) {
        log_warning("serving a throwaway certificate: good for trying out, but other homeservers "
                    "and browsers refuse it");
    }
    running->watch = watch_new();
    if (!running->watch) {
        log_warning("inotify is not available (%s): certificates are looked at once a minute",
                    strerror(errno));
    }
    watch_certificates(running);
    sandbox_seal();
    return open_doors(running, problem);
}

/* Reads the files of a certificate anew if they have changed. Returns what must be released after
   a grace period, or NULL. */
static struct credentials *refresh(struct certificate *certificate)
{
    struct credentials *retired;

    certificate_refresh(certificate, &retired);
    return retired;
}

/* Releases a list of credentials (or NULL) when no worker can be about to take one up. */
static void release_after_grace(struct running *running, struct credentials *retired)
{
    if (retired) {
        workers_synchronize(running->service);
    }
    while (retired) {
        struct credentials *next = retired->next_retired;

        credentials_release(retired);
        retired = next;
    }
}

static void refresh_pending(struct running *running)
{
    struct certificate *certificate;

    running->settle_at = 0;
    while (running->watch && (certificate = watch_next(running->watch)) != NULL) {
        release_after_grace(running, refresh(certificate));
    }
}

static void refresh_all(struct running *running)
{
    const struct certificate_set *set = certificates(running);

    for (size_t i = 0; i < set->count; i++) {
        release_after_grace(running, refresh(set->items[i]));
    }
}

static void note_changes(struct running *running, uint64_t now)
{
    if (!watch_read(running->watch)) {
        return;
    }
    if (running->settle_at == 0) {
        running->settle_limit = now + SETTLE_LIMIT;
    }
    running->settle_at = now + SETTLE_TIME;
    if (running->settle_at > running->settle_limit) {
        running->settle_at = running->settle_limit;
    }
}

/* What a reload cannot change. */
static void warn_unchangeable(const struct running *running, const struct config *config)
{
    if (thread_count(config) != running->service->worker_count) {
        log_warning("threads: a change takes effect at the next start");
    }
    if (config->max_connections > running->max_connections) {
        log_warning("max_connections: more than %u take effect at the next start",
                    running->max_connections);
    }
}

/* Replaces the table and the listeners; nothing changes where it fails. */
static bool reload_with(struct running *running, const struct config *config,
                        struct problem *problem)
{
    struct service *service = running->service;
    bool tls = listeners_tls(&running->listeners, config);
    struct site_table *old = atomic_load(&service->table);
    struct site_table *table = site_table_build(config, old, certificates_needed(tls), problem);
    struct listeners dropped;

    if (!table) {
        return false;
    }
    if ((tls && !workers_add_tls(service, problem)) ||
        !listeners_update(&running->listeners, config, &dropped, problem)) {
        site_table_free(table);
        return false;
    }
    atomic_store(&service->table, table);
    for (size_t i = 0; i < dropped.count; i++) {
        workers_remove_listener(service, dropped.items[i]);
    }
    workers_synchronize(service);
    listeners_close(&dropped);
    watch_certificates(running);
    site_table_free(old);
    return open_doors(running, problem);
}

static void reload(struct running *running)
{
    struct problem problem;
    struct config *config;
    bool good;

    service_manager_reloading();
    log_info("reloading");
    config = config_load(running->options, &problem);
    if (config) {
        log_setup(config->log_level, config->log_format);
        log_warnings(config);
        warn_unchangeable(running, config);
    }
    good = config && reload_with(running, config, &problem);
    config_free(config);
    if (good) {
        atomic_fetch_add(&running->service->reloads_ok, 1);
        log_ready(running);
    } else {
        atomic_fetch_add(&running->service->reloads_failed, 1);
        log_error("%s", problem.text);
        log_error("not reloaded: the configuration from before goes on: correct it and reload "
                  "again");
        service_manager_status("the last reload failed: %s", problem.text);
    }
    /* After the watch is on the new paths, so that nothing is missed in between. */
    refresh_all(running);
    malloc_trim(0);
    service_manager_ready();
}

/* Handles what signals have come. False where we are to stop. */
static bool handle_signals(struct running *running)
{
    struct signalfd_siginfo signal;
    bool hang_up = false, end = false;

    while (read(running->signals, &signal, sizeof(signal)) == sizeof(signal)) {
        hang_up = hang_up || signal.ssi_signo == SIGHUP;
        end = end || signal.ssi_signo != SIGHUP;
    }
    if (hang_up && !end) {
        reload(running);
    }
    return !end;
}

/* Milliseconds until something is due. */
static int time_to_wait(const struct running *running, uint64_t now)
{
    uint64_t due = running->look_at;

    if (running->settle_at != 0 && running->settle_at < due) {
        due = running->settle_at;
    }
    if (running->check_at != 0 && running->check_at < due) {
        due = running->check_at;
    }
    return due <= now ? 0 : (int)(due - now);
}

static void serve(struct running *running)
{
    struct pollfd files[2] = {
        {.fd = running->signals, .events = POLLIN},
        {.fd = running->watch ? watch_descriptor(running->watch) : -1, .events = POLLIN},
    };
    bool go_on = true;

    running->look_at = monotonic_milliseconds() + LOOK_INTERVAL;
    while (go_on) {
        uint64_t now = monotonic_milliseconds();

        poll(files, 2, time_to_wait(running, now));
        now = monotonic_milliseconds();
        if (files[1].revents) {
            note_changes(running, now);
        }
        if (running->settle_at != 0 && now >= running->settle_at) {
            refresh_pending(running);
        }
        if (running->check_at != 0 && now >= running->check_at) {
            running->check_at = certificate_set_check(certificates(running), CHECK_BUDGET)
                                    ? now + CHECK_INTERVAL
                                    : 0;
        }
        if (now >= running->look_at) {
            running->look_at = now + LOOK_INTERVAL;
            refresh_all(running);
            release_after_grace(running, certificate_set_trim(certificates(running), time(NULL)));
            certificate_set_warn(certificates(running), time(NULL));
        }
        if (files[0].revents) {
            go_on = handle_signals(running);
        }
    }
}

static void stop(struct running *running)
{
    struct service *service = running->service;

    for (size_t i = 0; i < running->listeners.count; i++) {
        if (running->listeners.items[i]->accepting) {
            workers_remove_listener(service, running->listeners.items[i]);
        }
    }
    workers_synchronize(service);
    listeners_close(&running->listeners);
    workers_stop(service, STOP_PATIENCE);
    watch_free(running->watch);
    site_table_free(atomic_load(&service->table));
    responses_free();
    tls_clear(service);
    if (running->signals >= 0) {
        close(running->signals);
    }
}

bool run(const struct options *options, struct problem *problem)
{
    struct running running = {.options = options, .signals = -1};
    struct config *config = config_load(options, problem);
    bool good;

    if (!config) {
        return false;
    }
    log_setup(config->log_level, config->log_format);
    log_warnings(config);
    running.service = calloc(1, sizeof(*running.service));
    if (!running.service) {
        config_free(config);
        return problem_set(problem, "out of memory");
    }
    address_limit_init(&running.service->address_limit);
    good = start(&running, config, problem);
    config_free(config);
    malloc_trim(0);
    if (good) {
        log_ready(&running);
        service_manager_ready();
        certificate_set_warn(certificates(&running), time(NULL));
        serve(&running);
        log_info("stopping");
        service_manager_stopping();
    }
    stop(&running);
    free(running.service);
    return good;
}
