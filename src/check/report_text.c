#include "check/report_text.h"

#include <stdlib.h>
#include <string.h>

#include "check/net/text.h"

/* A mark's sign, and its colour on a terminal (ECMA-48). */
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

static void clear_waiting(struct report_text *report)
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
        if (line->hint) {
            fprintf(report->stream, "%*s→ %s\n", line->depth * 2 + 2, "", line->hint);
        }
    }
}

static size_t count_findings(const struct discovery *discovery, enum mark mark, const char **first)
{
    size_t count = 0;
    for (size_t i = 0; i < PART_COUNT; i++) {
        for (size_t j = 0; j < discovery->parts[i].count; j++) {
            const struct line *line = &discovery->parts[i].items[j];
            if (line->code != FINDING_NONE && line->mark == mark) {
                *first = count == 0 ? line->text : *first;
                count++;
            }
        }
    }
    return count;
}

static void write_verdict(const struct report_text *report, const struct discovery *discovery)
{
    const char *cause = NULL;
    size_t errors = count_findings(discovery, MARK_ERROR, &cause);
    const char *first = cause;
    size_t warnings = count_findings(discovery, MARK_WARN, &first);
    cause = cause ? cause : first;
    switch (discovery->verdict) {
    case VERDICT_WORKS:
        write_sign(report, MARK_GOOD);
        fprintf(report->stream, "Federation works for %s", discovery->server_name);
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
        fprintf(report->stream, "Federation does not work for %s: %s.\n", discovery->server_name,
                cause ? cause : "there is no homeserver");
        break;
    case VERDICT_UNKNOWN:
        write_sign(report, MARK_WARN);
        fprintf(report->stream, "Whether federation works for %s could not be found out: %s.\n",
                discovery->server_name, cause ? cause : "nothing was reached");
        break;
    }
}

/* Writes the completed parts of the current discovery; true when that is all. */
static bool write_discovery(struct report_text *report, const struct discovery *discovery)
{
    if (!report->heading_written && !report->quiet) {
        clear_waiting(report);
        fprintf(report->stream, "%s\n", discovery->server_name);
    }
    report->heading_written = true;
    while (report->parts_written < PART_COUNT && discovery->part_done[report->parts_written]) {
        if (!report->quiet) {
            clear_waiting(report);
            write_part(report, &discovery->parts[report->parts_written]);
        }
        report->parts_written++;
    }
    if (!discovery->done) {
        return false;
    }
    clear_waiting(report);
    write_verdict(report, discovery);
    return true;
}

void report_text_update(struct report_text *report)
{
    while (report->current < report->count &&
           write_discovery(report, report->discoveries[report->current])) {
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
    char *what = discovery_waits_for(report->discoveries[report->current]);
    clear_waiting(report);
    /* Cut: a line that wraps cannot be cleared. */
    fprintf(report->stream, "  … waiting for %.50s (%ld s)", what, seconds);
    fflush(report->stream);
    report->waiting_shown = true;
    free(what);
}
