#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `count` bytes more and the '\0'. */
static bool reserve(struct buffer *buffer, size_t count)
{
    size_t needed = buffer->length + count + 1;
    size_t capacity = needed > 2 * buffer->capacity ? needed : 2 * buffer->capacity;
    char *text;

    if (buffer->failed || needed <= buffer->capacity) {
        return !buffer->failed;
    }
    text = realloc(buffer->text, capacity);
    if (!text) {
        buffer->failed = true;
        return false;
    }
    buffer->text = text;
    buffer->capacity = capacity;
    return true;
}

void buffer_add(struct buffer *buffer, const char *bytes, size_t count)
{
    if (reserve(buffer, count)) {
        memcpy(buffer->text + buffer->length, bytes, count);
        buffer->length += count;
    }
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !reserve(buffer, (size_t)length)) {
        buffer->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(buffer->text + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
}

char *buffer_finish(struct buffer *buffer, size_t *length)
{
    char *text = NULL;

    if (reserve(buffer, 0)) {
        text = buffer->text;
        text[buffer->length] = '\0';
        if (length) {
            *length = buffer->length;
        }
    } else {
        free(buffer->text);
    }
    *buffer = (struct buffer){0};
    return text;
}
