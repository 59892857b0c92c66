/* Writing what others sent into lines that people and programs read. */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <stddef.h>

/* A line under construction in the caller's memory; what does not fit is left out. */
struct line {
    char *text;
    size_t size;
    size_t length; /* always < size; the text is terminated */
};

/* Starts an empty line in `text` of `size` bytes (at least 1). */
void line_start(struct line *line, char *text, size_t size);

void line_add(struct line *line, const char *text);

void line_add_format(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds `text` for a line of text: control characters become \xNN, everything else stays. */
void line_add_text(struct line *line, const char *text);

/* Adds `text` for between double quotes: also quotes, backslashes and bytes outside ASCII become
   \xNN. */
void line_add_quoted(struct line *line, const char *text);

/* Adds `text` as the inside of a JSON string (RFC 8259); what is not UTF-8 becomes U+FFFD. */
void line_add_json(struct line *line, const char *text);

#endif
