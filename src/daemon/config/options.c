#include "daemon/config/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "daemon/config/settings.h"

/* What getopt_long returns for the setting of index i; no letter is as large. */
#define OPTION_VALUE(i) (256 + (int)(i))

static const struct {
    const char *name;
    enum command command;
} commands[] = {
    {"test", COMMAND_TEST},
    {"print", COMMAND_PRINT},
    {"health_check", COMMAND_HEALTH_CHECK},
    {"acme_challenge", COMMAND_ACME_CHALLENGE},
    {"version", COMMAND_VERSION},
    {"help", COMMAND_HELP},
};

/* One run of options_parse. It goes on after the first problem, to learn the log's format. */
struct parser {
    struct options *options;
    const struct setting *command; /* the option that set options->command, or NULL */
    struct problem *problem;       /* the first one, or its status is 0 */
};

static bool is_command(const struct setting *setting, enum command command)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (commands[i].command == command) {
            return setting->kind == SETTING_COMMAND && strcmp(setting->name, commands[i].name) == 0;
        }
    }
    return false;
}

/* Sets the problem, if it is the first. Returns false. */
static bool refuse(struct parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct parser *parser, const char *format, ...)
{
    char text[sizeof(parser->problem->text)];
    va_list arguments;

    if (parser->problem->status == 0) {
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        problem_set_usage(parser->problem, "%s", text);
    }
    return false;
}

static bool out_of_memory(struct parser *parser)
{
    return parser->problem->status == 0 ? problem_out_of_memory(parser->problem) : false;
}

/* --- Values --- */

const struct given *options_find(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->value_count; i++) {
        if (strcmp(options->values[i].setting->name, name) == 0) {
            return &options->values[i];
        }
    }
    return NULL;
}

static bool add_value(struct parser *parser, const struct setting *setting, bool by_variable,
                      const char *text, size_t length)
{
    struct options *options = parser->options;
    struct given *values = reallocarray(options->values, options->value_count + 1, sizeof(*values));

    if (!values) {
        return out_of_memory(parser);
    }
    options->values = values;
    values[options->value_count] = (struct given){setting, by_variable, strndup(text, length)};
    if (!values[options->value_count].text) {
        return out_of_memory(parser);
    }
    options->value_count++;
    return true;
}

/* Compose's list form and unit files keep quotes that a shell takes away. */
static bool is_quoted(const char *text, size_t length)
{
    return length >= 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text;
}

/* Takes a value, in place of an earlier one where it is no list's. */
static bool take_value(struct parser *parser, const struct setting *setting, bool by_variable,
                       const char *text, size_t length)
{
    struct options *options = parser->options;
    char name[SETTING_NAME_SIZE];

    if (is_quoted(text, length)) {
        char *copy = strndup(text, length);

        refuse(parser, "%s: the value %s has quotation marks around it: remove the quotes",
               by_variable ? setting_variable(setting->name, name)
                           : setting_option(setting->name, name),
               problem_excerpt(copy ? copy : "").text);
        free(copy);
        return false;
    }
    for (size_t i = 0; setting->kind != SETTING_ADDRESSES && i < options->value_count; i++) {
        struct given *given = &options->values[i];

        if (given->setting == setting) {
            char *copy = strndup(text, length);

            free(copy ? given->text : NULL);
            given->text = copy ? copy : given->text;
            return copy || out_of_memory(parser);
        }
    }
    return add_value(parser, setting, by_variable, text, length);
}

/* --- The command line --- */

static bool set_command(struct parser *parser, const struct setting *setting)
{
    char first[SETTING_NAME_SIZE], second[SETTING_NAME_SIZE];

    if (parser->command && parser->command != setting) {
        return refuse(parser, "%s and %s exclude each other: give one",
                      setting_option(parser->command->name, first),
                      setting_option(setting->name, second));
    }
    parser->command = setting;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (is_command(setting, commands[i].command)) {
            parser->options->command = commands[i].command;
        }
    }
    return true;
}

static bool set_print(struct parser *parser, const char *name)
{
    return document_by_name(name, &parser->options->print) ||
           refuse(parser,
                  "--print: \"%s\" is not a document: give server, client, support or "
                  "policy_server",
                  problem_excerpt(name).text);
}

static bool set_challenge(struct parser *parser, const char *name, const char *key_authorization)
{
    struct options *options = parser->options;

    if (!key_authorization) {
        return refuse(parser, "--acme-challenge needs two values: give NAME and KEY_AUTHORIZATION");
    }
    free(options->challenge_name);
    free(options->key_authorization);
    options->challenge_name = strdup(name);
    options->key_authorization = strdup(key_authorization);
    return (options->challenge_name && options->key_authorization) || out_of_memory(parser);
}

/* Takes an option; `next` is what follows its argument, or NULL. */
static bool take_option(struct parser *parser, const struct setting *setting, const char *argument,
                        const char *next)
{
    if (setting->kind != SETTING_COMMAND) {
        const char *value = setting->argument ? argument : "true";

        return take_value(parser, setting, false, value, strlen(value));
    }
    return set_command(parser, setting) &&
           (!is_command(setting, COMMAND_PRINT) || set_print(parser, argument)) &&
           (!is_command(setting, COMMAND_ACME_CHALLENGE) || set_challenge(parser, argument, next));
}

/* Says which options the abbreviation `argument` could stand for: its name has `length` bytes. */
static bool refuse_ambiguous(struct parser *parser, const char *argument, size_t length)
{
    char list[256] = "", name[SETTING_NAME_SIZE];
    size_t used = 0;

    for (size_t i = 0; setting_at(i); i++) {
        setting_option(setting_at(i)->name, name);
        if ((setting_at(i)->where & ON_COMMAND_LINE) && used < sizeof(list) &&
            strncmp(name, argument, length) == 0) {
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
                                     used == 0 ? "" : ", ", name);
        }
    }
    if (used == 0) {
        return refuse(parser, "the option \"%s\" is unknown: see --help",
                      problem_excerpt(argument).text);
    }
    return refuse(parser, "the option \"%s\" is ambiguous: give one of %s",
                  problem_excerpt(argument).text, list);
}

/* Says what was wrong with an option that getopt_long refused; `argument` is where it stood. */
static bool refuse_option(struct parser *parser, const char *argument, int refused)
{
    char name[SETTING_NAME_SIZE];
    size_t length = strcspn(argument, "=");

    if (refused >= OPTION_VALUE(0)) {
        return refuse(parser, "%s takes no value: leave out what follows =",
                      setting_option(setting_at((size_t)(refused - OPTION_VALUE(0)))->name, name));
    }
    if (refused > ' ' && refused < 0x7f) {
        return refuse(parser, "the option \"-%c\" is unknown: see --help", refused);
    }
    if (length <= 2) {
        return refuse(parser, "the option \"%s\" is unknown: see --help",
                      problem_excerpt(argument).text);
    }
    return refuse_ambiguous(parser, argument, length);
}

/* getopt_long's form of the table. */
struct option_table {
    struct option options[SETTING_LIMIT + 1];
    char names[SETTING_LIMIT][SETTING_NAME_SIZE];
    char letters[SETTING_LIMIT * 2 + 2];
};

static void fill_table(struct option_table *table)
{
    size_t count = 0, used = 0;

    table->letters[used++] = ':'; /* getopt_long writes no messages of its own */
    for (size_t i = 0; setting_at(i); i++) {
        const struct setting *setting = setting_at(i);

        if (!(setting->where & ON_COMMAND_LINE)) {
            continue;
        }
        table->options[count] = (struct option){
            .name = setting_option(setting->name, table->names[count]) + 2,
            .has_arg = setting->argument ? required_argument : no_argument,
            .val = OPTION_VALUE(i),
        };
        count++;
        if (setting->letter) {
            table->letters[used++] = setting->letter;
            table->letters[used] = ':';
            used += setting->argument != NULL;
        }
    }
    table->letters[used] = '\0';
    table->options[count] = (struct option){0};
}

static const struct setting *setting_by_value(int value)
{
    for (size_t i = 0; setting_at(i); i++) {
        if (value == OPTION_VALUE(i) || (value != 0 && value == setting_at(i)->letter)) {
            return setting_at(i);
        }
    }
    return NULL;
}

static bool is_answered_at_once(enum command command)
{
    return command == COMMAND_HELP || command == COMMAND_VERSION;
}

static void read_command_line(struct parser *parser, int argc, char **argv)
{
    struct option_table table;
    char name[SETTING_NAME_SIZE];
    int value;

    fill_table(&table);
    optind = 0; /* glibc: start afresh, also after an earlier call */
    while ((value = getopt_long(argc, argv, table.letters, table.options, NULL)) != -1) {
        const struct setting *setting = setting_by_value(value == ':' ? optopt : value);

        if (value == ':' && setting) {
            refuse(parser, "%s needs a value: see --help", setting_option(setting->name, name));
        } else if (!setting) {
            refuse_option(parser, argv[optind - 1], optopt);
        } else if (is_command(setting, COMMAND_HELP) || is_command(setting, COMMAND_VERSION)) {
            /* Whatever else is there, but for what was wrong before. */
            parser->command = NULL;
            set_command(parser, setting);
            return;
        } else {
            take_option(parser, setting, optarg, argv[optind]);
            /* Also where it begins with a hyphen, as a key authorization may. */
            optind += is_command(setting, COMMAND_ACME_CHALLENGE) && argv[optind];
        }
    }
    if (optind < argc) {
        refuse(parser, "the argument \"%s\" belongs to no option: see --help",
               problem_excerpt(argv[optind]).text);
    }
}

/* --- The environment --- */

/* Takes the elements between the commas, without blanks around them; empty ones count for nothing.
 */
static bool take_list(struct parser *parser, const struct setting *setting, const char *value)
{
    static const char blanks[] = " \t\r\n";

    while (*value != '\0') {
        size_t whole = strcspn(value, ",");
        size_t blank = strspn(value, blanks);
        size_t length = whole;

        while (length > blank && strchr(blanks, value[length - 1])) {
            length--;
        }
        if (length > blank && !take_value(parser, setting, true, value + blank, length - blank)) {
            return false;
        }
        value += whole + (value[whole] == ',');
    }
    return true;
}

/* Kubernetes sets these for a service that is called like the program. */
static bool is_service_variable(const char *name, size_t length)
{
    return (length >= 12 && strncmp(name, "SERVICE_HOST", 12) == 0) ||
           (length >= 12 && strncmp(name, "SERVICE_PORT", 12) == 0) ||
           (length == 4 && strncmp(name, "PORT", 4) == 0) ||
           (length > 5 && strncmp(name, "PORT_", 5) == 0);
}

static bool note_unknown_variable(struct parser *parser, const char *name, size_t length)
{
    struct options *options = parser->options;
    char **unknown =
        reallocarray(options->unknown_variables, options->unknown_count + 1, sizeof(*unknown));

    if (!unknown) {
        return out_of_memory(parser);
    }
    options->unknown_variables = unknown;
    unknown[options->unknown_count] = strndup(name, length);
    if (!unknown[options->unknown_count]) {
        return out_of_memory(parser);
    }
    options->unknown_count++;
    return true;
}

/* Takes the variable `name`, which has `length` bytes, with the prefix. */
static bool take_variable(struct parser *parser, const char *name, size_t length, const char *value)
{
    const size_t prefix = strlen(SETTING_VARIABLE_PREFIX);
    const struct setting *setting = NULL;
    const struct given *earlier;
    char known[SETTING_NAME_SIZE];

    for (size_t i = 0; setting_at(i) && !setting; i++) {
        setting_variable(setting_at(i)->name, known);
        if ((setting_at(i)->where & IN_ENVIRONMENT) && strlen(known) == length &&
            memcmp(known, name, length) == 0) {
            setting = setting_at(i);
        }
    }
    if (!setting) {
        return is_service_variable(name + prefix, length - prefix) ||
               note_unknown_variable(parser, name, length);
    }
    earlier = options_find(parser->options, setting->name);
    if (*value == '\0' || earlier) {
        return true;
    }
    return setting->kind == SETTING_ADDRESSES && !is_quoted(value, strlen(value))
               ? take_list(parser, setting, value)
               : take_value(parser, setting, true, value, strlen(value));
}

static void read_environment(struct parser *parser, char **environment)
{
    for (char **entry = environment; *entry; entry++) {
        const char *equals = strchr(*entry, '=');

        if (equals &&
            strncmp(*entry, SETTING_VARIABLE_PREFIX, strlen(SETTING_VARIABLE_PREFIX)) == 0) {
            take_variable(parser, *entry, (size_t)(equals - *entry), equals + 1);
        }
    }
}

/* --- Both together --- */

bool options_parse(struct options *options, int argc, char **argv, char **environment,
                   struct problem *problem)
{
    struct parser parser = {.options = options, .problem = problem};
    const struct given *format;

    *options = (struct options){.command = COMMAND_RUN};
    problem->status = 0;
    read_command_line(&parser, argc, argv);
    if (!is_answered_at_once(options->command)) {
        read_environment(&parser, environment);
    }
    if (options_find(options, "format") && options->command != COMMAND_TEST) {
        refuse(&parser, "--format is for --test: give both, or neither");
    }
    format = options_find(options, "log_format");
    if (format && strcmp(format->text, "json") == 0) {
        options->log_format = LOG_FORMAT_JSON;
    }
    return problem->status == 0;
}

static void free_strings(char **strings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(strings[i]);
    }
    free(strings);
}

void options_clear(struct options *options)
{
    for (size_t i = 0; i < options->value_count; i++) {
        free(options->values[i].text);
    }
    free(options->values);
    free_strings(options->unknown_variables, options->unknown_count);
    free(options->challenge_name);
    free(options->key_authorization);
    *options = (struct options){0};
}
