/* The tester's command line. */
#ifndef CHECK_OPTIONS_H
#define CHECK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

enum command {
    COMMAND_CHECK,
    COMMAND_HELP,
    COMMAND_VERSION,
};

enum color {
    COLOR_AUTO,
    COLOR_ALWAYS,
    COLOR_NEVER,
};

/* Texts point into argv. */
struct options {
    enum command command;
    bool json;
    bool quiet;
    bool check_client;
    enum color color;
    int family;  /* AF_UNSPEC, AF_INET or AF_INET6 */
    int timeout; /* seconds */
    const char *ca;
    char **dns;
    size_t dns_count;
    char **resolve;
    size_t resolve_count;
    char **names;
    size_t name_count;
};

/* Reads argv. The caller calls options_clear in any case. On failure returns false with a
   PROBLEM_USAGE that names the option and what would be right. */
bool options_parse(struct options *options, int argc, char **argv, struct problem *problem);

void options_clear(struct options *options);

/* The text of --help. */
extern const char options_help[];

#endif
