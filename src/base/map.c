#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* The entry that holds the key, or the free one where it belongs. A client picks the keys that are
   looked up, never those that are stored, so it cannot make a search longer than the configuration
   did. */
static struct map_entry *entry_for(const struct map *map, const char *key, size_t length,
                                   uint32_t hash)
{
    size_t mask = map->capacity - 1;
    size_t at = hash & mask;

    for (;; at = (at + 1) & mask) {
        struct map_entry *entry = &map->entries[at];

        if (!entry->key || (entry->hash == hash && strncmp(entry->key, key, length) == 0 &&
                            entry->key[length] == '\0')) {
            return entry;
        }
    }
}

bool map_reserve(struct map *map, size_t count)
{
    struct map larger = {.capacity = 8, .count = map->count};

    /* At most two thirds full, so that a search ends soon. */
    while (larger.capacity / 3 * 2 < count) {
        larger.capacity *= 2;
    }
    if (larger.capacity <= map->capacity) {
        return true;
    }
    larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
    if (!larger.entries) {
        return false;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        const struct map_entry *entry = &map->entries[i];

        if (entry->key) {
            *entry_for(&larger, entry->key, strlen(entry->key), entry->hash) = *entry;
        }
    }
    free(map->entries);
    *map = larger;
    return true;
}

bool map_set(struct map *map, const char *key, void *value)
{
    size_t length = strlen(key);
    uint32_t hash = hash_bytes(key, length);
    struct map_entry *entry;

    if (!map_reserve(map, map->count + 1)) {
        return false;
    }
    entry = entry_for(map, key, length, hash);
    if (!entry->key) {
        map->count++;
        entry->key = key;
        entry->hash = hash;
    }
    entry->value = value;
    return true;
}

void *map_get(const struct map *map, const char *key, size_t length)
{
    if (map->count == 0) {
        return NULL;
    }
    return entry_for(map, key, length, hash_bytes(key, length))->value;
}

void map_clear(struct map *map)
{
    free(map->entries);
    *map = (struct map){0};
}
