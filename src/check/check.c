#include "check/check.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check/discovery/discovery.h"
#include "check/report_json.h"
#include "check/report_text.h"

enum {
    WAIT_LONGEST = 1000, /* milliseconds: what is waited for is shown that often */
    SOCKET_LIMIT = 16,   /* of c-ares, at a time */
    PARALLEL_LIMIT = 16, /* names that are checked at the same time */
    PATIENCE = 1,        /* seconds until what is waited for is shown */
};

/* A run: its parts, its walks, and how far it has come. */
struct run {
    struct environment environment;
    gnutls_x509_trust_list_t trust;
    struct walk **walks;
    size_t count;
    size_t json_written;
    bool json;
    struct report_text text;
};

static bool open_environment(struct run *run, const struct options *options,
                             struct problem *problem)
{
    struct environment *environment = &run->environment;
    environment->check_client = options->check_client;
    environment->resolver = resolver_create(options->dns, options->dns_count, options->family,
                                            options->timeout, problem);
    if (environment->resolver == NULL) {
        return false;
    }
    for (size_t i = 0; i < options->resolve_count; i++) {
        if (!resolver_add_override(environment->resolver, options->resolve[i], problem)) {
            return false;
        }
    }
    run->trust = certificate_load_trust(options->ca, problem);
    if (run->trust == NULL) {
        return false;
    }
    environment->fetcher = fetcher_create(run->trust, options->timeout, problem);
    return environment->fetcher != NULL;
}

static bool create_walks(struct run *run, const struct options *options, struct problem *problem)
{
    run->walks = calloc(options->name_count, sizeof(struct walk *));
    if (run->walks == NULL) {
        return problem_set(problem, "there is no memory left: free some and start again");
    }
    for (size_t i = 0; i < options->name_count; i++) {
        run->walks[i] = walk_create(options->names[i], &run->environment, problem);
        if (run->walks[i] == NULL) {
            return false;
        }
        run->count++;
    }
    return true;
}

static void close_run(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        walk_free(run->walks[i]);
    }
    free(run->walks);
    fetcher_free(run->environment.fetcher);
    resolver_free(run->environment.resolver);
    if (run->trust != NULL) {
        gnutls_x509_trust_list_deinit(run->trust, 1);
    }
}

static bool use_color(const struct options *options, FILE *stream)
{
    switch (options->color) {
    case COLOR_ALWAYS:
        return true;
    case COLOR_NEVER:
        return false;
    case COLOR_AUTO:
        break;
    }
    const char *no_color = getenv("NO_COLOR");
    return isatty(fileno(stream)) && (no_color == NULL || no_color[0] == '\0');
}

/* Moves every walk on, in order, with at most PARALLEL_LIMIT of them under way; false when all are
   done. */
static bool advance(struct run *run)
{
    size_t running = 0;
    for (size_t i = 0; i < run->count && running < PARALLEL_LIMIT; i++) {
        if (!run->walks[i]->done && !walk_advance(run->walks[i])) {
            running++;
        }
    }
    return running > 0;
}

static void report(struct run *run)
{
    if (!run->json) {
        report_text_update(&run->text);
        return;
    }
    while (run->json_written < run->count && run->walks[run->json_written]->done) {
        report_json_write(run->walks[run->json_written++], run->text.stream);
        fflush(run->text.stream);
    }
}

/* Waits until something arrives, or a second has passed. */
static void wait_for_network(struct run *run)
{
    struct curl_waitfd fds[SOCKET_LIMIT];
    int milliseconds = WAIT_LONGEST;
    size_t count = resolver_wait_for(run->environment.resolver, fds, SOCKET_LIMIT, &milliseconds);
    fetcher_wait(run->environment.fetcher, fds, count, milliseconds);
    resolver_process(run->environment.resolver, fds, count);
    fetcher_process(run->environment.fetcher);
}

static long seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec;
}

/* A number that grows with everything that is told. */
static size_t progress(const struct run *run)
{
    return run->text.current * PART_COUNT + run->text.parts_written;
}

static void loop(struct run *run)
{
    long since = seconds_now();
    while (advance(run)) {
        /* What has just been started may be done already: then there is nothing to wait for. */
        bool finished = fetcher_process(run->environment.fetcher);
        size_t before = progress(run);
        report(run);
        since = progress(run) != before ? seconds_now() : since;
        if (!run->json && seconds_now() - since >= PATIENCE) {
            report_text_show_waiting(&run->text, seconds_now() - since);
        }
        if (!finished) {
            wait_for_network(run);
        }
    }
    report(run);
}

static int status_of(const struct run *run)
{
    int status = CHECK_WORKS;
    for (size_t i = 0; i < run->count; i++) {
        if (run->walks[i]->verdict == VERDICT_FAILS) {
            return CHECK_FAILS;
        }
        if (run->walks[i]->verdict == VERDICT_UNKNOWN) {
            status = CHECK_UNKNOWN;
        }
    }
    return status;
}

int check_run(const struct options *options, FILE *stream, struct problem *problem)
{
    struct run run = {.json = options->json};
    int status = -1;
    if (open_environment(&run, options, problem) && create_walks(&run, options, problem)) {
        run.text = (struct report_text){
            .stream = stream,
            .color = use_color(options, stream),
            .quiet = options->quiet,
            .terminal = isatty(fileno(stream)) && !options->quiet,
            .walks = run.walks,
            .count = run.count,
        };
        loop(&run);
        status = status_of(&run);
    }
    close_run(&run);
    return status;
}
