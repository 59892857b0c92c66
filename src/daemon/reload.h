/* Reading configuration and certificates anew, on SIGHUP. */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/running.h"

/* Takes the configuration as it is now, whole or not at all; the log and the service manager say
   which. What can fail is prepared first, and put in force by steps that cannot. */
void reload(struct running *running);

#endif
