#include "config.h"

#include "check/net/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "check/net/limits.h"

void text_end_without_memory(void)
{
    fputs("matrix-delegation-check: out of memory\n", stderr);
    exit(1);
}

char *text_format_list(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0) {
        text_end_without_memory();
    }
    return text;
}

char *text_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format_list(format, arguments);
    va_end(arguments);
    return text;
}

char *text_copy_part(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (!copy) {
        text_end_without_memory();
    }
    if (length > 0) {
        memcpy(copy, text, length);
    }
    copy[length] = '\0';
    return copy;
}

char *text_copy(const char *text)
{
    return text_copy_part(text, strlen(text));
}

char *text_printable(const char *text, size_t length)
{
    /* The longest form of one byte is `\u{NNNNNN}`: 10 bytes; then "…" and the end. */
    char buffer[TEXT_SHOWN_LENGTH + 10 + sizeof("…")];
    size_t used = 0;
    size_t at = 0;
    while (at < length && used < TEXT_SHOWN_LENGTH) {
        uint32_t point = 0;
        size_t size = utf8_decode(text + at, length - at, &point);
        int written = 0;
        if (size == 0) {
            written = snprintf(buffer + used, sizeof(buffer) - used, "\\x%02X",
                               (unsigned)(unsigned char)text[at]);
            size = 1;
        } else if (!utf8_is_visible(point)) {
            written = snprintf(buffer + used, sizeof(buffer) - used,
                               point < 0x20 ? "\\x%02X" : "\\u{%X}", (unsigned)point);
        } else {
            memcpy(buffer + used, text + at, size);
            used += size;
        }
        used += (size_t)written;
        at += size;
    }
    if (at < length) {
        used += (size_t)snprintf(buffer + used, sizeof(buffer) - used, "…");
    }
    return text_copy_part(buffer, used);
}
