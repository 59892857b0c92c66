/* The workers' counters, and more, as text for Prometheus. */
#ifndef DAEMON_HTTP_METRICS_H
#define DAEMON_HTTP_METRICS_H

#include "daemon/net/service.h"

/* The whole text (Prometheus text format 0.0.4), to be freed with free(); NULL where memory ran
   out. Called by a worker, within its round. */
char *metrics_render(struct service *service);

extern const char metrics_content_type[];

#endif
