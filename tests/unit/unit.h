/* What every unit test needs: cmocka with the headers it asks for, and checks of messages. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/problem.h"

/* The problem says `part` (anywhere), on one line of visible characters. */
static inline void assert_says(const struct problem *problem, const char *part)
{
    if (strstr(problem->text, part) == NULL) {
        fail_msg("the problem is: %s\n  but should say: %s", problem->text, part);
    }
    for (const char *c = problem->text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            fail_msg("the problem has a control character: %s", problem->text);
        }
    }
    assert_int_equal(problem->status, PROBLEM_FAILURE);
    assert_true(strlen(problem->text) < sizeof(problem->text) - 1);
}

#endif
