#include "daemon/run.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sink.h"
#include "daemon/http/http_daemon.h"
#include "daemon/net/session.h"
#include "daemon/net/workers.h"
#include "daemon/reload.h"
#include "daemon/running.h"
#include "daemon/site/responses.h"
#include "daemon/system/privileges.h"
#include "daemon/system/sandbox.h"
#include "daemon/system/service_manager.h"
#include "daemon/tls/trust.h"

enum {
    START_PATIENCE = 2000, /* milliseconds that the start waits for the log's reader, in all */
    STOP_PATIENCE = 5000,  /* milliseconds */
    DESCRIPTORS_BESIDE_CONNECTIONS = 64,
};

/* --- Start --- */

/* From here on these signals are read, not delivered; all threads inherit it. */
static bool take_signals(struct running *running, struct problem *problem)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    running->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return running->signals >= 0 ||
           problem_set(problem, "cannot receive signals: signalfd: %s", strerror(errno));
}

static bool inherit_sockets(struct listeners *listeners, struct problem *problem)
{
    const char *names;
    int count = service_manager_sockets(&names, problem);

    return count >= 0 &&
           listeners_inherit(listeners, SERVICE_MANAGER_FIRST_SOCKET, count, names, problem);
}

static bool publish_table(struct running *running, const struct config *config,
                          struct problem *problem)
{
    struct site_table *table = running_build_table(running, config, problem);

    atomic_store(&running->service->table, table);
    return table != NULL;
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

static bool open_listeners(struct running *running, const struct config *config,
                           struct problem *problem)
{
    struct listeners_change change;

    listeners_remove_stale(config);
    if (!listeners_prepare(&running->listeners, config, &change, problem)) {
        return false;
    }
    listeners_commit(&running->listeners, &change);
    listeners_close(&change.dropped); /* there are none */
    return true;
}

/* Remembers what a reload cannot change. */
static bool keep_fixed_settings(struct running *running, const struct config *config,
                                struct problem *problem)
{
    running->default_threads = running_default_threads();
    running->max_connections = config->max_connections;
    running->user = config->user ? strdup(config->user) : NULL;
    return running->user || !config->user || problem_out_of_memory(problem);
}

/* Waits until no worker can be about to take up what has been replaced. */
static void grace_period(void *service)
{
    workers_synchronize(service);
}

static bool start_renewal(struct running *running, struct problem *problem)
{
    running->renewal = renewal_new(grace_period, running->service);
    if (!running->renewal) {
        return problem_out_of_memory(problem);
    }
    running_follow_certificates(running);
    return true;
}

/* In this order: what takes privileges, giving them up, the threads, giving up what it takes to
   start threads, and only then the first client. */
static bool start(struct running *running, const struct config *config, struct problem *problem)
{
    struct service *service = running->service;
    bool tls;

    service_manager_connect();
    trust_open();
    if (!take_signals(running, problem) || !keep_fixed_settings(running, config, problem) ||
        !(responses_init() || problem_out_of_memory(problem)) || !tls_init(service, problem) ||
        !inherit_sockets(&running->listeners, problem) ||
        !publish_table(running, config, problem)) {
        return false;
    }
    raise_file_limit(config->max_connections);
    if (!open_listeners(running, config, problem)) {
        return false;
    }
    tls = listeners_tls(&running->listeners, config);
    if ((config->user && !privileges_drop(config->user, problem)) ||
        !sandbox_enter(config, problem)) {
        return false;
    }
    sink_limit_waiting(0);
    if (!workers_start(service, running_threads(running, config), config->max_connections, tls,
                       http_daemon_start, problem) ||
        !start_renewal(running, problem)) {
        return false;
    }
    if (config->self_signed && tls) {
        log_warning("serving a throwaway certificate: good for trying out, but other homeservers "
                    "and browsers refuse it");
    }
    sandbox_seal();
    return running_add_listeners(running, &running->listeners, problem);
}

/* --- Serving --- */

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
        log_catch_up();
    }
}

/* --- Stop --- */

static void stop(struct running *running)
{
    struct service *service = running->service;

    running_remove_listeners(running, &running->listeners);
    listeners_close(&running->listeners);
    workers_stop(service, STOP_PATIENCE);
    renewal_free(running->renewal);
    site_table_free(atomic_load(&service->table));
    responses_free();
    tls_clear(service);
    free(running->user);
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
    sink_limit_waiting(START_PATIENCE);
    config_log(config);
    running.service = calloc(1, sizeof(*running.service));
    if (!running.service) {
        config_free(config);
        return problem_out_of_memory(problem);
    }
    good = start(&running, config, problem);
    config_free(config);
    malloc_trim(0);
    if (good) {
        running_log_ready(&running);
        service_manager_ready();
        certificate_set_warn(&atomic_load(&running.service->table)->certificates, time(NULL));
        serve(&running);
        log_info("stopping");
        service_manager_stopping();
    }
    stop(&running);
    free(running.service);
    if (!good) {
        sink_limit_waiting(START_PATIENCE); /* for the last line, which says why */
    }
    return good;
}
