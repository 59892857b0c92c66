/* Finds what a misspelt word was probably meant to be. */
#ifndef BASE_SPELLING_H
#define BASE_SPELLING_H

#include <stddef.h>

/* How many letters must be put in, left out, replaced or swapped with their neighbour to make one
   word of the other; SPELLING_FAR where that is more than 2 or half of either word. */
unsigned spelling_distance(const char *first, const char *second);

#define SPELLING_FAR 3U

#endif
