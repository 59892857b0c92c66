/* A finished walk as a JSON object for scripts; matrix-delegation-check(1) has its keys. */
#ifndef CHECK_REPORT_JSON_H
#define CHECK_REPORT_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "check/discovery/discovery.h"

/* The object; the caller owns it. */
json_t *report_json_build(const struct walk *walk);

/* Writes the object on one line. */
void report_json_write(const struct walk *walk, FILE *stream);

#endif
