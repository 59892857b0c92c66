/* One run: all server names of the command line, in one event loop. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include <stddef.h>
#include <stdio.h>

#include "base/problem.h"
#include "check/options.h"

enum {
    CHECK_WORKS = 0,
    CHECK_FAILS = 1,
    CHECK_UNKNOWN = 3,
};

/* Checks every name of `options` and writes the report to `stream`. Returns the exit status:
   CHECK_WORKS, CHECK_FAILS, CHECK_UNKNOWN; or -1 and a problem where it could not begin. */
int check_run(const struct options *options, FILE *stream, struct problem *problem);

#endif
