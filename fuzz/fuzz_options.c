/* The command line and the environment: a line is a variable where it looks like one of ours, else
   an argument. Where they are a whole configuration by themselves, it is put together. */
#include "fuzz.h"

#include "daemon/config.h"
#include "daemon/options.h"

enum {
    LIMIT = 64
};

static void use(const struct options *options)
{
    struct problem problem;
    struct config *config;

    if (options->command != COMMAND_RUN || options->config || !options->server) {
        return;
    }
    config = config_load(options, &problem);
    if (!config) {
        fuzz_check_problem(&problem);
    }
    config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *arguments[LIMIT + 2] = {(char *)"matrix-wellknownd"};
    char *environment[LIMIT + 1] = {NULL};
    struct options options;
    struct problem problem;
    int argument_count = 1, variable_count = 0;
    char *rest = text;

    for (int i = 0; i < LIMIT && rest; i++) {
        char *line = strsep(&rest, "\n");

        if (strncmp(line, "MATRIX_WELLKNOWND_", 18) == 0) {
            environment[variable_count++] = line;
        } else {
            arguments[argument_count++] = line;
        }
    }
    if (options_parse(&options, argument_count, arguments, environment, &problem)) {
        use(&options);
    } else {
        fuzz_check_problem(&problem);
    }
    options_clear(&options);
    free(text);
    return 0;
}
