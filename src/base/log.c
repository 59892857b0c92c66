#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hash.h"

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

/* How a line gets to standard error without waiting for its reader. */
enum sink {
    SINK_WAITING, /* a regular file; or the program does not serve yet, and may wait */
    SINK_SOCKET,  /* each send can say that it must not wait */
    SINK_OWN,     /* a pipe or terminal, opened once more with O_NONBLOCK, for us alone */
    SINK_SHARED,  /* one that could not be: asked each time whether there is room */
};

static enum sink sink = SINK_WAITING;
static int sink_file = STDERR_FILENO;
static atomic_flag sink_busy = ATOMIC_FLAG_INIT; /* of SINK_SHARED */
static _Atomic uint64_t dropped;                 /* in all */
static _Atomic uint64_t unmentioned; /* of these, those that no line of the log tells of yet */

void log_never_wait(void)
{
    struct stat status;

    if (fstat(STDERR_FILENO, &status) != 0 || S_ISREG(status.st_mode)) {
        return;
    }
    if (S_ISSOCK(status.st_mode)) {
        sink = SINK_SOCKET;
        return;
    }
    /* O_NONBLOCK on the descriptor that we were given would be one for its other users, too. */
    sink_file = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    sink = sink_file < 0 ? SINK_SHARED : SINK_OWN;
}

uint64_t log_dropped_lines(void)
{
    return atomic_load(&dropped);
}

/* A pipe that has room takes a line without waiting, if nobody else fills it meanwhile: of our own
   threads one at a time asks and writes. */
static ssize_t write_shared(const char *text, size_t length)
{
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t written = -1;

    while (atomic_flag_test_and_set_explicit(&sink_busy, memory_order_acquire)) {
        sched_yield();
    }
    if (poll(&room, 1, 0) == 1) {
        written = write(STDERR_FILENO, text, length);
    }
    atomic_flag_clear_explicit(&sink_busy, memory_order_release);
    return written;
}

static bool write_whole(const char *text, size_t length)
{
    ssize_t written = -1;

    switch (sink) {
    case SINK_WAITING:
        written = write(STDERR_FILENO, text, length);
        break;
    case SINK_SOCKET:
        written = send(STDERR_FILENO, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    case SINK_OWN:
        written = write(sink_file, text, length);
        break;
    case SINK_SHARED:
        written = write_shared(text, length);
        break;
    }
    return written == (ssize_t)length;
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
    if (!write_whole(line.text, line.length)) {
        atomic_fetch_add(&unmentioned, count);
        return false;
    }
    return true;
}

void log_write_line(struct line *line)
{
    /* The end takes the place of the terminating NUL. */
    line->text[line->length++] = '\n';
    if (!mention_dropped() || !write_whole(line->text, line->length)) {
        atomic_fetch_add(&dropped, 1);
        atomic_fetch_add(&unmentioned, 1);
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
