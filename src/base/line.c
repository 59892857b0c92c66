#include "base/line.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

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

enum {
    WRITTEN_SIZE = 16 /* bytes that one character is written as at the most: \xNN four times */
};

/* Writes the first character of `text`, of `length` bytes, to `written`; how many bytes that are.
   What it has taken of the text is in `*taken`. */
typedef size_t write_character(const char *text, size_t length, char written[static WRITTEN_SIZE],
                               size_t *taken);

/* Adds `text` character by character, `most` bytes at the most, the mark included. */
static void add_characters(struct line *line, const char *text, size_t most,
                           write_character *character, const char *mark)
{
    size_t room = line->size - 1 - line->length;
    size_t length = strlen(text);
    size_t end = line->length + (most < room ? most : room);
    size_t before_mark = line->length; /* the last place where the mark would still fit */

    while (length > 0) {
        char written[WRITTEN_SIZE];
        size_t taken;
        size_t count = character(text, length, written, &taken);

        if (line->length + strlen(mark) <= end) {
            before_mark = line->length;
        }
        if (line->length + count > end) {
            line->length = before_mark;
            line->text[line->length] = '\0';
            if (line->length + strlen(mark) <= end) {
                line_add(line, mark);
            }
            return;
        }
        add_bytes(line, written, count);
        text += taken;
        length -= taken;
    }
}

/* Each byte as \xNN. */
static size_t write_hex(const char *bytes, size_t count, char written[static WRITTEN_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        const char escaped[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};

        memcpy(written + 4 * i, escaped, sizeof(escaped));
    }
    return 4 * count;
}

static size_t write_text(const char *text, size_t length, char written[static WRITTEN_SIZE],
                         size_t *taken)
{
    uint32_t code_point;
    size_t size = utf8_decode(text, length, &code_point);

    *taken = size > 0 ? size : 1;
    if (size == 0 || !utf8_is_visible(code_point)) {
        return write_hex(text, *taken, written);
    }
    memcpy(written, text, size);
    return size;
}

void line_add_text(struct line *line, const char *text, size_t most)
{
    add_characters(line, text, most, write_text, "...");
}

static size_t write_quoted(const char *text, size_t length, char written[static WRITTEN_SIZE],
                           size_t *taken)
{
    unsigned char byte = (unsigned char)*text;

    (void)length;
    *taken = 1;
    if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') {
        return write_hex(text, 1, written);
    }
    written[0] = *text;
    return 1;
}

void line_add_quoted(struct line *line, const char *text, size_t most)
{
    add_characters(line, text, most, write_quoted, "...");
}

static size_t write_json(const char *text, size_t length, char written[static WRITTEN_SIZE],
                         size_t *taken)
{
    uint32_t code_point;
    size_t size = utf8_decode(text, length, &code_point);

    *taken = size > 0 ? size : 1;
    if (size == 0) {
        code_point = 0xfffd;
    } else if (code_point == '"' || code_point == '\\') {
        written[0] = '\\';
        written[1] = *text;
        return 2;
    }
    if (!utf8_is_visible(code_point) || size == 0) {
        /* Those beyond U+FFFF take two halves (RFC 8259, section 7). */
        return code_point > 0xffff ? (size_t)snprintf(written, WRITTEN_SIZE, "\\u%04x\\u%04x",
                                                      0xd800 + (code_point - 0x10000) / 0x400,
                                                      0xdc00 + (code_point - 0x10000) % 0x400)
                                   : (size_t)snprintf(written, WRITTEN_SIZE, "\\u%04x", code_point);
    }
    memcpy(written, text, size);
    return size;
}

void line_add_json(struct line *line, const char *text, size_t most)
{
    add_characters(line, text, most, write_json, "\xe2\x80\xa6");
}
