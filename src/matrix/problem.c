#include "matrix/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void problem_write(struct problem *problem, int status, const char *format,
                          va_list arguments) __attribute__((format(printf, 3, 0)));

static void problem_write(struct problem *problem, int status, const char *format,
                          va_list arguments)
{
    problem->status = status;
    vsnprintf(problem->text, sizeof(problem->text), format, arguments);
}

bool problem_set(struct problem *problem, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    problem_write(problem, PROBLEM_FAILURE, format, arguments);
    va_end(arguments);
    return false;
}

bool problem_set_usage(struct problem *problem, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    problem_write(problem, PROBLEM_USAGE, format, arguments);
    va_end(arguments);
    return false;
}

bool problem_prefix(struct problem *problem, const char *format, ...)
{
    char text[sizeof(problem->text)];
    va_list arguments;
    int length;

    memcpy(text, problem->text, sizeof(text));
    va_start(arguments, format);
    length = vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof(problem->text)) {
        snprintf(problem->text + length, sizeof(problem->text) - (size_t)length, "%s", text);
    }
    return false;
}
