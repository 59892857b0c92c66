/* A map from strings to pointers: filled once, then only read. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    const char *key; /* NULL: free */
    void *value;
    uint32_t hash;
};

/* Initialize with `= {0}`. Keys are not copied: they must live as long as the map. */
struct map {
    struct map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* Makes room for `count` keys at once. False where memory ran out. */
bool map_reserve(struct map *map, size_t count);

/* Sets the value of `key`, new or not. False where memory ran out. */
bool map_set(struct map *map, const char *key, void *value);

/* The value of the `length` bytes at `key`, or NULL. Allocates nothing; any number of threads may
   look up at once. */
void *map_get(const struct map *map, const char *key, size_t length);

/* Frees the map, not the keys and values, and leaves it empty. */
void map_clear(struct map *map);

#endif
