/* What our code reads of a request: three lines, which are the target, the Host field and
   If-None-Match; and how the access log writes them down. */
#include <jansson.h>

#include "fuzz.h"

#include "base/line.h"
#include "daemon/http/request.h"
#include "daemon/site/etag.h"
#include "daemon/site/site_table.h"

static void check_target(const char *text)
{
    struct request_target target = request_target_read(text);
    const char *end = text + strlen(text);
    enum document document;

    MUST(target.path >= text && target.path <= end);
    MUST(!target.authority || target.authority + target.authority_length == target.path);
    if (request_names_document(target.path, &document)) {
        MUST(document < DOCUMENT_COUNT && request_target_is_well_formed(target.path));
    }
}

static void check_host(const char *text)
{
    static const char host_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=%[]:";
    char host[SITE_HOST_SIZE], again[SITE_HOST_SIZE];

    if (site_host_normalize(text, strlen(text), host)) {
        MUST(host[0] != '\0' && strlen(host) < sizeof(host));
        MUST(host[strspn(host, host_bytes)] == '\0');
        if (strlen(host) > 1 && host[strlen(host) - 1] != '.') {
            MUST(site_host_normalize(host, strlen(host), again) && strcmp(host, again) == 0);
        }
    }
}

static void check_log(const char *text)
{
    char buffer[256];
    struct line line;

    line_start(&line, buffer, sizeof(buffer));
    line_add_quoted(&line, text, 100);
    MUST(strlen(buffer) == line.length && line.length <= 100);
    for (const char *c = buffer; *c != '\0'; c++) {
        MUST(*c >= ' ' && *c < 0x7f && *c != '"');
    }
    line_start(&line, buffer, sizeof(buffer));
    line_add(&line, "[\"");
    line_add_json(&line, text, 100);
    line_add(&line, "\"]");
    MUST(strlen(buffer) == line.length && line.length <= 104);
    json_t *parsed = json_loads(buffer, 0, NULL);
    MUST(parsed);
    json_decref(parsed);
    line_start(&line, buffer, sizeof(buffer));
    line_add_text(&line, text, 100);
    MUST(strlen(buffer) == line.length && line.length <= 100);
}

static void check_framing(const char *length, const char *coding)
{
    struct request_framing by_length = {0}, by_coding = {0};

    request_framing_add(&by_length, "Content-Length", length);
    MUST(by_length.broken || (*length >= '0' && *length <= '9'));
    request_framing_add(&by_coding, "Transfer-Encoding", coding);
    MUST(by_coding.broken || strncasecmp(coding, "chunked", strlen("chunked")) == 0);
    /* Both, in either order, is what request smuggling is made of (RFC 9112, section 6.1). */
    request_framing_add(&by_length, "Transfer-Encoding", coding);
    request_framing_add(&by_coding, "Content-Length", length);
    MUST(by_length.broken && by_coding.broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *rest = text;
    const char *target = strsep(&rest, "\n");
    const char *host = rest ? strsep(&rest, "\n") : "";
    const char *condition = rest ? rest : "";

    check_target(target);
    check_host(host);
    etag_matches(condition, "\"0123456789abcdef0123456789abcdef\"");
    if (request_is_token(target)) {
        MUST(request_target_is_well_formed(target));
    }
    request_value_is_well_formed(condition);
    check_framing(host, condition);
    check_log(target);
    check_log(host);
    free(text);
    return 0;
}
