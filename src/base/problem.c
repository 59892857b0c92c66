#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A problem is one line, even where it names a path with a line end in it. */
static void hide_control_characters(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

static void problem_write(struct problem *problem, int status, const char *format,
                          va_list arguments) __attribute__((format(printf, 3, 0)));

static void problem_write(struct problem *problem, int status, const char *format,
                          va_list arguments)
{
    problem->status = status;
    vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    hide_control_characters(problem->text);
}

bool problem_set(struct problem *problem, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    problem_write(problem, PROBLEM_FAILURE, format, arguments);
    va_end(arguments);
    return false;
}

bool problem_set_usage(struct problem *problem, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    problem_write(problem, PROBLEM_USAGE, format, arguments);
    va_end(arguments);
    return false;
}

bool problem_prefix(struct problem *problem, const char *format, ...)
{
    char text[sizeof(problem->text)];
    va_list arguments;
    int length;

    memcpy(text, problem->text, sizeof(text));
    va_start(arguments, format);
    length = vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof(problem->text)) {
        snprintf(problem->text + length, sizeof(problem->text) - (size_t)length, "%s", text);
    }
    hide_control_characters(problem->text);
    return false;
}

enum {
    EXCERPT_WHOLE = 100, /* bytes of a text that is shown whole */
    EXCERPT_HEAD = 60,
    EXCERPT_TAIL = 24,
};

/* The length of the well-formed UTF-8 sequence that `text` begins with (RFC 3629), its code point
   in `*code_point`; 0 where there is none. */
static size_t utf8_decode(const unsigned char *text, size_t length, unsigned *code_point)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80             ? 1
                  : (text[0] & 0xe0) == 0xc0 ? 2
                  : (text[0] & 0xf0) == 0xe0 ? 3
                  : (text[0] & 0xf8) == 0xf0 ? 4
                                             : 0;

    if (size == 0 || size > length) {
        return 0;
    }
    *code_point = size == 1 ? text[0] : text[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code_point = *code_point << 6 | (text[i] & 0x3fU);
    }
    if (*code_point < smallest[size] || *code_point > 0x10ffff ||
        (*code_point >= 0xd800 && *code_point <= 0xdfff)) {
        return 0;
    }
    return size;
}

/* Whether a terminal shows the character, in its place and on the same line. */
static bool is_visible(unsigned code_point)
{
    return code_point >= 0x20 && !(code_point >= 0x7f && code_point <= 0x9f) &&
           !(code_point >= 0x200b && code_point <= 0x200f) &&
           !(code_point >= 0x2028 && code_point <= 0x202e) &&
           !(code_point >= 0x2066 && code_point <= 0x2069) && code_point != 0xfeff;
}

static void excerpt_append(struct excerpt *excerpt, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t used = strlen(excerpt->text);

    for (size_t i = 0; i < length;) {
        unsigned code_point = 0;
        size_t size = utf8_decode(bytes + i, length - i, &code_point);

        if (size > 0 && is_visible(code_point)) {
            memcpy(excerpt->text + used, text + i, size);
            used += size;
        } else {
            size = size > 0 ? size : 1;
            for (size_t k = 0; k < size; k++) {
                used += (size_t)snprintf(excerpt->text + used, sizeof(excerpt->text) - used,
                                         "\\x%02x", (unsigned)bytes[i + k]);
            }
        }
        i += size;
    }
    excerpt->text[used] = '\0';
}

/* The nearest place at or before `offset` where no UTF-8 sequence is cut in two. */
static size_t character_start(const char *text, size_t offset)
{
    size_t start = offset;

    while (start > 0 && offset - start < 4 && ((unsigned char)text[start] & 0xc0) == 0x80) {
        start--;
    }
    return offset - start < 4 ? start : offset;
}

struct excerpt problem_excerpt(const char *text)
{
    struct excerpt excerpt = {.text = ""};
    size_t length = strlen(text);

    if (length <= EXCERPT_WHOLE) {
        excerpt_append(&excerpt, text, length);
    } else {
        size_t tail = character_start(text, length - EXCERPT_TAIL);

        excerpt_append(&excerpt, text, character_start(text, EXCERPT_HEAD));
        excerpt_append(&excerpt, "...", 3);
        excerpt_append(&excerpt, text + tail, length - tail);
    }
    return excerpt;
}
