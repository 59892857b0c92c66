#include "daemon/http/access_log.h"

#include <time.h>

#include "base/line.h"
#include "base/log.h"

/* The most bytes of each field, escaped. With all the rest their sum fits into a line of the log,
   so that every line has its end, whatever clients send. */
enum {
    METHOD_MOST = 32,
    TARGET_MOST = 1600,
    VERSION_MOST = 16,
    HOST_MOST = 300,
    FIELD_MOST = 800, /* Referer, User-Agent */
    REST_MOST = 300,  /* priority, address, date, names, numbers, punctuation */
};

_Static_assert(METHOD_MOST + TARGET_MOST + VERSION_MOST + HOST_MOST + 2 * FIELD_MOST + REST_MOST <
                   LOG_LINE_SIZE,
               "the fields fit into a line");

static const char *header(struct MHD_Connection *handle, const char *name)
{
    const char *value = MHD_lookup_connection_value(handle, MHD_HEADER_KIND, name);

    return value ? value : "";
}

static const char *dash_if_empty(const char *text)
{
    return *text ? text : "-";
}

/* Apache's and nginx's "combined", field by field. */
static void add_combined(struct line *line, const struct connection *connection,
                         struct MHD_Connection *handle, const char *method, const char *version,
                         unsigned status, size_t size)
{
    char peer[INET6_ADDRSTRLEN], date[64];
    time_t now = time(NULL);
    struct tm local;

    localtime_r(&now, &local);
    strftime(date, sizeof(date), "%d/%b/%Y:%H:%M:%S %z", &local);
    log_start_text_line(line, LOG_LEVEL_INFO);
    line_add_format(line, "%s - - [%s] \"", connection_peer(connection, peer), date);
    line_add_quoted(line, method, METHOD_MOST);
    line_add(line, " ");
    line_add_quoted(line, connection->target ? connection->target : "-", TARGET_MOST);
    line_add(line, " ");
    line_add_quoted(line, version, VERSION_MOST);
    line_add_format(line, "\" %u %zu \"", status, size);
    line_add_quoted(line, dash_if_empty(header(handle, "Referer")), FIELD_MOST);
    line_add(line, "\" \"");
    line_add_quoted(line, dash_if_empty(header(handle, "User-Agent")), FIELD_MOST);
    line_add(line, "\"");
}

static void add_member(struct line *line, const char *name, const char *value, size_t most)
{
    line_add_format(line, ",\"%s\":\"", name);
    line_add_json(line, value, most);
    line_add(line, "\"");
}

static void add_object(struct line *line, const struct connection *connection,
                       struct MHD_Connection *handle, const char *method, const char *version,
                       unsigned status, size_t size)
{
    char peer[INET6_ADDRSTRLEN];

    line_add(line, "{");
    log_add_json_time(line);
    add_member(line, "remote", connection_peer(connection, peer), INET6_ADDRSTRLEN);
    add_member(line, "method", method, METHOD_MOST);
    add_member(line, "target", connection->target ? connection->target : "", TARGET_MOST);
    add_member(line, "protocol", version, VERSION_MOST);
    add_member(line, "host", header(handle, "Host"), HOST_MOST);
    line_add_format(line, ",\"status\":%u,\"size\":%zu", status, size);
    add_member(line, "referer", header(handle, "Referer"), FIELD_MOST);
    add_member(line, "user_agent", header(handle, "User-Agent"), FIELD_MOST);
    line_add(line, "}");
}

void access_log_write(const struct connection *connection, struct MHD_Connection *handle,
                      const char *method, const char *version, unsigned status, size_t size)
{
    char text[LOG_LINE_SIZE];
    struct line line;

    line_start(&line, text, sizeof(text));
    if (log_current_format() == LOG_FORMAT_JSON) {
        add_object(&line, connection, handle, method, version, status, size);
    } else {
        add_combined(&line, connection, handle, method, version, status, size);
    }
    log_write_line(&line);
}
