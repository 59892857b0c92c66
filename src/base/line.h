/* Writing what others sent into lines that people and programs read. */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <stddef.h>

/* A line under construction in the caller's memory; what does not fit is left out. A caller that
   has to end its line, with a quote or a bracket, gives each text from elsewhere a bound, and has
   room for the sum. */
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

/* Each of these adds at most `most` bytes. A longer text is cut between two characters, and a mark
   shows it. */

/* Adds `text` for a line of text: what is not visible, or not UTF-8, becomes \xNN, everything else
   stays. The mark is "...". */
void line_add_text(struct line *line, const char *text, size_t most);

/* Adds `text` for between double quotes: also quotes, backslashes and bytes outside ASCII become
   \xNN. The mark is "...". */
void line_add_quoted(struct line *line, const char *text, size_t most);

/* Adds `text` as the inside of a JSON string (RFC 8259); what is not UTF-8 becomes U+FFFD. The mark
   is U+2026. */
void line_add_json(struct line *line, const char *text, size_t most);

#endif
