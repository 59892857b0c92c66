/* Arrays. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Makes room for one item more in an allocated array of `count` items of `size` bytes, or in NULL,
   which holds none. Returns the array, which may have moved, or NULL where memory ran out; the old
   one is as it was then. For arrays that grow in no other way: the room doubles at each power of
   two, so that no capacity is kept. */
void *array_grow(void *items, size_t count, size_t size);

#endif
