/* Walls around the process: once it has started it can do only what it still needs, whoever gets
   hold of it. doc/security.md says what each wall is for. */
#ifndef DAEMON_SYSTEM_SANDBOX_H
#define DAEMON_SYSTEM_SANDBOX_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

/* Gives up, for good, what serving does not take: new privileges, capabilities, core dumps, being
   looked into by others of the same user, and all of the file system but reading the directories
   that `config` names, which a reload cannot change. To be called with the sockets open, before any
   thread starts. What the kernel does not have is left out, with a line at level debug. */
bool sandbox_enter(const struct config *config, struct problem *problem);

/* Gives up all system calls that are not needed from here on, for all threads; nobody can start
   another thread then. To be called when the threads have started, before the first client. */
void sandbox_seal(void);

/* Whether sandbox_enter has been called: what is refused since then can be its doing. */
bool sandbox_entered(void);

/* Whether a path that is named in the configuration can be read, as far as we have not given that
   up; a problem that names the directory where not. Says nothing of whether it exists. */
bool sandbox_reaches(const char *path, struct problem *problem);

/* The same for making a Unix socket there. */
bool sandbox_reaches_socket(const char *path, struct problem *problem);

#endif
