#include "base/reserve.h"

#include <stdlib.h>

enum {
    RESERVE = 96 * 1024 /* bytes; just less than what the C library returns to the kernel at once */
};

bool reserve_is_there(void)
{
    /* Volatile, or the compiler sees that nothing is done with it and leaves both calls out. */
    void *volatile reserve = malloc(RESERVE);

    free(reserve);
    return reserve != NULL;
}
