#include "base/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void line_start(struct line *line, char *text, size_t size)
{
    *line = (struct line){.text = text, .size = size};
    text[0] = '\0';
}

static void add_bytes(struct line *line, const char *bytes, size_t count)
{
    if (count > line->size - 1 - line->length) {
        return;
    }
    memcpy(line->text + line->length, bytes, count);
    line->length += count;
    line->text[line->length] = '\0';
}

void line_add(struct line *line, const char *text)
{
    add_bytes(line, text, strlen(text));
}

void line_add_format(struct line *line, const char *format, ...)
{
    size_t room = line->size - line->length;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        line->length += (size_t)length < room ? (size_t)length : room - 1;
    }
}

static void add_hex(struct line *line, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    char escaped[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};

    add_bytes(line, escaped, sizeof(escaped));
}

void line_add_text(struct line *line, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte < 0x20 || byte == 0x7f) {
            add_hex(line, byte);
        } else {
            add_bytes(line, text, 1);
        }
    }
}

void line_add_quoted(struct line *line, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') {
            add_hex(line, byte);
        } else {
            add_bytes(line, text, 1);
        }
    }
}

/* The length of the UTF-8 sequence at `text` (RFC 3629: no overlong forms, no surrogates, at most
   U+10FFFF), or 0 where there is none. */
static size_t utf8_length(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length;
    unsigned char low = 0x80, high = 0xbf;

    if (bytes[0] < 0x80) {
        return 1;
    }
    if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf) {
        length = 2;
    } else if (bytes[0] >= 0xe0 && bytes[0] <= 0xef) {
        length = 3;
        low = bytes[0] == 0xe0 ? 0xa0 : 0x80;
        high = bytes[0] == 0xed ? 0x9f : 0xbf;
    } else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4) {
        length = 4;
        low = bytes[0] == 0xf0 ? 0x90 : 0x80;
        high = bytes[0] == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] < low || bytes[i] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

void line_add_json(struct line *line, const char *text)
{
    while (*text) {
        size_t length = utf8_length(text);

        if (length == 0) {
            line_add(line, "\\ufffd");
            length = 1;
        } else if (*text == '"' || *text == '\\') {
            char escaped[] = {'\\', *text};

            add_bytes(line, escaped, sizeof(escaped));
        } else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            line_add_format(line, "\\u%04x", (unsigned)*text);
        } else {
            add_bytes(line, text, length);
        }
        text += length;
    }
}
