#include "check/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/text.h"

const char *finding_code_name(enum finding_code code)
{
#define FINDING_NAME(name, text) text,
    static const char *const names[] = {NULL, FINDING_CODES(FINDING_NAME)};
#undef FINDING_NAME
    return code < FINDING_COUNT ? names[code] : NULL;
}

static struct line *add(struct lines *lines)
{
    struct line *longer = realloc(lines->items, (lines->count + 1) * sizeof(*longer));
    if (longer == NULL) {
        fputs("matrix-delegation-check: there is no memory left: free some and start again\n",
              stderr);
        exit(1);
    }
    lines->items = longer;
    struct line *line = &lines->items[lines->count++];
    memset(line, 0, sizeof(*line));
    return line;
}

void lines_add(struct lines *lines, int depth, enum mark mark, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format_list(format, arguments);
    va_end(arguments);
    struct line *line = add(lines);
    line->depth = depth;
    line->mark = mark;
    line->text = text;
}

void lines_add_finding(struct lines *lines, int depth, enum mark mark, enum finding_code code,
                       char *text, char *hint)
{
    struct line *line = add(lines);
    line->depth = depth;
    line->mark = mark;
    line->code = code;
    line->text = text;
    line->hint = hint;
}

void lines_append(struct lines *lines, struct lines *more)
{
    for (size_t i = 0; i < more->count; i++) {
        *add(lines) = more->items[i];
    }
    free(more->items);
    memset(more, 0, sizeof(*more));
}

enum mark lines_worst(const struct lines *lines, size_t from)
{
    enum mark worst = MARK_NOTE;
    for (size_t i = from; i < lines->count; i++) {
        worst = lines->items[i].mark > worst ? lines->items[i].mark : worst;
    }
    return worst;
}

void lines_clear(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->items[i].text);
        free(lines->items[i].hint);
    }
    free(lines->items);
    memset(lines, 0, sizeof(*lines));
}
