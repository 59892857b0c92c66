#include "daemon/config/origin.h"

#include <ctype.h>
#include <stdio.h>

const char *setting_option(const char *name, char text[static SETTING_NAME_SIZE])
{
    snprintf(text, SETTING_NAME_SIZE, "--%s", name);
    for (char *letter = text; *letter != '\0'; letter++) {
        *letter = *letter == '_' ? '-' : *letter;
    }
    return text;
}

const char *setting_variable(const char *name, char text[static SETTING_NAME_SIZE])
{
    snprintf(text, SETTING_NAME_SIZE, SETTING_VARIABLE_PREFIX "%s", name);
    for (char *letter = text; *letter != '\0'; letter++) {
        *letter = (char)toupper((unsigned char)*letter);
    }
    return text;
}

const char *origin_text(const struct origin *origin, char text[static ORIGIN_TEXT_SIZE])
{
    switch (origin->source) {
    case SOURCE_FILE:
        snprintf(text, ORIGIN_TEXT_SIZE, "%s:%u", origin->file, origin->line);
        break;
    case SOURCE_ENVIRONMENT:
        return setting_variable(origin->key, text);
    case SOURCE_COMMAND_LINE:
        return setting_option(origin->key, text);
    case SOURCE_DEFAULT:
        snprintf(text, ORIGIN_TEXT_SIZE, "the default");
        break;
    }
    return text;
}

bool origin_blame(const struct origin *origin, struct problem *problem)
{
    char text[ORIGIN_TEXT_SIZE];

    if (origin->source != SOURCE_DEFAULT) {
        problem->status = origin->source == SOURCE_FILE ? PROBLEM_FAILURE : PROBLEM_USAGE;
        problem_prefix(problem, "%s: ", origin_text(origin, text));
    }
    return false;
}
