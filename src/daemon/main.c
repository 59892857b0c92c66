/* matrix-wellknownd: serves the documents by which a Matrix server is found. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/acme/issue.h"
#include "daemon/config/configuration.h"
#include "daemon/config/options.h"
#include "daemon/describe.h"
#include "daemon/describe_json.h"
#include "daemon/health.h"
#include "daemon/run.h"
#include "daemon/site/site_table.h"

/* Ends with what standard output has taken, so that `--print >/dev/full` does not look good. */
static bool flush_output(struct problem *problem)
{
    return fflush(stdout) == 0 || problem_set(problem, "cannot write to standard output: %m");
}

static bool print_document(const struct config *config, enum document document,
                           struct problem *problem)
{
    bool exists;
    char *text;

    if (config->domain_count != 1) {
        return problem_set_usage(problem,
                                 "--print: %zu domains are configured: say which with --domain "
                                 "NAME",
                                 config->domain_count);
    }
    text = site_document_render(&config->domains[0], document, &exists);
    if (!exists) {
        return problem_set(problem, "--print %s: \"%s\" has no such document: configure it first",
                           document_name(document), config->domains[0].name);
    }
    if (!text) {
        return problem_out_of_memory(problem);
    }
    puts(text);
    free(text);
    return true;
}

static bool write_challenge(const struct options *options, const char *directory,
                            struct problem *problem)
{
    if (!directory) {
        return problem_set_usage(problem, "--acme-challenge: no directory for challenges is known: "
                                          "set acme_alpn_dir in the configuration, or give "
                                          "--acme-alpn-dir DIR");
    }
    return acme_certificate_write(directory, options->challenge_name, options->key_authorization,
                                  problem) ||
           problem_prefix(problem, "--acme-challenge: ");
}

/* The commands that read the configuration once and end. */
static bool run_once(const struct options *options, struct problem *problem)
{
    const struct given *format = options_find(options, "format");
    struct config *config = config_load(options, problem);
    bool good;

    if (!config) {
        if (format && strcmp(format->text, "json") == 0) {
            describe_json(NULL, NULL, problem);
        }
        return false;
    }
    log_setup(config->log_level, config->log_format);
    if (options->command == COMMAND_TEST) {
        config_log(config);
    }
    switch (options->command) {
    case COMMAND_TEST:
        good = describe(config, config->format == LOG_FORMAT_JSON, problem);
        break;
    case COMMAND_PRINT:
        good = print_document(config, options->print, problem);
        break;
    case COMMAND_HEALTH_CHECK:
        good = health_check(config, problem);
        break;
    case COMMAND_ACME_CHALLENGE:
        good = write_challenge(options, config->acme_alpn_dir, problem);
        break;
    default:
        good = true;
    }
    config_free(config);
    return flush_output(problem) && good;
}

static bool execute(const struct options *options, struct problem *problem)
{
    const struct given *directory;

    switch (options->command) {
    case COMMAND_RUN:
        return run(options, problem);
    case COMMAND_HELP:
        settings_print_help(stdout);
        return flush_output(problem);
    case COMMAND_VERSION:
        puts("matrix-wellknownd " PACKAGE_VERSION);
        return flush_output(problem);
    case COMMAND_ACME_CHALLENGE:
        /* With the directory known, nothing of the configuration is needed. */
        directory = options_find(options, "acme_alpn_dir");
        return directory ? write_challenge(options, directory->text, problem)
                         : run_once(options, problem);
    default:
        return run_once(options, problem);
    }
}

int main(int argc, char **argv)
{
    struct options options;
    struct problem problem;
    int status = EXIT_SUCCESS;
    bool good = options_parse(&options, argc, argv, environ, &problem);

    log_open("matrix-wellknownd");
    log_setup(LOG_LEVEL_INFO, options.log_format);
    if (!good || !execute(&options, &problem)) {
        log_error("%s", problem.text);
        status = problem.status;
    }
    options_clear(&options);
    return status;
}
