/* Landlock(7): the kernel's way for a process to give up its rights on the file system. */
#ifndef DAEMON_SYSTEM_LANDLOCK_H
#define DAEMON_SYSTEM_LANDLOCK_H

#include <stdbool.h>

/* What can be left to do. */
enum landlock_use {
    LANDLOCK_READ,      /* beneath a directory: open files and list directories for reading */
    LANDLOCK_READ_FILE, /* open this file for reading */
    LANDLOCK_SOCKETS,   /* beneath a directory: make Unix sockets, and remove entries */
};

/* Begins a set of rules: what none of them allows will be refused. Beside the file system that is
   connecting to a TCP port, to an abstract Unix socket, and sending signals, as far as the kernel
   knows of these. Returns a descriptor, or -1 with errno where the kernel has no Landlock. */
int landlock_new(void);

/* Allows a use of a path, as it is now. False with errno. */
bool landlock_allow(int rules, const char *path, enum landlock_use use);

/* Puts the rules in force for this thread and those that it starts, for good, and closes them;
   PR_SET_NO_NEW_PRIVS must be set. False with errno. */
bool landlock_enforce(int rules);

#endif
