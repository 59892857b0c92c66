/* The two small protocols of the service manager, spoken without a library: sockets that it passes
   (sd_listen_fds(3)) and notices to it (sd_notify(3)). */
#ifndef DAEMON_SYSTEM_SERVICE_MANAGER_H
#define DAEMON_SYSTEM_SERVICE_MANAGER_H

#include <stdbool.h>

#include "base/problem.h"

enum {
    SERVICE_MANAGER_FIRST_SOCKET = 3
};

/* How many sockets were passed to this process, from SERVICE_MANAGER_FIRST_SOCKET on; `*names` is
   their names, separated by colons, or NULL. A malformed environment is a problem: -1. */
int service_manager_sockets(const char **names, struct problem *problem);

/* Finds NOTIFY_SOCKET. Call once, before the process is confined. */
void service_manager_connect(void);

/* The socket to the service manager, or -1. */
int service_manager_socket(void);

/* "READY=1": starting, or reloading, is complete. */
void service_manager_ready(void);

/* "RELOADING=1" with the time, as Type=notify-reload wants it. */
void service_manager_reloading(void);

/* "STOPPING=1" */
void service_manager_stopping(void);

/* "STATUS=…": one line for `systemctl status`. */
void service_manager_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
