/* Discoveries as a tree for people, written part by part while they go on. */
#ifndef CHECK_REPORT_TEXT_H
#define CHECK_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "check/discovery/discovery.h"

struct report_text {
    FILE *stream;
    bool color;
    bool quiet;    /* the verdicts alone */
    bool terminal; /* the stream is one: a waiting line can be shown and cleared */
    struct discovery **discoveries;
    size_t count;
    size_t current; /* the one that is written now; the others wait for their turn */
    bool heading_written;
    size_t parts_written;
    bool waiting_shown;
};

/* Writes the parts that have been completed. */
void report_text_update(struct report_text *report);

/* On a terminal: shows what the check is waiting for, and for how many seconds. */
void report_text_show_waiting(struct report_text *report, long seconds);

#endif
