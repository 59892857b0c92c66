/* From a request to its answer. */
#ifndef DAEMON_HTTP_HANDLER_H
#define DAEMON_HTTP_HANDLER_H

#include <microhttpd.h>

/* The callbacks that libmicrohttpd gets; `context` is not used. */

/* MHD_OPTION_URI_LOG_CALLBACK: sees the raw request target before anything is done to it. */
void *http_see_target(void *context, const char *target, struct MHD_Connection *handle);

/* MHD_OPTION_UNESCAPE_CALLBACK: leaves the target as it is. */
size_t http_leave_escaped(void *context, struct MHD_Connection *handle, char *text);

/* The access handler. */
enum MHD_Result http_answer(void *context, struct MHD_Connection *handle, const char *url,
                            const char *method, const char *version, const char *body,
                            size_t *body_size, void **state);

/* MHD_OPTION_NOTIFY_COMPLETED */
void http_completed(void *context, struct MHD_Connection *handle, void **state,
                    enum MHD_RequestTerminationCode how);

#endif
