/* Standard error as what lines are written to, without waiting for a reader that has stopped
   reading. */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

enum {
    /* No line is longer, its end included: a pipe takes such a line whole or not at all, whoever
       else writes to it (pipe(7), PIPE_BUF). */
    SINK_LINE_SIZE = 4096,
};

/* Limits how long all writes from now on wait for room, in milliseconds in all; before the first
   call they wait for ever. Above 0 only while there is one thread. To be called first before the
   right to open what standard error is may be given up. */
void sink_limit_waiting(unsigned milliseconds);

/* Writes a line of `length` bytes, at most SINK_LINE_SIZE, with one system call, from any thread.
   False where it could not be written, or (on a terminal, or a disk that is full) only a part of
   it: the next line begins on a line of its own then. */
bool sink_write(const char *line, size_t length);

#endif
