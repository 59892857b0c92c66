#include "base/array.h"

#include <stdlib.h>

void *array_grow(void *items, size_t count, size_t size)
{
    /* Between two powers of two there is room. */
    if ((count & (count - 1)) != 0) {
        return items;
    }
    return reallocarray(items, count == 0 ? 1 : count * 2, size);
}
