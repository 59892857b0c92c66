/* A finished discovery as a JSON object for scripts; matrix-delegation-check(1) has its keys. */
#ifndef CHECK_REPORT_JSON_H
#define CHECK_REPORT_JSON_H

#include <stdio.h>

#include "check/discovery/discovery.h"

/* Writes the object on one line. */
void report_json_write(const struct discovery *discovery, FILE *stream);

#endif
