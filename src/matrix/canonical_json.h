/* Canonical JSON (Matrix specification, Appendices, "Canonical JSON"). */
#ifndef MATRIX_CANONICAL_JSON_H
#define MATRIX_CANONICAL_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/problem.h"

/* The canonical encoding of `value`: UTF-8, shortest form, keys sorted by code point, no white
   space, integers within ±(2^53 − 1) only. The caller frees the result with free(). NULL and a
   problem where the value holds a fraction or an integer out of range (1e10 is an integer, as in
   the specification's examples), or nests more than 2048 levels deep. `length` may be NULL. */
char *canonical_json_encode(const json_t *value, size_t *length, struct problem *problem);

#endif
