/* Walls around the process: once it has started it can do only what it still needs, whoever gets
   hold of it. doc/security.md says what each wall is for. */
#ifndef DAEMON_SYSTEM_SANDBOX_H
#define DAEMON_SYSTEM_SANDBOX_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

/* Gives up, for good, what serving does not take: new privileges, capabilities, core dumps, being
   traced by others of the same user, and all of the file system but reading the directories
   that `config` names, which a reload cannot change. To be called with the sockets open, before any
   thread starts. What the kernel does not have is left out, with a line at level debug. */
bool sandbox_enter(const struct config *config, struct problem *problem);

/* Gives up all system calls that are not needed from here on, for all threads; no other
   thread can be started then. To be called when the threads have started, before the first client.
 */
void sandbox_seal(void);

/* Whether all files and Unix sockets of another configuration lie where sandbox_enter has left a
   way to, however far that has been given up; a problem that names the setting's place (or its
   domain's), the path and the directory where one does not. Says nothing of whether they exist. */
bool sandbox_allows(const struct config *config, struct problem *problem);

#endif
