/* A folder of its own for configuration files, and loading them as the daemon would. */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/configuration.h"
#include "unit.h"

#define ARGUMENTS(...) ((const char *[]){"matrix-wellknownd", __VA_ARGS__, NULL})

static char fixture_folder[4096];

static inline int fixture_remove(const char *path, const struct stat *status, int flag,
                                 struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

/* Makes an empty folder the current one. */
static inline int fixture_open(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    snprintf(fixture_folder, sizeof(fixture_folder), "%s/wellknownd-test-XXXXXX",
             parent != NULL ? parent : "/tmp");
    return mkdtemp(fixture_folder) != NULL && chdir(fixture_folder) == 0 ? 0 : -1;
}

static inline int fixture_close(void **state)
{
    (void)state;
    return chdir("/") == 0 ? nftw(fixture_folder, fixture_remove, 16, FTW_DEPTH | FTW_PHYS) : -1;
}

static inline void write_bytes(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* Loads what the arguments and the environment of the daemon ask for. */
static inline struct config *load_with(const char **arguments, const char **environment,
                                       struct problem *problem)
{
    struct options options;
    struct config *config = NULL;
    char *argv[64];
    int argc = 0;

    while (arguments[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)arguments[argc];
        argc++;
    }
    argv[argc] = NULL;
    *problem = (struct problem){.text = ""};
    if (options_parse(&options, argc, argv, (char **)(uintptr_t)environment, problem)) {
        config = config_load(&options, problem);
    }
    options_clear(&options);
    return config;
}

static inline struct config *load(const char **arguments)
{
    const char *environment[] = {NULL};
    struct problem problem;
    struct config *config = load_with(arguments, environment, &problem);

    if (config == NULL) {
        fail_msg("refused: %s", problem.text);
    }
    return config;
}

/* Loads `text` as the file test.conf. */
static inline struct config *load_text(const char *text)
{
    write_file("test.conf", text);
    return load(ARGUMENTS("--config", "test.conf"));
}

static inline void assert_refused(const char **arguments, int status, const char *expected)
{
    const char *environment[] = {NULL};
    struct problem problem;
    struct config *config = load_with(arguments, environment, &problem);

    if (config != NULL) {
        config_free(config);
        fail_msg("accepted, though it should say: %s", expected);
    }
    assert_int_equal(problem.status, status);
    problem.status = PROBLEM_FAILURE;
    assert_says(&problem, expected);
    assert_non_null(strstr(problem.text, ": "));
}

/* `text` as the file test.conf is refused by a message that begins with the place and goes on with
   the rest of `expected`. */
static inline void assert_text_refused(const char *text, const char *expected)
{
    write_file("test.conf", text);
    assert_refused(ARGUMENTS("--config", "test.conf"), PROBLEM_FAILURE, expected);
}

static inline void assert_warns(const struct config *config, const char *expected)
{
    for (size_t i = 0; i < config->warning_count; i++) {
        if (strstr(config->warnings[i], expected) != NULL) {
            return;
        }
    }
    fail_msg("none of %zu warnings says: %s", config->warning_count, expected);
}

static inline void assert_notes(const struct config *config, const char *expected)
{
    for (size_t i = 0; i < config->note_count; i++) {
        if (strstr(config->notes[i], expected) != NULL) {
            return;
        }
    }
    fail_msg("none of %zu notes says: %s", config->note_count, expected);
}

static inline const struct domain_config *domain_of(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        if (strcmp(config->domains[i].name, name) == 0) {
            return &config->domains[i];
        }
    }
    fail_msg("there is no domain %s", name);
    return NULL;
}

#endif
