/* The command line and the environment: a line is a variable where it looks like one of ours, else
   an argument. Where they are a whole configuration, by themselves or with a file that stands for
   whichever they name, it is put together. */
#include "fuzz.h"

#include "daemon/config/configuration.h"
#include "daemon/config/options.h"
#include "daemon/config/settings.h"

enum {
    LIMIT = 64
};

static struct fuzz_file file;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char text[] = "listen = { \"[::]:443\" }\nmetrics_listen = { \"9090\" }\n"
                               "domain \"example.com\" { server = \"m.example:1\" }\n"
                               "domain \"*\" { client = \"https://m.example\" }\n";

    (void)argc;
    (void)argv;
    file = fuzz_file_new();
    fuzz_file_fill(&file, text, strlen(text));
    return 0;
}

/* Puts the configuration together; a file that is named is this one. */
static void use(struct options *options)
{
    struct problem problem;
    struct config *config;

    if (options->command != COMMAND_RUN ||
        !(options_find(options, "config") || options_find(options, "server"))) {
        return;
    }
    for (size_t i = 0; i < options->value_count; i++) {
        if (strcmp(options->values[i].setting->name, "config") == 0 &&
            *options->values[i].text != '\0') {
            free(options->values[i].text);
            options->values[i].text = strdup(file.path);
            MUST(options->values[i].text);
        }
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
