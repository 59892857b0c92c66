/* The program's log on standard error: text for people and the journal, or JSON for collectors. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/line.h"
#include "base/sink.h"

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
};

enum {
    LOG_LINE_SIZE = SINK_LINE_SIZE
};

/* What errors and warnings begin with; not copied. To be called first. */
void log_open(const char *program);

/* Sets what is written from now on. Before the first call: info, text. Where standard error is the
   systemd journal (JOURNAL_STREAM), text lines begin with the journal's priority `<N>`. */
void log_setup(enum log_level level, enum log_format format);

enum log_format log_current_format(void);

/* Lines that cannot be written at once, or within the limit that sink.h sets, wait for nobody:
   errors and warnings are kept, a few of them, all others dropped and counted. This writes what is
   kept, then a warning that says how many were dropped. False where there is still no room. Every
   line does so first; to be called now and then for when there is none. */
bool log_catch_up(void);

/* How many lines have been dropped. */
uint64_t log_dropped_lines(void);

/* For the access log: begins a text line with the journal's priority where there is the journal,
   adds `"time":"…"` to a JSON line, writes a finished line, of LOG_LINE_SIZE bytes at most. */
void log_start_text_line(struct line *line, enum log_level level);
void log_write_line(struct line *line);
void log_add_json_time(struct line *line);

/* Each writes one line with one write(2), from any thread. Control characters are escaped, so that
   what a client sent cannot forge a line, and a message that is too long is cut, with a mark.
   Errors and warnings begin with the program's name. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* log_error for what any client can bring about again and again: the same text once a minute. */
void log_error_seldom(const char *text);

#endif
