/* Hashes for tables in memory. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a of `size` bytes. It has no secret: whoever picks the keys that a table stores can have
   them meet. */
static inline uint32_t hash_bytes(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    uint32_t hash = UINT32_C(2166136261);

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * UINT32_C(16777619);
    }
    return hash;
}

#endif
