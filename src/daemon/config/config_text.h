/* A configuration file's text, made ready for libConfuse.

   libConfuse 3.3 counts every comment as two lines more, takes the end of the file for the end of
   an open string or section without a word, reads directories and pipes, and is quadratic in the
   length of a word. This is looked after here, before libConfuse sees the text. Internal to
   config_file.c. */
#ifndef DAEMON_CONFIG_CONFIG_TEXT_H
#define DAEMON_CONFIG_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

/* Begin with {0}; can be read into again and again, to use its memory anew. */
struct config_text {
    char *bytes; /* terminated; comments are blanks, so that every token stays on its line */
    size_t length;
    size_t capacity;
    unsigned *section_lines; /* of each section's opening brace, in the order of closing braces */
    size_t section_count;
    size_t section_capacity;
};

enum config_text_result {
    CONFIG_TEXT_READ,
    CONFIG_TEXT_FAILED,
    CONFIG_TEXT_NOT_REGULAR, /* a directory, a pipe or a device; `problem` says which */
};

/* Reads the file at `path` and checks what libConfuse does not: that it is text, and that its
   strings, comments and braces end. */
enum config_text_result config_text_read(struct config_text *text, const char *path,
                                         struct problem *problem);

/* Frees the memory; the text is {0} afterwards. */
void config_text_clear(struct config_text *text);

#endif
