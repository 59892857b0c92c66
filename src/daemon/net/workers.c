#include "daemon/net/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/clock.h"
#include "daemon/net/worker.h"

static bool add_event(int epoll, int file, void *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event) == 0;
}

/* Starts one of a worker's libmicrohttpd daemons. False, and errno, where that fails. */
static bool start_daemon(struct connection_set *set, bool tls, http_daemon_start_function *start)
{
    struct http_daemon *daemon = tls ? &set->tls : &set->http;
    const union MHD_DaemonInfo *info;

    daemon->handle = start(set, tls);
    if (!daemon->handle) {
        return false;
    }
    info = MHD_get_daemon_info(daemon->handle, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || !add_event(set->epoll, info->epoll_fd, daemon)) {
        int error = errno;

        MHD_stop_daemon(daemon->handle);
        daemon->handle = NULL; /* so that the next attempt starts it again */
        errno = error;
        return false;
    }
    return true;
}

static bool worker_open(struct worker *worker, struct service *service, unsigned max_connections,
                        struct problem *problem)
{
    struct connection_set *set = &worker->connections;

    worker->source = EVENT_WAKE_UP;
    if (!connection_set_open(set, service, max_connections, problem)) {
        return false;
    }
    return add_event(set->epoll, set->wake_up, worker) ||
           problem_set(problem, "cannot start a thread: %s", strerror(errno));
}

static void workers_free(struct service *service)
{
    for (unsigned i = 0; i < service->worker_count; i++) {
        connection_set_close(&service->workers[i].connections);
    }
    holders_clear(&service->holders);
    free(service->workers);
    free(service->wake_ups);
    service->workers = NULL;
    service->wake_ups = NULL;
    service->worker_count = 0;
}

/* Makes the workers, without their threads. */
static bool open_workers(struct service *service, unsigned count, unsigned max_connections,
                         struct problem *problem)
{
    service->workers = calloc(count, sizeof(*service->workers));
    service->wake_ups = calloc(count, sizeof(*service->wake_ups));
    if (!service->workers || !service->wake_ups) {
        return problem_set(problem, "no memory for %u threads: lower threads", count);
    }
    if (!holders_init(&service->holders, max_connections + (size_t)count * SPARE_CONNECTIONS,
                      problem)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        service->worker_count++;
        if (!worker_open(&service->workers[i], service, max_connections, problem)) {
            return false;
        }
        service->wake_ups[i] = service->workers[i].connections.wake_up;
    }
    return true;
}

/* Starts the missing libmicrohttpd daemons of a kind. */
static bool start_daemons(struct service *service, bool tls, http_daemon_start_function *start,
                          struct problem *problem)
{
    for (unsigned i = 0; i < service->worker_count; i++) {
        struct connection_set *set = &service->workers[i].connections;

        if (!(tls ? set->tls : set->http).handle && !start_daemon(set, tls, start)) {
            return problem_set(problem, "cannot set up %s: %s", tls ? "TLS" : "HTTP",
                               strerror(errno));
        }
    }
    return true;
}

bool workers_start(struct service *service, unsigned count, unsigned max_connections, bool tls,
                   http_daemon_start_function *start, struct problem *problem)
{
    if (!open_workers(service, count, max_connections, problem) ||
        !start_daemons(service, false, start, problem) ||
        (tls && !start_daemons(service, true, start, problem))) {
        workers_free(service);
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = &service->workers[i];
        int status = pthread_create(&worker->thread, NULL, worker_loop, worker);

        if (status != 0) {
            workers_stop(service, 0);
            return problem_set(problem, "cannot start %u threads: %s: lower threads", count,
                               strerror(status));
        }
        worker->started = true;
    }
    return true;
}

bool workers_add_tls(struct service *service, http_daemon_start_function *start,
                     struct problem *problem)
{
    return start_daemons(service, true, start, problem);
}

bool workers_add_listener(struct service *service, struct listener *listener,
                          struct problem *problem)
{
    /* Of the workers that wait, the kernel wakes up one for a new connection. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = listener};

    for (unsigned i = 0; i < service->worker_count; i++) {
        if (epoll_ctl(service->workers[i].connections.epoll, EPOLL_CTL_ADD, listener->socket,
                      &event) != 0) {
            problem_set(problem, "cannot wait for connections: %s", strerror(errno));
            while (i-- > 0) {
                epoll_ctl(service->workers[i].connections.epoll, EPOLL_CTL_DEL, listener->socket,
                          NULL);
            }
            return false;
        }
    }
    return true;
}

void workers_remove_listener(struct service *service, struct listener *listener)
{
    for (unsigned i = 0; i < service->worker_count; i++) {
        epoll_ctl(service->workers[i].connections.epoll, EPOLL_CTL_DEL, listener->socket, NULL);
    }
}

void workers_synchronize(struct service *service)
{
    static const struct timespec moment = {.tv_nsec = 50000};

    for (unsigned i = 0; i < service->worker_count; i++) {
        struct worker *worker = &service->workers[i];
        uint64_t rounds = atomic_load(&worker->rounds);

        service_wake(service, i);
        while (worker->started && atomic_load(&worker->rounds) == rounds) {
            nanosleep(&moment, NULL);
        }
    }
}

void workers_stop(struct service *service, uint64_t patience)
{
    atomic_store(&service->stop_deadline, monotonic_milliseconds() + patience);
    atomic_store(&service->stopping, true);
    for (unsigned i = 0; i < service->worker_count; i++) {
        service_wake(service, i);
    }
    for (unsigned i = 0; i < service->worker_count; i++) {
        if (service->workers[i].started) {
            pthread_join(service->workers[i].thread, NULL);
        }
    }
    workers_free(service);
}
