#include "base/spelling.h"

#include <string.h>

enum {
    WORD_LIMIT = 32 /* longer words have no neighbours */
};

static unsigned minimum(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned spelling_distance(const char *first, const char *second)
{
    /* Rows of the table of "optimal string alignment": this one and the two before it. */
    unsigned rows[3][WORD_LIMIT + 1];
    size_t height = strnlen(first, WORD_LIMIT + 1);
    size_t width = strnlen(second, WORD_LIMIT + 1);
    unsigned distance;

    if (height > WORD_LIMIT || width > WORD_LIMIT) {
        return SPELLING_FAR;
    }
    for (size_t x = 0; x <= width; x++) {
        rows[0][x] = (unsigned)x;
    }
    for (size_t y = 1; y <= height; y++) {
        unsigned *row = rows[y % 3];
        const unsigned *above = rows[(y - 1) % 3];

        row[0] = (unsigned)y;
        for (size_t x = 1; x <= width; x++) {
            row[x] = minimum(above[x], row[x - 1]) + 1;
            row[x] = minimum(row[x], above[x - 1] + (first[y - 1] != second[x - 1]));
            if (y > 1 && x > 1 && first[y - 1] == second[x - 2] && first[y - 2] == second[x - 1]) {
                row[x] = minimum(row[x], rows[(y - 2) % 3][x - 2] + 1);
            }
        }
    }
    distance = rows[height % 3][width];
    if (distance >= SPELLING_FAR || distance > height / 2 || distance > width / 2) {
        return SPELLING_FAR;
    }
    return distance;
}
