#include "check/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "check/discovery/discovery.h"
#include "check/net/limits.h"
#include "check/net/net.h"
#include "check/report_json.h"
#include "check/report_text.h"

enum {
    WAIT_LONGEST = 1000, /* milliseconds between updates of the waiting line */
    SHOW_AFTER = 1,      /* seconds until what is waited for is shown */
};

/* A run: its names, and how far it has come. */
struct run {
    struct network network;
    struct discovery **discoveries;
    size_t count;
    size_t json_written;
    bool json;
    struct report_text text;
};

static bool open_network(struct run *run, const struct options *options, struct problem *problem)
{
    struct network_settings settings = {
        .dns = options->dns,
        .dns_count = options->dns_count,
        .resolve = options->resolve,
        .resolve_count = options->resolve_count,
        .ca = options->ca,
        .family = options->family,
        .timeout = options->timeout,
    };
    return network_open(&run->network, &settings, problem);
}

static bool create_discoveries(struct run *run, const struct options *options,
                               struct problem *problem)
{
    run->discoveries = calloc(options->name_count, sizeof(*run->discoveries));
    if (!run->discoveries) {
        return problem_out_of_memory(problem);
    }
    for (size_t i = 0; i < options->name_count; i++) {
        run->discoveries[i] =
            discovery_create(options->names[i], &run->network, options->check_client, problem);
        if (!run->discoveries[i]) {
            return false;
        }
        run->count++;
    }
    return true;
}

static void close_run(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        discovery_free(run->discoveries[i]);
    }
    free(run->discoveries);
    network_close(&run->network);
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
    return isatty(fileno(stream)) && (!no_color || no_color[0] == '\0');
}

/* Advances every discovery, in order, with at most PARALLEL_CHECK_LIMIT of them under way; false
   when all are done. */
static bool advance(struct run *run)
{
    size_t running = 0;
    for (size_t i = 0; i < run->count && running < PARALLEL_CHECK_LIMIT; i++) {
        if (!run->discoveries[i]->done && !discovery_advance(run->discoveries[i])) {
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
    while (run->json_written < run->count && run->discoveries[run->json_written]->done) {
        report_json_write(run->discoveries[run->json_written++], run->text.stream);
        fflush(run->text.stream);
    }
}

static long seconds_now(void)
{
    return (long)(monotonic_milliseconds() / 1000);
}

/* A number that grows with every part that is written. */
static size_t progress(const struct run *run)
{
    return run->text.current * PART_COUNT + run->text.parts_written;
}

static void loop(struct run *run)
{
    long since = seconds_now();
    while (advance(run)) {
        /* A request that has just been started may have finished already. */
        bool finished = network_process(&run->network);
        size_t before = progress(run);
        report(run);
        since = progress(run) != before ? seconds_now() : since;
        if (!run->json && seconds_now() - since >= SHOW_AFTER) {
            report_text_show_waiting(&run->text, seconds_now() - since);
        }
        if (!finished) {
            network_wait(&run->network, WAIT_LONGEST);
        }
    }
    report(run);
}

static int status_of(const struct run *run)
{
    int status = CHECK_WORKS;
    for (size_t i = 0; i < run->count; i++) {
        if (run->discoveries[i]->verdict == VERDICT_FAILS) {
            return CHECK_FAILS;
        }
        if (run->discoveries[i]->verdict == VERDICT_UNKNOWN) {
            status = CHECK_UNKNOWN;
        }
    }
    return status;
}

int check_run(const struct options *options, FILE *stream, struct problem *problem)
{
    struct run run = {.json = options->json};
    int status = -1;
    if (open_network(&run, options, problem) && create_discoveries(&run, options, problem)) {
        run.text = (struct report_text){
            .stream = stream,
            .color = use_color(options, stream),
            .quiet = options->quiet,
            .terminal = isatty(fileno(stream)) && !options->quiet,
            .discoveries = run.discoveries,
            .count = run.count,
        };
        loop(&run);
        status = status_of(&run);
    }
    close_run(&run);
    return status;
}
