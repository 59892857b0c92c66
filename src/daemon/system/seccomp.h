/* The system calls that are left to the daemon while it serves. */
#ifndef DAEMON_SYSTEM_SECCOMP_H
#define DAEMON_SYSTEM_SECCOMP_H

#include <stdbool.h>

#include "base/problem.h"

/* From here on any system call of any thread that is not on the list kills the process. False and a
   problem where the filter could not be loaded; true without a filter where the program was built
   without libseccomp. */
bool seccomp_allow_needed(struct problem *problem);

#endif
