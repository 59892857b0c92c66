#include "daemon/config/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 256 * 1024 * 1024, /* bytes; a million domains */
    TOKEN_LIMIT = 8192,             /* bytes of one word or string; no setting is as long */
    DEPTH_LIMIT = 8,                /* braces in braces; `contact` in `support` in `domain` is 3 */
};

/* --- Reading --- */

static const char *kind_of_file(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static bool reserve(struct config_text *text, size_t capacity, struct problem *problem)
{
    char *bytes;

    if (capacity <= text->capacity) {
        return true;
    }
    bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) {
        return problem_set(problem, "out of memory");
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

/* Reads to the end of the file, whose length was `expected` a moment ago. */
static bool read_whole(struct config_text *text, int file, size_t expected, const char *path,
                       struct problem *problem)
{
    /* One byte more than expected shows the end of the file without a second reservation. */
    if (!reserve(text, expected + 1, problem)) {
        return false;
    }
    text->length = 0;
    for (;;) {
        ssize_t count;

        if (text->length == text->capacity && !reserve(text, text->capacity * 2, problem)) {
            return false;
        }
        count = read(file, text->bytes + text->length, text->capacity - text->length);
        if (count < 0 && errno != EINTR) {
            return problem_set(problem, "%s: cannot be read (%s): check the file system", path,
                               strerror(errno));
        }
        if (count == 0) {
            text->bytes[text->length] = '\0';
            return true;
        }
        text->length += count > 0 ? (size_t)count : 0;
        if (text->length > FILE_LIMIT) {
            return problem_set(problem, "%s: is larger than %d MiB: name a configuration file",
                               path, FILE_LIMIT / 1024 / 1024);
        }
    }
}

static bool fail_to_open(const char *path, struct problem *problem)
{
    if (errno == ENOENT || errno == ENOTDIR) {
        return problem_set(problem, "%s: does not exist: check the path", path);
    }
    if (errno == EACCES) {
        return problem_set(problem, "%s: permission denied: let the daemon's user read it", path);
    }
    return problem_set(problem, "%s: cannot be opened (%s): check the path", path, strerror(errno));
}

static enum config_text_result open_and_read(struct config_text *text, const char *path,
                                             struct problem *problem)
{
    /* Without O_NONBLOCK, opening a pipe that no one writes to would hang. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum config_text_result result = CONFIG_TEXT_FAILED;
    struct stat status;

    if (file < 0) {
        fail_to_open(path, problem);
        return CONFIG_TEXT_FAILED;
    }
    if (fstat(file, &status) != 0) {
        fail_to_open(path, problem);
    } else if (!S_ISREG(status.st_mode)) {
        problem_set(problem, "%s: is %s: name a regular file", path, kind_of_file(status.st_mode));
        result = CONFIG_TEXT_NOT_REGULAR;
    } else if (status.st_size > FILE_LIMIT) {
        problem_set(problem, "%s: is larger than %d MiB: name a configuration file", path,
                    FILE_LIMIT / 1024 / 1024);
    } else if (read_whole(text, file, (size_t)status.st_size, path, problem)) {
        result = CONFIG_TEXT_READ;
    }
    close(file);
    return result;
}

/* --- Checking --- */

/* A walk over the text by the rules of libConfuse's scanner. */
struct scan {
    struct config_text *text;
    const char *path;
    struct problem *problem;
    char *at;
    char *end; /* where the terminating NUL stands, the only one there is */
    unsigned line;
    bool after_equals; /* the last token was =, so that { opens a list */
    size_t depth;      /* of braces that are open, each with its line and kind: */
    unsigned open_lines[DEPTH_LIMIT];
    bool open_lists[DEPTH_LIMIT];
};

static bool fail(const struct scan *scan, unsigned line, const char *message)
{
    return problem_set(scan->problem, "%s:%u: %s", scan->path, line, message);
}

/* Makes sure that the whole is text, and leaves out the byte order mark that some editors write. */
static bool check_bytes(struct scan *scan)
{
    unsigned line = 1;

    if (scan->end - scan->at >= 3 && memcmp(scan->at, "\xef\xbb\xbf", 3) == 0) {
        memset(scan->at, ' ', 3);
    }
    for (const char *byte = scan->at; byte < scan->end; byte++) {
        if (*byte == '\n') {
            line++;
        } else if (((unsigned char)*byte < 0x20 && *byte != '\t' && *byte != '\r') ||
                   *byte == 0x7f) {
            return problem_set(scan->problem,
                               "%s:%u: the byte 0x%02x is not text: name a configuration file",
                               scan->path, line, (unsigned char)*byte);
        }
    }
    return true;
}

/* Walks to `end`, counting lines. */
static void walk_to(struct scan *scan, const char *end)
{
    while (scan->at < end) {
        scan->line += *scan->at++ == '\n';
    }
}

/* Walks over blanks. To libConfuse those of one line are one token, too. */
static bool skip_blanks(struct scan *scan)
{
    size_t length;

    do {
        length = strspn(scan->at, " \t\r");
        if (length > TOKEN_LIMIT) {
            return fail(scan, scan->line,
                        "more than 8192 blanks in a row: name a configuration file");
        }
        scan->at += length;
        length = strspn(scan->at, "\n");
        scan->at += length;
        scan->line += (unsigned)length;
    } while (length > 0);
    return true;
}

/* The first of `bytes` at or after `from`, or the end of the text. */
static char *find_any(char *from, const char *bytes)
{
    return from + strcspn(from, bytes);
}

static void blank_line_comment(struct scan *scan)
{
    char *end = find_any(scan->at, "\n");

    memset(scan->at, ' ', (size_t)(end - scan->at));
    scan->at = end;
}

static bool blank_block_comment(struct scan *scan)
{
    const char *end = memmem(scan->at + 2, (size_t)(scan->end - scan->at - 2), "*/", 2);

    if (end == NULL) {
        return fail(scan, scan->line, "the comment is not closed: end it with */");
    }
    for (end += 2; scan->at < end; scan->at++) {
        if (*scan->at == '\n') {
            scan->line++;
        } else {
            *scan->at = ' ';
        }
    }
    return true;
}

static bool check_length(const struct scan *scan, const char *start, unsigned line)
{
    return scan->at - start <= TOKEN_LIMIT ||
           fail(scan, line, "a value of more than 8192 bytes: name a configuration file");
}

/* Walks over the ${VARIABLE} at the scan's place; libConfuse would look for its end in the whole
   rest of the file. */
static bool skip_variable(struct scan *scan)
{
    char *end = find_any(scan->at, "}\n");

    if (end == scan->end || *end == '\n') {
        return fail(scan, scan->line, "${ has no end: write ${VARIABLE}, or \\$ for a dollar sign");
    }
    scan->at = end + 1;
    return true;
}

/* Walks over the backslash and what it escapes. Escapes by number are legal in libConfuse, but a
   bad one breaks its scanner, and zero cuts the string off. No setting needs one. */
static bool skip_escape(struct scan *scan, char quotation_mark)
{
    char escaped = scan->at[1];

    if (quotation_mark == '"' && ((escaped >= '0' && escaped <= '9') || escaped == 'x')) {
        return fail(scan, scan->line,
                    "an escape by number in a string: write the character itself, or \\\\ for a "
                    "backslash");
    }
    walk_to(scan, scan->at + (escaped == '\0' ? 1 : 2));
    return true;
}

static bool skip_string(struct scan *scan)
{
    char mark = *scan->at;
    const char stops[] = {mark, '\\', mark == '"' ? '$' : '\\', '\0'};
    unsigned line = scan->line;
    const char *start = scan->at++;

    for (;;) {
        walk_to(scan, find_any(scan->at, stops));
        if (scan->at == scan->end) {
            return fail(scan, line,
                        "the string is not closed: end it with the same quotation mark");
        }
        if (*scan->at == mark) {
            scan->at++;
            return check_length(scan, start, line);
        }
        if (*scan->at == '\\') {
            if (!skip_escape(scan, mark)) {
                return false;
            }
        } else if (scan->at[1] == '{') {
            if (!skip_variable(scan)) {
                return false;
            }
        } else {
            scan->at++;
        }
    }
}

static bool open_brace(struct scan *scan)
{
    if (scan->depth == DEPTH_LIMIT) {
        return fail(scan, scan->line, "braces in too many braces: close some with }");
    }
    scan->open_lines[scan->depth] = scan->line;
    scan->open_lists[scan->depth] = scan->after_equals;
    scan->depth++;
    return true;
}

static bool add_section_line(struct scan *scan, unsigned line)
{
    struct config_text *text = scan->text;

    if (text->section_count == text->section_capacity) {
        size_t capacity = text->section_capacity * 2 + 16;
        unsigned *lines = reallocarray(text->section_lines, capacity, sizeof(*lines));

        if (lines == NULL) {
            return problem_set(scan->problem, "out of memory");
        }
        text->section_lines = lines;
        text->section_capacity = capacity;
    }
    text->section_lines[text->section_count++] = line;
    return true;
}

static bool close_brace(struct scan *scan)
{
    if (scan->depth == 0) {
        return fail(scan, scan->line, "a } without a {: remove it, or open a section before it");
    }
    scan->depth--;
    return scan->open_lists[scan->depth] || add_section_line(scan, scan->open_lines[scan->depth]);
}

/* Walks over one character that is a token by itself, or that libConfuse passes over. */
static bool skip_sign(struct scan *scan)
{
    char sign = *scan->at++;
    bool good = sign == '{' ? open_brace(scan) : sign == '}' ? close_brace(scan) : true;

    scan->after_equals = sign == '=';
    return good;
}

/* Walks over the token or the comment at the scan's place. */
static bool skip_token(struct scan *scan)
{
    const char *start = scan->at;
    char first = *start;
    char second = start[1];

    if (first == '#' || (first == '/' && second == '/')) {
        blank_line_comment(scan);
        return true;
    }
    if (first == '/' && second == '*') {
        return blank_block_comment(scan);
    }
    if (strchr("={}()+,*", first) != NULL) {
        return skip_sign(scan);
    }
    scan->after_equals = false;
    if (first == '"' || first == '\'') {
        return skip_string(scan);
    }
    if (first == '$' && second == '{') {
        return skip_variable(scan);
    }
    scan->at = find_any(scan->at, " \t\r\n={}()+,*#\"'");
    return check_length(scan, start, scan->line);
}

static bool check(struct config_text *text, const char *path, struct problem *problem)
{
    struct scan scan = {
        .text = text,
        .path = path,
        .problem = problem,
        .at = text->bytes,
        .end = text->bytes + text->length,
        .line = 1,
    };

    if (!check_bytes(&scan)) {
        return false;
    }
    do {
        if (!skip_blanks(&scan) || (scan.at < scan.end && !skip_token(&scan))) {
            return false;
        }
    } while (scan.at < scan.end);
    if (scan.depth > 0) {
        return fail(&scan, scan.open_lines[scan.depth - 1],
                    "the brace is not closed: end the section or list with }");
    }
    return true;
}

enum config_text_result config_text_read(struct config_text *text, const char *path,
                                         struct problem *problem)
{
    enum config_text_result result;

    text->length = 0;
    text->section_count = 0;
    result = open_and_read(text, path, problem);
    if (result == CONFIG_TEXT_READ && !check(text, path, problem)) {
        result = CONFIG_TEXT_FAILED;
    }
    return result;
}

void config_text_clear(struct config_text *text)
{
    free(text->bytes);
    free(text->section_lines);
    *text = (struct config_text){0};
}
