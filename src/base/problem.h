/* Errors as values: what went wrong and what to do about it, in words for a person. */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#include <stdbool.h>

enum {
    PROBLEM_FAILURE = 1, /* the program could not do it: exit status 1 */
    PROBLEM_USAGE = 2,   /* the command line or the environment is wrong: exit status 2 */
};

/* One problem. A function that can fail takes a pointer to one and fills it only when it fails. */
struct problem {
    int status;      /* PROBLEM_FAILURE or PROBLEM_USAGE */
    char text[1024]; /* "what is wrong: what to do", cut where it is longer; always one line, in
                        which control characters are shown as ? */
};

/* Writes a PROBLEM_FAILURE. Always returns false, so that `return problem_set(…)` reads well. */
bool problem_set(struct problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes a PROBLEM_USAGE. Always returns false. */
bool problem_set_usage(struct problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes the PROBLEM_FAILURE of an allocation that failed. Always returns false. */
bool problem_out_of_memory(struct problem *problem);

/* Puts "PREFIX" in front of the text, for a caller that knows more (a file and a line, an option).
   Always returns false. */
bool problem_prefix(struct problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A piece of someone else's text, made fit for a message. */
struct excerpt {
    char text[416];
};

/* `text` (a value from a configuration, a reply, a path) as a message can show it, on one line:
   control characters, bytes that are not UTF-8 and invisible direction marks as escapes; of more
   than 100 bytes only the first 60 and the last 24. Meant to be used in place:
   problem_set(problem, "\"%s\" is …", problem_excerpt(text).text). */
struct excerpt problem_excerpt(const char *text);

#endif
