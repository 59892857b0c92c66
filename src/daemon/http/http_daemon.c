#include "daemon/http/http_daemon.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/http/handler.h"
#include "daemon/http/quirks.h"
#include "daemon/net/session.h"

enum {
    MEMORY_PER_CONNECTION = 8192
}; /* for a request's headers, in bytes */

/* Called by libmicrohttpd when it takes a connection over, and when it has ended it. */
static void notify_connection(void *context, struct MHD_Connection *handle, void **socket_context,
                              enum MHD_ConnectionNotificationCode what)
{
    struct connection_set *set = context;
    struct connection *connection = *socket_context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = set->adding;
        set->adding->handle = handle;
        if (set->adding->stream.handshake == HANDSHAKE_RUNNING) {
            const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(handle, MHD_CONNECTION_INFO_GNUTLS_SESSION);

            tls_start(set->adding, info->tls_session);
        }
        return;
    }
    if (connection == set->adding) {
        set->adding = NULL;
    }
    if (connection->stream.handshake == HANDSHAKE_RUNNING) {
        counters_add_handshake(&set->counters, COUNTERS_HANDSHAKE_FAILED);
    }
    connection_forget(connection);
}

static void log_library(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void log_library(void *context, const char *format, va_list arguments)
{
    char text[512];
    size_t length;

    (void)context;
    vsnprintf(text, sizeof(text), format, arguments);
    length = strlen(text);
    if (length > 0 && text[length - 1] == '\n') {
        text[length - 1] = '\0';
    }
    log_debug("libmicrohttpd: %s", text);
}

struct MHD_Daemon *http_daemon_start(struct connection_set *set, bool tls)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)tls_priorities},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)tls_retrieve_certificate},
        {MHD_OPTION_TLS_NO_ALPN, 1, NULL}, /* tls_start sets ours */
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem no_options[] = {{MHD_OPTION_END, 0, NULL}};

    quirks_detect();
    flags |= quirks_daemon_flags();
    return MHD_start_daemon(
        tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, http_answer, NULL,
        MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)set->capacity, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_STRICT_FOR_CLIENT, quirks_strictness(),
        MHD_OPTION_NOTIFY_CONNECTION, notify_connection, set, MHD_OPTION_NOTIFY_COMPLETED,
        http_completed, NULL, MHD_OPTION_URI_LOG_CALLBACK, http_see_target, NULL,
        MHD_OPTION_UNESCAPE_CALLBACK, http_leave_escaped, NULL, MHD_OPTION_ARRAY,
        tls ? tls_options : no_options, MHD_OPTION_END);
}
