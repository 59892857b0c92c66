#include "base/log.h"

#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/sink.h"

enum {
    SELDOM = 60000 /* milliseconds */
};

/* The main thread sets them, at reloads too; every thread reads them. */
static _Atomic enum log_level current_level = LOG_LEVEL_INFO;
static _Atomic enum log_format current_format = LOG_FORMAT_TEXT;
static atomic_bool to_journal;

static const char *program_name = "";

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

void log_open(const char *program)
{
    program_name = program;
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

/* --- Lines that are not written at once --- */

enum {
    KEPT_LINES = 16,
    ATTEMPTS = 100 /* to be the thread that catches up */
};

/* Errors and warnings that could not be written yet, the oldest first: among many lines of the
   access log they would be lost. */
static struct {
    char text[LOG_LINE_SIZE];
    size_t length;
} kept[KEPT_LINES];
static size_t kept_first;
static _Atomic size_t kept_count;

static _Atomic uint64_t dropped;     /* in all */
static _Atomic uint64_t unmentioned; /* of these, those that no line of the log mentions yet */

static atomic_flag catching_up = ATOMIC_FLAG_INIT; /* some thread; guards what is kept */

/* False where another thread goes on catching up, so that nobody waits for one that the kernel may
   make wait for the reader after all (see sink.c). */
static bool lock_kept(void)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        if (!atomic_flag_test_and_set_explicit(&catching_up, memory_order_acquire)) {
            return true;
        }
        sched_yield();
    }
    return false;
}

static void unlock_kept(void)
{
    atomic_flag_clear_explicit(&catching_up, memory_order_release);
}

static void drop(void)
{
    atomic_fetch_add(&dropped, 1);
    atomic_fetch_add(&unmentioned, 1);
}

uint64_t log_dropped_lines(void)
{
    return atomic_load(&dropped);
}

/* Keeps a line until there is room for it. False where enough are kept already. */
static bool keep(const char *text, size_t length)
{
    bool room;

    if (!lock_kept()) {
        return false;
    }
    room = kept_count < KEPT_LINES;
    if (room) {
        size_t at = (kept_first + kept_count) % KEPT_LINES;

        memcpy(kept[at].text, text, length);
        kept[at].length = length;
        kept_count++;
    }
    unlock_kept();
    return room;
}

static void add_message(struct line *line, enum log_level level, const char *message);

/* Writes how many lines were dropped, if any were. False where there is still no room. */
static bool mention_dropped(void)
{
    uint64_t count = atomic_exchange(&unmentioned, 0);
    char message[100], text[LOG_LINE_SIZE];
    struct line line;

    if (count == 0) {
        return true;
    }
    snprintf(message, sizeof(message),
             "%ju line%s of the log %s dropped: its reader took none for a while", (uintmax_t)count,
             count == 1 ? "" : "s", count == 1 ? "was" : "were");
    line_start(&line, text, sizeof(text));
    add_message(&line, LOG_LEVEL_WARNING, message);
    line.text[line.length++] = '\n';
    if (!sink_write(line.text, line.length)) {
        atomic_fetch_add(&unmentioned, count);
        return false;
    }
    return true;
}

bool log_catch_up(void)
{
    bool good = true;

    if ((kept_count == 0 && atomic_load(&unmentioned) == 0) || !lock_kept()) {
        return true;
    }
    while (good && kept_count > 0) {
        good = sink_write(kept[kept_first].text, kept[kept_first].length);
        if (good) {
            kept_first = (kept_first + 1) % KEPT_LINES;
            kept_count--;
        }
    }
    good = good && mention_dropped();
    unlock_kept();
    return good;
}

/* Ends the line and writes it; one that cannot be written is kept or dropped. */
static void write_line(struct line *line, bool keeps)
{
    /* The end takes the place of the terminating NUL. */
    line->text[line->length++] = '\n';
    if ((!log_catch_up() || !sink_write(line->text, line->length)) &&
        !(keeps && keep(line->text, line->length))) {
        drop();
    }
}

void log_write_line(struct line *line)
{
    write_line(line, false);
}

/* --- Messages --- */

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

enum {
    MESSAGE_MOST =
        LOG_LINE_SIZE - 256 /* bytes of a message, escaped; the rest is for what is around */
};

static void add_message(struct line *line, enum log_level level, const char *message)
{
    if (current_format == LOG_FORMAT_JSON) {
        line_add(line, "{");
        log_add_json_time(line);
        line_add_format(line, ",\"level\":\"%s\",\"message\":\"", level_names[level]);
        line_add_json(line, message, MESSAGE_MOST);
        line_add(line, "\"}");
        return;
    }
    log_start_text_line(line, level);
    if (level <= LOG_LEVEL_WARNING) {
        line_add_format(line, "%s: ", program_name);
    }
    if (level == LOG_LEVEL_WARNING) {
        line_add(line, "warning: ");
    }
    line_add_text(line, message, MESSAGE_MOST);
}

static void write_message(enum log_level level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void write_message(enum log_level level, const char *format, va_list arguments)
{
    char message[LOG_LINE_SIZE]; /* one that is longer than this is cut by its escaping, too */
    char text[LOG_LINE_SIZE];
    struct line line;

    if (level > current_level) {
        return;
    }
    vsnprintf(message, sizeof(message), format, arguments);
    line_start(&line, text, sizeof(text));
    add_message(&line, level, message);
    write_line(&line, level <= LOG_LEVEL_WARNING);
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
    /* When a text was last logged, in milliseconds, by its hash. A text that meets another waits
       for a minute. */
    static _Atomic uint64_t logged[256];
    uint32_t hash = hash_bytes(text, strlen(text));
    _Atomic uint64_t *last = &logged[(hash ^ hash >> 16) % ARRAY_SIZE(logged)];
    uint64_t now = monotonic_milliseconds();
    uint64_t before = atomic_load(last);

    if ((before == 0 || now - before >= SELDOM) &&
        atomic_compare_exchange_strong(last, &before, now)) {
        log_error("%s", text);
    }
}
