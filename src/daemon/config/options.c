#include "daemon/config/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/setting.h"

enum value_kind {
    VALUE_NONE,      /* the option is a command */
    VALUE_PRINT,     /* --print's document */
    VALUE_CHALLENGE, /* --acme-challenge's name; the key authorization follows it */
    VALUE_TEXT,      /* char * */
    VALUE_LIST,      /* struct string_list */
    VALUE_BOOLEAN,   /* char *, "true" or "false"; the option stands alone and means true */
    VALUE_SWITCH,    /* bool, likewise */
};

/* One option of the command line, with the variable that stands for it. */
struct rule {
    const char *name;
    const char *variable; /* after MATRIX_WELLKNOWND_; NULL where there is none */
    enum value_kind kind;
    char letter; /* 0 where there is none */
    enum command command;
    size_t offset; /* of the member of struct options */
    bool (*check)(const char *text, struct problem *problem);
};

#define SETTING(kind, name, variable, letter, member, check)                               \
    {                                                                                      \
        name, variable, kind, letter, COMMAND_RUN, offsetof(struct options, member), check \
    }
#define COMMAND(kind, name, letter, command)       \
    {                                              \
        name, NULL, kind, letter, command, 0, NULL \
    }

static const struct rule rules[] = {
    SETTING(VALUE_TEXT, "config", "CONFIG", 'c', config, setting_check_text),
    SETTING(VALUE_TEXT, "server", "SERVER", 's', server, setting_check_server),
    SETTING(VALUE_TEXT, "client", "CLIENT", 'u', client, setting_check_base_url),
    SETTING(VALUE_TEXT, "identity-server", "IDENTITY_SERVER", 0, identity_server,
            setting_check_base_url),
    SETTING(VALUE_TEXT, "domain", "DOMAIN", 'd', domain, setting_check_domain),
    SETTING(VALUE_LIST, "listen", "LISTEN", 'l', listen, setting_check_address),
    SETTING(VALUE_LIST, "listen-http", "LISTEN_HTTP", 'p', listen_http, setting_check_address),
    SETTING(VALUE_TEXT, "certificate", "CERTIFICATE", 'C', certificate, setting_check_text),
    SETTING(VALUE_TEXT, "key", "KEY", 'K', key, setting_check_text),
    SETTING(VALUE_SWITCH, "self-signed", "SELF_SIGNED", 0, self_signed, setting_check_boolean),
    SETTING(VALUE_TEXT, "acme-alpn-dir", "ACME_ALPN_DIR", 0, acme_alpn_dir, setting_check_text),
    SETTING(VALUE_TEXT, "acme-webroot", "ACME_WEBROOT", 0, acme_webroot, setting_check_text),
    SETTING(VALUE_BOOLEAN, "http-redirect", "HTTP_REDIRECT", 0, http_redirect,
            setting_check_boolean),
    SETTING(VALUE_TEXT, "max-age", "MAX_AGE", 0, max_age, setting_check_max_age),
    SETTING(VALUE_LIST, "metrics-listen", "METRICS_LISTEN", 0, metrics_listen,
            setting_check_address),
    SETTING(VALUE_BOOLEAN, "access-log", "ACCESS_LOG", 0, access_log, setting_check_boolean),
    SETTING(VALUE_TEXT, "log-level", "LOG_LEVEL", 0, log_level, setting_check_log_level),
    SETTING(VALUE_TEXT, "log-format", "LOG_FORMAT", 0, log_format, setting_check_log_format),
    SETTING(VALUE_TEXT, "user", "USER", 0, user, setting_check_text),
    COMMAND(VALUE_NONE, "test", 't', COMMAND_TEST),
    SETTING(VALUE_TEXT, "format", NULL, 0, format, setting_check_log_format),
    COMMAND(VALUE_PRINT, "print", 0, COMMAND_PRINT),
    COMMAND(VALUE_NONE, "health-check", 0, COMMAND_HEALTH_CHECK),
    COMMAND(VALUE_CHALLENGE, "acme-challenge", 0, COMMAND_ACME_CHALLENGE),
    COMMAND(VALUE_NONE, "version", 'V', COMMAND_VERSION),
    COMMAND(VALUE_NONE, "help", 'h', COMMAND_HELP),
};

#define RULE_COUNT (sizeof(rules) / sizeof(*rules))

/* What getopt_long returns for the rule of index i; no letter is as large. */
#define RULE_VALUE(i) (256 + (int)(i))

static const char variable_prefix[] = "MATRIX_WELLKNOWND_";

/* Where the value of each rule came from. */
enum source {
    SOURCE_NONE,
    SOURCE_COMMAND_LINE,
    SOURCE_ENVIRONMENT,
};

/* One run of options_parse. */
struct parser {
    struct options *options;
    enum source sources[RULE_COUNT];
    const char *command; /* the option that set options->command, or NULL */
    struct problem *problem;
};

static bool takes_argument(const struct rule *rule)
{
    return rule->kind == VALUE_TEXT || rule->kind == VALUE_LIST || rule->kind == VALUE_PRINT ||
           rule->kind == VALUE_CHALLENGE;
}

/* The place of the member of `options` that the rule sets. */
static void *member(struct options *options, const struct rule *rule)
{
    return (char *)options + rule->offset;
}

static bool out_of_memory(struct problem *problem)
{
    return problem_set(problem, "out of memory");
}

static void string_list_clear(struct string_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct string_list){0};
}

/* Appends the first `length` bytes of `text`. */
static bool string_list_append(struct string_list *list, const char *text, size_t length)
{
    char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

    if (items == NULL) {
        return false;
    }
    list->items = items;
    items[list->count] = strndup(text, length);
    if (items[list->count] == NULL) {
        return false;
    }
    list->count++;
    return true;
}

/* Puts a value that has passed its check into its member of the options. */
static bool store(struct parser *parser, const struct rule *rule, const char *value)
{
    void *place = member(parser->options, rule);
    struct problem ignored;
    bool on = false;

    switch (rule->kind) {
    case VALUE_LIST:
        return string_list_append(place, value, strlen(value)) || out_of_memory(parser->problem);
    case VALUE_SWITCH:
        return setting_parse_boolean(value, place, parser->problem);
    case VALUE_BOOLEAN:
        setting_parse_boolean(value, &on, &ignored);
        value = on ? "true" : "false";
        break;
    default:
        break;
    }
    free(*(char **)place);
    *(char **)place = strdup(value);
    return *(char **)place != NULL || out_of_memory(parser->problem);
}

/* --- The command line --- */

static bool set_command(struct parser *parser, const struct rule *rule)
{
    if (parser->command != NULL && strcmp(parser->command, rule->name) != 0) {
        return problem_set_usage(parser->problem, "--%s and --%s exclude each other: give one",
                                 parser->command, rule->name);
    }
    parser->command = rule->name;
    parser->options->command = rule->command;
    return true;
}

static bool set_print(struct parser *parser, const char *name)
{

    if (!document_by_name(name, &parser->options->print)) {
        return problem_set_usage(
            parser->problem,
            "--print: \"%s\" is not a document: give server, client, support or policy_server",
            problem_excerpt(name).text);
    }
    return true;
}

static bool set_challenge(struct parser *parser, const char *name, const char *key_authorization)
{
    struct options *options = parser->options;

    if (key_authorization == NULL) {
        return problem_set_usage(parser->problem,
                                 "--acme-challenge needs two values: give NAME and "
                                 "KEY_AUTHORIZATION");
    }
    free(options->challenge_name);
    free(options->key_authorization);
    options->challenge_name = strdup(name);
    options->key_authorization = strdup(key_authorization);
    return (options->challenge_name != NULL && options->key_authorization != NULL) ||
           out_of_memory(parser->problem);
}

/* Takes an option; `next` is what follows its argument, or NULL. */
static bool take_option(struct parser *parser, const struct rule *rule, const char *argument,
                        const char *next)
{
    const char *value = takes_argument(rule) ? argument : "true";

    switch (rule->kind) {
    case VALUE_NONE:
        return set_command(parser, rule);
    case VALUE_PRINT:
        return set_command(parser, rule) && set_print(parser, argument);
    case VALUE_CHALLENGE:
        return set_command(parser, rule) && set_challenge(parser, argument, next);
    default:
        break;
    }
    parser->sources[rule - rules] = SOURCE_COMMAND_LINE;
    if (!rule->check(value, parser->problem)) {
        parser->problem->status = PROBLEM_USAGE;
        return problem_prefix(parser->problem, "--%s: ", rule->name);
    }
    return store(parser, rule, value);
}

/* Says which options the abbreviation `argument` could stand for: its name has `length` bytes. */
static bool refuse_ambiguous(struct parser *parser, const char *argument, size_t length)
{
    char list[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (strncmp(rules[i].name, argument + 2, length) == 0 && used < sizeof(list)) {
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s--%s",
                                     used == 0 ? "" : ", ", rules[i].name);
        }
    }
    return problem_set_usage(parser->problem, "the option \"%s\" is ambiguous: give one of %s",
                             problem_excerpt(argument).text, list);
}

/* Says what was wrong with an option that getopt_long refused; `argument` is where it stood. */
static bool refuse_option(struct parser *parser, const char *argument, int refused)
{
    size_t length;

    if (refused >= RULE_VALUE(0)) {
        return problem_set_usage(parser->problem, "--%s takes no value: leave out what follows =",
                                 rules[refused - RULE_VALUE(0)].name);
    }
    if (refused > ' ' && refused < 0x7f) {
        char option[] = {'-', (char)refused, '\0'};

        return problem_set_usage(parser->problem, "the option \"%s\" is unknown: see --help",
                                 problem_excerpt(option).text);
    }
    length = strcspn(argument + 2, "=");
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (length > 0 && strncmp(rules[i].name, argument + 2, length) == 0) {
            return refuse_ambiguous(parser, argument, length);
        }
    }
    return problem_set_usage(parser->problem, "the option \"%s\" is unknown: see --help",
                             problem_excerpt(argument).text);
}

/* Fills getopt_long's tables from the rules. */
static void fill_tables(struct option table[static RULE_COUNT + 1],
                        char letters[static RULE_COUNT * 2 + 2])
{
    size_t used = 0;

    letters[used++] = ':'; /* getopt_long writes no messages of its own */
    for (size_t i = 0; i < RULE_COUNT; i++) {
        bool argument = takes_argument(&rules[i]);

        table[i] = (struct option){.name = rules[i].name,
                                   .has_arg = argument ? required_argument : no_argument,
                                   .val = RULE_VALUE(i)};
        if (rules[i].letter != 0) {
            letters[used++] = rules[i].letter;
            if (argument) {
                letters[used++] = ':';
            }
        }
    }
    letters[used] = '\0';
    table[RULE_COUNT] = (struct option){0};
}

static const struct rule *find_rule(int value)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (value == RULE_VALUE(i) || (value != 0 && value == rules[i].letter)) {
            return &rules[i];
        }
    }
    return NULL;
}

static bool is_answered_at_once(enum command command)
{
    return command == COMMAND_HELP || command == COMMAND_VERSION;
}

static bool read_command_line(struct parser *parser, int argc, char **argv)
{
    struct option table[RULE_COUNT + 1];
    char letters[RULE_COUNT * 2 + 2];
    int value;

    fill_tables(table, letters);
    optind = 0; /* glibc: start afresh, also after an earlier call */
    while ((value = getopt_long(argc, argv, letters, table, NULL)) != -1) {
        const struct rule *rule = find_rule(value == ':' ? optopt : value);

        if (value == ':' && rule != NULL) {
            return problem_set_usage(parser->problem, "--%s needs a value: see --help", rule->name);
        }
        if (rule == NULL) {
            return refuse_option(parser, argv[optind - 1], optopt);
        }
        if (is_answered_at_once(rule->command)) {
            parser->options->command = rule->command;
            return true;
        }
        if (!take_option(parser, rule, optarg, argv[optind])) {
            return false;
        }
        if (rule->kind == VALUE_CHALLENGE) {
            optind++; /* also where it begins with a hyphen, as a key authorization may */
        }
    }
    if (optind < argc) {
        return problem_set_usage(parser->problem,
                                 "the argument \"%s\" belongs to no option: see --help",
                                 problem_excerpt(argv[optind]).text);
    }
    return true;
}

/* --- The environment --- */

static bool check_variable(struct parser *parser, const struct rule *rule, const char *value)
{
    if (rule->check(value, parser->problem)) {
        return true;
    }
    parser->problem->status = PROBLEM_USAGE;
    return problem_prefix(parser->problem, "%s%s: ", variable_prefix, rule->variable);
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

/* Takes the elements between the commas, without blanks around them; empty ones count for nothing.
 */
static bool take_variable_list(struct parser *parser, const struct rule *rule, const char *value)
{
    struct string_list *list = member(parser->options, rule);

    while (*value != '\0') {
        size_t length = strcspn(value, ",");
        const char *end = value + length;
        const char *next = *end == ',' ? end + 1 : end;

        while (value < end && is_blank(*value)) {
            value++;
        }
        while (value < end && is_blank(end[-1])) {
            end--;
        }
        if (value < end) {
            if (!string_list_append(list, value, (size_t)(end - value))) {
                return out_of_memory(parser->problem);
            }
            parser->sources[rule - rules] = SOURCE_ENVIRONMENT;
            if (!check_variable(parser, rule, list->items[list->count - 1])) {
                return false;
            }
        }
        value = next;
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

static bool warn_of_unknown_variable(struct parser *parser, const char *name, size_t length)
{
    struct problem warning;
    char *whole = NULL;

    if (asprintf(&whole, "%s%.*s", variable_prefix, (int)length, name) < 0) {
        return out_of_memory(parser->problem);
    }
    problem_set(&warning,
                "the environment variable %s is unknown: see matrix-wellknownd(8) for the names",
                problem_excerpt(whole).text);
    free(whole);
    return string_list_append(&parser->options->warnings, warning.text, strlen(warning.text)) ||
           out_of_memory(parser->problem);
}

/* Takes the variable `name` (of `length` bytes, without the prefix). */
static bool take_variable(struct parser *parser, const char *name, size_t length, const char *value)
{
    const struct rule *rule = NULL;

    for (size_t i = 0; i < RULE_COUNT && rule == NULL; i++) {
        const char *variable = rules[i].variable;

        if (variable != NULL && strlen(variable) == length && memcmp(variable, name, length) == 0) {
            rule = &rules[i];
        }
    }
    if (rule == NULL) {
        return is_service_variable(name, length) || warn_of_unknown_variable(parser, name, length);
    }
    if (*value == '\0' || parser->sources[rule - rules] != SOURCE_NONE) {
        return true;
    }
    if (rule->kind == VALUE_LIST) {
        return take_variable_list(parser, rule, value);
    }
    parser->sources[rule - rules] = SOURCE_ENVIRONMENT;
    return check_variable(parser, rule, value) && store(parser, rule, value);
}

static bool read_environment(struct parser *parser, char **environment)
{
    size_t prefix = sizeof(variable_prefix) - 1;

    for (char **entry = environment; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');

        if (equals == NULL || strncmp(*entry, variable_prefix, prefix) != 0) {
            continue;
        }
        if (!take_variable(parser, *entry + prefix, (size_t)(equals - *entry) - prefix,
                           equals + 1)) {
            return false;
        }
    }
    return true;
}

/* --- Both together --- */

/* The option or the variable that set the member of struct options at `offset`. */
static const char *given_as(const struct parser *parser, size_t offset, char text[static 64])
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (rules[i].variable == NULL || rules[i].offset != offset) {
            continue;
        }
        if (parser->sources[i] == SOURCE_ENVIRONMENT) {
            snprintf(text, 64, "%s%s", variable_prefix, rules[i].variable);
        } else {
            snprintf(text, 64, "--%s", rules[i].name);
        }
    }
    return text;
}

static bool check_together(struct parser *parser)
{
    const struct options *options = parser->options;
    size_t other = options->certificate != NULL ? offsetof(struct options, certificate)
                                                : offsetof(struct options, key);
    char names[2][64] = {"", ""};

    if (options->self_signed && (options->certificate != NULL || options->key != NULL)) {
        return problem_set_usage(parser->problem, "%s and %s exclude each other: give one",
                                 given_as(parser, offsetof(struct options, self_signed), names[0]),
                                 given_as(parser, other, names[1]));
    }
    return true;
}

bool options_parse(struct options *options, int argc, char **argv, char **environment,
                   struct problem *problem)
{
    struct parser parser = {.options = options, .problem = problem};

    *options = (struct options){.command = COMMAND_RUN};
    if (!read_command_line(&parser, argc, argv)) {
        return false;
    }
    if (is_answered_at_once(options->command)) {
        return true;
    }
    if (options->format && options->command != COMMAND_TEST) {
        return problem_set_usage(problem, "--format is for --test: give both, or neither");
    }
    return read_environment(&parser, environment) && check_together(&parser);
}

void options_clear(struct options *options)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (rules[i].kind == VALUE_TEXT || rules[i].kind == VALUE_BOOLEAN) {
            free(*(char **)member(options, &rules[i]));
        } else if (rules[i].kind == VALUE_LIST) {
            string_list_clear(member(options, &rules[i]));
        }
    }
    free(options->challenge_name);
    free(options->key_authorization);
    string_list_clear(&options->warnings);
    *options = (struct options){0};
}
