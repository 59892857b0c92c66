/* The system calls that are left to the daemon while it serves. */
#ifndef DAEMON_SYSTEM_SECCOMP_H
#define DAEMON_SYSTEM_SECCOMP_H

#include <stdbool.h>

#include "base/problem.h"

/* What depends on how the daemon was started. */
struct seccomp_needs {
    bool unix_sockets; /* some are listened on */
    int notify_socket; /* the service manager's, or -1 */
};

/* From here on any system call of any thread that is not on the list, with arguments that are,
   kills the process. Nothing that is left writes a file, sends a signal to another process,
   connects, starts or traces a process, or makes memory executable. False and a problem where the
   filter could not be loaded; true without a filter where the program was built without libseccomp.
 */
bool seccomp_allow_needed(const struct seccomp_needs *needs, struct problem *problem);

#endif
