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
#include "daemon/tls/renewal.h"
#include "daemon/tls/trust.h"

enum {
    STOP_PATIENCE = 5000, /* milliseconds */
    DESCRIPTORS_BESIDE_CONNECTIONS = 64,
};

/* All that the main thread holds. */
struct running {
    const struct options *options;
    struct service *service;
    struct listeners listeners;
    struct renewal *renewal;
    unsigned max_connections;
    int signals;
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

/* Waits until no worker can be about to take up what has been replaced. */
static void grace_period(void *service)
{
    workers_synchronize(service);
}

static enum site_certificates certificates_needed(bool tls)
{
    return tls ? SITE_CERTIFICATES_AS_NEEDED : SITE_CERTIFICATES_NONE;
}

static bool inherit_sockets(struct listeners *listeners, struct problem *problem)
{
    const char *names;
    int count = service_manager_sockets(&names, problem);

    return count >= 0 &&
           listeners_inherit(listeners, SERVICE_MANAGER_FIRST_SOCKET, count, names, problem);
}

static bool start(struct running *running, const struct config *config, struct problem *problem)
{
    struct service *service = running->service;
    bool tls;
    struct listeners none;
    struct site_table *table;

    running->signals = take_signals();
    service_manager_connect();
    trust_open();
    if (running->signals < 0) {
        return problem_set(problem, "cannot receive signals: %s", strerror(errno));
    }
    if (!responses_init()) {
        return problem_set(problem, "out of memory");
    }
    if (!tls_init(service, problem) || !inherit_sockets(&running->listeners, problem)) {
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
    listeners_remove_stale(config);
    if (!listeners_update(&running->listeners, config, &none, problem)) {
        return false;
    }
    listeners_close(&none);
    log_never_wait();
    if ((config->user && !privileges_drop(config->user, problem)) ||
        !sandbox_enter(config, problem) ||
        !workers_start(service, thread_count(config), config->max_connections, tls, problem)) {
        return false;
    }
    if (config->self_signed && tls) {
        log_warning("serving a throwaway certificate: good for trying out, but other homeservers "
                    "and browsers refuse it");
    }
    running->renewal = renewal_new(grace_period, service);
    if (!running->renewal) {
        return problem_set(problem, "out of memory");
    }
    renewal_follow(running->renewal, certificates(running));
    sandbox_seal();
    return open_doors(running, problem);
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
    renewal_follow(running->renewal, certificates(running));
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
    good = config && sandbox_allows(config, &problem) && reload_with(running, config, &problem);
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
    renewal_look(running->renewal);
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

static void serve(struct running *running)
{
    bool go_on = true;

    while (go_on) {
        struct pollfd files[2] = {
            {.fd = running->signals, .events = POLLIN},
            {.fd = renewal_descriptor(running->renewal), .events = POLLIN},
        };
        uint64_t now = monotonic_milliseconds();
        uint64_t due = renewal_due(running->renewal);

        poll(files, 2, due <= now ? 0 : (int)(due - now));
        renewal_run(running->renewal, files[1].revents != 0);
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
    renewal_free(running->renewal);
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
