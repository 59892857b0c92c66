#include "daemon/config/setting.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/config/address.h"
#include "matrix/server_name.h"
#include "matrix/url.h"

bool setting_check_text(const char *text, struct problem *problem)
{
    if (*text == '\0') {
        return problem_set(problem, "the value is empty: give one, or leave the setting out");
    }
    return true;
}

bool setting_check_server(const char *text, struct problem *problem)
{
    struct server_name name;

    return server_name_parse_target(text, &name, problem);
}

bool setting_check_base_url(const char *text, struct problem *problem)
{
    return url_check(text, false, problem);
}

bool setting_check_redirect(const char *text, struct problem *problem)
{

    /* The path and the query of each request are put after it, so it can have neither of these. */
    if (text[strcspn(text, "?#")] != '\0') {
        return problem_set(
            problem,
            "\"%s\" has a query or a fragment: give the URL that the request's own path "
            "and query are put after, for example \"https://www.example.com\"",
            problem_excerpt(text).text);
    }
    return url_check(text, false, problem);
}

bool setting_check_page(const char *text, struct problem *problem)
{
    return url_check(text, true, problem);
}

bool setting_check_domain(const char *text, struct problem *problem)
{
    char *name = setting_parse_domain(text, problem);

    free(name);
    return name != NULL;
}

bool setting_check_address(const char *text, struct problem *problem)
{
    struct address address;

    return address_parse(text, &address, problem);
}

bool setting_check_max_age(const char *text, struct problem *problem)
{
    unsigned seconds;

    return setting_parse_max_age(text, &seconds, problem);
}

bool setting_check_boolean(const char *text, struct problem *problem)
{
    bool value;

    return setting_parse_boolean(text, &value, problem);
}

bool setting_check_log_level(const char *text, struct problem *problem)
{
    enum log_level level;

    return setting_parse_log_level(text, &level, problem);
}

bool setting_check_log_format(const char *text, struct problem *problem)
{
    enum log_format format;

    return setting_parse_log_format(text, &format, problem);
}

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

char *setting_parse_domain(const char *text, struct problem *problem)
{
    struct server_name parsed;
    size_t length = strlen(text);
    char *name;

    if (!is_ascii(text)) {
        problem_set(
            problem,
            "\"%s\" is not ASCII: write the xn-- form, which HTTP clients send (idn2 prints it)",
            problem_excerpt(text).text);
        return NULL;
    }
    if (length > 1 && strchr(text, '*') != NULL) {
        problem_set(problem,
                    "\"%s\" is a pattern: name every domain by itself, or \"*\" for any other host",
                    problem_excerpt(text).text);
        return NULL;
    }
    if (length > 1 && text[length - 1] == '.') {
        length--;
    }
    name = strndup(text, length);
    if (name == NULL) {
        problem_set(problem, "out of memory");
        return NULL;
    }
    for (char *letter = name; *letter != '\0'; letter++) {
        *letter = (char)tolower((unsigned char)*letter);
    }
    if (strcmp(name, "*") != 0 && !server_name_parse_host(name, &parsed, problem)) {
        free(name);
        return NULL;
    }
    return name;
}

bool setting_parse_number(const char *text, unsigned minimum, unsigned maximum, const char *unit,
                          unsigned *value, struct problem *problem)
{
    unsigned long long number = 0;

    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return problem_set(problem, "\"%s\" is not a whole number: give one from %u to %u%s",
                           problem_excerpt(text).text, minimum, maximum, unit);
    }
    for (const char *digit = text; *digit != '\0' && number <= maximum; digit++) {
        number = number * 10 + (unsigned)(*digit - '0');
    }
    if (number < minimum || number > maximum) {
        return problem_set(problem, "\"%s\" is too %s: give a number from %u to %u%s",
                           problem_excerpt(text).text, number < minimum ? "small" : "large",
                           minimum, maximum, unit);
    }
    *value = (unsigned)number;
    return true;
}

bool setting_parse_max_age(const char *text, unsigned *seconds, struct problem *problem)
{
    return setting_parse_number(text, 0, MAX_AGE_LIMIT,
                                " seconds (homeservers cache for 48 hours at most)", seconds,
                                problem);
}

bool setting_parse_boolean(const char *text, bool *value, struct problem *problem)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
        bool matches = strcasecmp(text, yes[i]) == 0;

        if (matches || strcasecmp(text, no[i]) == 0) {
            *value = matches;
            return true;
        }
    }
    return problem_set(problem, "\"%s\" is neither true nor false: give one of the two",
                       problem_excerpt(text).text);
}

/* The place of `text` among `count` words; `count` where it is none of them. */
static size_t find_word(const char *text, const char *const words[], size_t count)
{
    size_t i = 0;

    while (i < count && strcmp(text, words[i]) != 0) {
        i++;
    }
    return i;
}

bool setting_parse_log_level(const char *text, enum log_level *level, struct problem *problem)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
                                            LOG_LEVEL_DEBUG};
    size_t count = sizeof(words) / sizeof(*words);
    size_t found = find_word(text, words, count);

    if (found == count) {
        return problem_set(problem, "\"%s\" is not a log level: give error, warning, info or debug",
                           problem_excerpt(text).text);
    }
    *level = levels[found];
    return true;
}

bool setting_parse_log_format(const char *text, enum log_format *format, struct problem *problem)
{
    static const char *const words[] = {"text", "json"};
    static const enum log_format formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_JSON};
    size_t count = sizeof(words) / sizeof(*words);
    size_t found = find_word(text, words, count);

    if (found == count) {
        return problem_set(problem, "\"%s\" is not a log format: give text or json",
                           problem_excerpt(text).text);
    }
    *format = formats[found];
    return true;
}
