#include "daemon/net/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "daemon/http/http_daemon.h"
#include "daemon/net/worker.h"

static bool worker_add_event(struct worker *worker, int file, void *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, file, &event) == 0;
}

static bool worker_add_daemon(struct worker *worker, struct MHD_Daemon **daemon,
                              struct event_mark *mark, bool tls)
{
    const union MHD_DaemonInfo *info;

    *daemon = http_daemon_start(worker, tls);
    if (!*daemon) {
        return false;
    }
    mark->source = tls ? EVENT_HTTPS_DAEMON : EVENT_HTTP_DAEMON;
    info = MHD_get_daemon_info(*daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || !worker_add_event(worker, info->epoll_fd, mark)) {
        int error = errno;

        MHD_stop_daemon(*daemon);
        *daemon = NULL; /* so that the next attempt starts it again */
        errno = error;
        return false;
    }
    return true;
}

static bool worker_open(struct worker *worker, struct service *service, unsigned max_connections,
                        bool tls, struct problem *problem)
{
    size_t size;

    *worker = (struct worker){.service = service, .epoll = -1, .wake_up = -1, .busy_count = 1};
    worker->connection_capacity = (size_t)max_connections + SPARE_CONNECTIONS;
    size = worker->connection_capacity * sizeof(*worker->connections);
    worker->connections = mmap(NULL, size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (worker->connections == MAP_FAILED) {
        worker->connections = NULL;
        return problem_set(problem, "no memory for %u connections: lower max_connections",
                           max_connections);
    }
    size = holders_size(&service->holders) * sizeof(*worker->held);
    worker->held = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (worker->held == MAP_FAILED) {
        worker->held = NULL;
        return problem_set(problem, "no memory for %u connections: lower max_connections",
                           max_connections);
    }
    if (!transport_init(&worker->transport, worker->connection_capacity)) {
        return problem_set(problem, "no memory for %u connections: lower max_connections",
                           max_connections);
    }
    worker->now = monotonic_milliseconds();
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    worker->wake_up_mark.source = EVENT_WAKE_UP;
    if (worker->epoll < 0 || worker->wake_up < 0 ||
        !worker_add_event(worker, worker->wake_up, &worker->wake_up_mark) ||
        !worker_add_daemon(worker, &worker->http, &worker->http_mark, false) ||
        (tls && !worker_add_daemon(worker, &worker->https, &worker->https_mark, true))) {
        return problem_set(problem, "cannot set up a worker: %s", strerror(errno));
    }
    return true;
}

static void worker_close(struct worker *worker)
{
    if (worker->https) {
        MHD_stop_daemon(worker->https);
    }
    if (worker->http) {
        MHD_stop_daemon(worker->http);
    }
    if (worker->epoll >= 0) {
        close(worker->epoll);
    }
    if (worker->wake_up >= 0) {
        close(worker->wake_up);
    }
    transport_clear(&worker->transport);
    if (worker->connections) {
        munmap(worker->connections, worker->connection_capacity * sizeof(*worker->connections));
    }
    if (worker->held) {
        munmap(worker->held, holders_size(&worker->service->holders) * sizeof(*worker->held));
    }
}

static void workers_free(struct service *service)
{
    for (unsigned i = 0; i < service->worker_count; i++) {
        worker_close(&service->workers[i]);
    }
    holders_clear(&service->holders);
    free(service->workers);
    service->workers = NULL;
    service->worker_count = 0;
}

bool workers_start(struct service *service, unsigned count, unsigned max_connections, bool tls,
                   struct problem *problem)
{
    int status;

    service->workers = calloc(count, sizeof(*service->workers));
    if (!service->workers) {
        return problem_set(problem, "no memory for %u threads: lower threads", count);
    }
    if (!holders_init(&service->holders, max_connections + (size_t)count * SPARE_CONNECTIONS,
                      problem)) {
        workers_free(service);
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        service->worker_count++;
        if (!worker_open(&service->workers[i], service, max_connections, tls, problem)) {
            workers_free(service);
            return false;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = &service->workers[i];

        status = pthread_create(&worker->thread, NULL, worker_loop, worker);
        if (status != 0) {
            workers_stop(service, 0);
            return problem_set(problem, "cannot start %u threads: %s: lower threads", count,
                               strerror(status));
        }
        worker->started = true;
    }
    return true;
}

bool workers_add_tls(struct service *service, struct problem *problem)
{
    for (unsigned i = 0; i < service->worker_count; i++) {
        struct worker *worker = &service->workers[i];

        if (!worker->https &&
            !worker_add_daemon(worker, &worker->https, &worker->https_mark, true)) {
            return problem_set(problem, "cannot set up TLS: %s", strerror(errno));
        }
    }
    return true;
}

bool workers_add_listener(struct service *service, struct listener *listener,
                          struct problem *problem)
{
    /* Of the workers that wait, the kernel wakes up one for a new connection. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = listener};

    for (unsigned i = 0; i < service->worker_count; i++) {
        if (epoll_ctl(service->workers[i].epoll, EPOLL_CTL_ADD, listener->socket, &event) != 0) {
            problem_set(problem, "cannot wait for connections: %s", strerror(errno));
            while (i-- > 0) {
                epoll_ctl(service->workers[i].epoll, EPOLL_CTL_DEL, listener->socket, NULL);
            }
            return false;
        }
    }
    return true;
}

void workers_remove_listener(struct service *service, struct listener *listener)
{
    for (unsigned i = 0; i < service->worker_count; i++) {
        epoll_ctl(service->workers[i].epoll, EPOLL_CTL_DEL, listener->socket, NULL);
    }
}

void workers_synchronize(struct service *service)
{
    static const struct timespec moment = {.tv_nsec = 50000};

    for (unsigned i = 0; i < service->worker_count; i++) {
        struct worker *worker = &service->workers[i];
        uint64_t rounds = atomic_load(&worker->rounds);

        worker_wake(worker);
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
        worker_wake(&service->workers[i]);
    }
    for (unsigned i = 0; i < service->worker_count; i++) {
        if (service->workers[i].started) {
            pthread_join(service->workers[i].thread, NULL);
        }
    }
    workers_free(service);
}
