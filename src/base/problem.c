#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

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

bool problem_out_of_memory(struct problem *problem)
{
    return problem_set(problem, "out of memory");
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

static void excerpt_append(struct excerpt *excerpt, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t used = strlen(excerpt->text);

    for (size_t i = 0; i < length;) {
        uint32_t code_point = 0;
        size_t size = utf8_decode(text + i, length - i, &code_point);

        if (size > 0 && utf8_is_visible(code_point)) {
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
