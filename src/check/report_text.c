#include "check/report_text.h"

#include <stdlib.h>
#include <string.h>

#include "check/text.h"

/* How a mark looks: its sign, and the colour (ECMA-48) it has on a terminal. */
static const struct {
    const char *sign;
    const char *color;
} looks[] = {
    [MARK_NOTE] = {"-", ""},
    [MARK_GOOD] = {"✓", "\033[32m"},
    [MARK_WARN] = {"!", "\033[33m"},
    [MARK_ERROR] = {"✗", "\033[31m"},
};

static void write_sign(const struct report_text *report, enum mark mark)
{
    bool color = report->color && looks[mark].color[0] != '\0';
    fprintf(report->stream, "%s%s%s ", color ? looks[mark].color : "", looks[mark].sign,
            color ? "\033[0m" : "");
}

static void wipe_waiting(struct report_text *report)
{
    if (report->waiting_shown) {
        fputs("\r\033[K", report->stream);
        report->waiting_shown = false;
    }
}

static void write_part(const struct report_text *report, const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        const struct line *line = &lines->items[i];
        fprintf(report->stream, "%*s", line->depth * 2, "");
        write_sign(report, line->mark);
        fprintf(report->stream, "%s\n", line->text);
        if (line->hint != NULL) {
            fprintf(report->stream, "%*s→ %s\n", line->depth * 2 + 2, "", line->hint);
        }
    }
}

static size_t count_findings(const struct walk *walk, enum mark mark, const char **first)
{
    size_t count = 0;
    for (size_t i = 0; i < PART_COUNT; i++) {
        for (size_t j = 0; j < walk->parts[i].count; j++) {
            const struct line *line = &walk->parts[i].items[j];
            if (line->code != FINDING_NONE && line->mark == mark) {
                *first = count == 0 ? line->text : *first;
                count++;
            }
        }
    }
    return count;
}

static void write_verdict(const struct report_text *report, const struct walk *walk)
{
    const char *cause = NULL;
    size_t errors = count_findings(walk, MARK_ERROR, &cause);
    const char *first = cause;
    size_t warnings = count_findings(walk, MARK_WARN, &first);
    cause = cause == NULL ? first : cause;
    switch (walk->verdict) {
    case VERDICT_WORKS:
        write_sign(report, MARK_GOOD);
        fprintf(report->stream, "Federation works for %s", walk->server_name);
        if (errors + warnings > 0) {
            fprintf(report->stream, ", but see what is marked %s above",
                    errors == 0     ? "!"
                    : warnings == 0 ? "✗"
                                    : "✗ and !");
        }
        fputs(".\n", report->stream);
        break;
    case VERDICT_FAILS:
        write_sign(report, MARK_ERROR);
        fprintf(report->stream, "Federation does not work for %s: %s.\n", walk->server_name,
                cause == NULL ? "there is no homeserver" : cause);
        break;
    case VERDICT_UNKNOWN:
        write_sign(report, MARK_WARN);
        fprintf(report->stream, "Whether federation works for %s could not be found out: %s.\n",
                walk->server_name, cause == NULL ? "nothing was reached" : cause);
        break;
    }
}

/* Writes what is known of the current walk; true when that is all. */
static bool write_walk(struct report_text *report, const struct walk *walk)
{
    if (!report->heading_written && !report->quiet) {
        wipe_waiting(report);
        fprintf(report->stream, "%s\n", walk->server_name);
    }
    report->heading_written = true;
    while (report->parts_written < PART_COUNT && walk->part_done[report->parts_written]) {
        if (!report->quiet) {
            wipe_waiting(report);
            write_part(report, &walk->parts[report->parts_written]);
        }
        report->parts_written++;
    }
    if (!walk->done) {
        return false;
    }
    wipe_waiting(report);
    write_verdict(report, walk);
    return true;
}

void report_text_update(struct report_text *report)
{
    while (report->current < report->count && write_walk(report, report->walks[report->current])) {
        report->current++;
        report->heading_written = false;
        report->parts_written = 0;
        if (report->current < report->count && !report->quiet) {
            fputc('\n', report->stream);
        }
    }
    fflush(report->stream);
}

void report_text_show_waiting(struct report_text *report, long seconds)
{
    if (!report->terminal || report->current >= report->count) {
        return;
    }
    char *what = walk_waits_for(report->walks[report->current]);
    wipe_waiting(report);
    /* A line that wraps could not be wiped out whole. */
    fprintf(report->stream, "  … waiting for %.50s (%ld s)", what, seconds);
    fflush(report->stream);
    report->waiting_shown = true;
    free(what);
}
