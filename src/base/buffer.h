/* A text that grows as it is written. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Initialize with `= {0}`, end with buffer_finish. */
struct buffer {
    char *text;
    size_t length; /* without the terminating '\0' */
    size_t capacity;
    bool failed; /* memory ran out: what is added from then on is left out */
};

void buffer_add(struct buffer *buffer, const char *bytes, size_t count);

void buffer_add_text(struct buffer *buffer, const char *text);

void buffer_add_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The whole text, terminated, to be freed with free(), and its length in `length` (or NULL). NULL
   where memory ran out at any time: nothing is given in part. */
char *buffer_finish(struct buffer *buffer, size_t *length);

#endif
