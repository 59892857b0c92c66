#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/line.h"

enum {
    SELDOM = 60000 /* milliseconds */
};

/* The main thread sets them, at reloads too; every thread reads them. */
static _Atomic enum log_level current_level = LOG_LEVEL_INFO;
static _Atomic enum log_format current_format = LOG_FORMAT_TEXT;
static atomic_bool to_journal;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

/* sd-daemon(3): the priorities of syslog(3). */
static const char *const journal_priorities[] = {"<3>", "<4>", "<6>", "<7>"};

/* systemd.exec(5), $JOURNAL_STREAM: the device and inode of the stream that is the journal. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[64];

    if (!stream || fstat(STDERR_FILENO, &status) != 0) {
        return false;
    }
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

void log_setup(enum log_level level, enum log_format format)
{
    current_level = level;
    current_format = format;
    to_journal = stderr_is_journal();
}

enum log_format log_current_format(void)
{
    return current_format;
}

void log_start_text_line(struct line *line, enum log_level level)
{
    if (to_journal) {
        line_add(line, journal_priorities[level]);
    }
}

void log_write_line(struct line *line)
{
    /* The last byte is kept for the newline even where the text was cut. */
    if (line->length == line->size - 1) {
        line->length--;
    }
    line->text[line->length++] = '\n';
    /* Nobody is left to tell when the log itself cannot be written. */
    if (write(STDERR_FILENO, line->text, line->length) < 0) {
        return;
    }
}

void log_add_json_time(struct line *line)
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    line_add_format(line, "\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"", utc.tm_year + 1900,
                    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                    now.tv_nsec / 1000000);
}

static void write_message(enum log_level level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void write_message(enum log_level level, const char *format, va_list arguments)
{
    char message[2048];
    char text[2 * sizeof(message)];
    struct line line;

    if (level > current_level) {
        return;
    }
    vsnprintf(message, sizeof(message), format, arguments);
    line_start(&line, text, sizeof(text));
    if (current_format == LOG_FORMAT_JSON) {
        line_add(&line, "{");
        log_add_json_time(&line);
        line_add_format(&line, ",\"level\":\"%s\",\"message\":\"", level_names[level]);
        line_add_json(&line, message);
        line_add(&line, "\"}");
    } else {
        log_start_text_line(&line, level);
        if (level <= LOG_LEVEL_WARNING) {
            line_add(&line, "matrix-wellknownd: ");
        }
        if (level == LOG_LEVEL_WARNING) {
            line_add(&line, "warning: ");
        }
        line_add_text(&line, message);
    }
    log_write_line(&line);
}

#define DEFINE_LOG_FUNCTION(name, level)         \
    void name(const char *format, ...)           \
    {                                            \
        va_list arguments;                       \
                                                 \
        va_start(arguments, format);             \
        write_message(level, format, arguments); \
        va_end(arguments);                       \
    }

DEFINE_LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
DEFINE_LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

void log_error_seldom(const char *text)
{
    /* When something was last told, in milliseconds, by what its text hashes to: nobody but who
       writes the files has a say in that, and a text that meets another waits for a minute. */
    static _Atomic uint64_t told[256];
    uint32_t hash = 2166136261; /* FNV-1a */
    uint64_t now = monotonic_milliseconds();
    uint64_t before;

    for (const char *byte = text; *byte; byte++) {
        hash = (hash ^ (unsigned char)*byte) * 16777619;
    }
    hash = (hash ^ hash >> 16) % (sizeof(told) / sizeof(told[0]));
    before = atomic_load(&told[hash]);
    if ((before == 0 || now - before >= SELDOM) &&
        atomic_compare_exchange_strong(&told[hash], &before, now)) {
        log_error("%s", text);
    }
}
