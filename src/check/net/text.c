#include "config.h"

#include "check/net/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/net/limits.h"

void text_end_without_memory(void)
{
    fputs("matrix-delegation-check: there is no memory left: free some and start again\n", stderr);
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
    } else {
        if (length > 0) {
            memcpy(copy, text, length);
        }
        copy[length] = '\0';
    }
    return copy;
}

/* The code point at `text` and its length in bytes; 0 where this is no UTF-8. */
static size_t decode_utf8(const unsigned char *text, size_t length, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80              ? 1
                  : (text[0] & 0xe0U) == 0xc0 ? 2
                  : (text[0] & 0xf0U) == 0xe0 ? 3
                  : (text[0] & 0xf8U) == 0xf0 ? 4
                                              : 0;
    if (size == 0 || size > length) {
        return 0;
    }
    uint32_t value = size == 1 ? text[0] : text[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0U) != 0x80) {
            return 0;
        }
        value = value << 6 | (text[i] & 0x3fU);
    }
    if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *point = value;
    return size;
}

/* Whether a terminal or a reader could be misled by this code point: controls, invisible marks and
   overrides of direction (Unicode categories Cc, Zl, Zp and the format characters in use). */
static bool is_misleading(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x061c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
           (point >= 0xfff9 && point <= 0xfffb) || (point >= 0xe0000 && point <= 0xe007f);
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
        size_t size = decode_utf8((const unsigned char *)text + at, length - at, &point);
        int written = 0;
        if (size == 0) {
            written = snprintf(buffer + used, sizeof(buffer) - used, "\\x%02X",
                               (unsigned)(unsigned char)text[at]);
            size = 1;
        } else if (is_misleading(point)) {
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
