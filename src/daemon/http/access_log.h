/* One line a request: Combined Log Format, or a JSON object with `log_format = json`. */
#ifndef DAEMON_HTTP_ACCESS_LOG_H
#define DAEMON_HTTP_ACCESS_LOG_H

#include <microhttpd.h>
#include <stddef.h>

#include "daemon/net/connection.h"

/* Writes the line of an answered request to standard error. `size` is that of the answer's body in
   bytes. What the client sent is escaped. */
void access_log_write(const struct connection *connection, struct MHD_Connection *handle,
                      const char *method, const char *version, unsigned status, size_t size);

#endif
