#include <config.h>

#include "daemon/http/metrics.h"

#include <stdint.h>

#include "base/buffer.h"
#include "base/log.h"
#include "daemon/net/worker.h"

const char metrics_content_type[] = "text/plain; version=0.0.4; charset=utf-8";

static const char *const handshake_results[COUNTERS_HANDSHAKE_COUNT] = {
    [COUNTERS_HANDSHAKE_OK] = "ok",
    [COUNTERS_HANDSHAKE_FAILED] = "failed",
    [COUNTERS_HANDSHAKE_UNRECOGNIZED_NAME] = "unrecognized_name",
    [COUNTERS_HANDSHAKE_CHALLENGE] = "acme_challenge",
};

static const char *const refusals[COUNTERS_REFUSED_COUNT] = {
    [COUNTERS_REFUSED_ADDRESS_LIMIT] = "address_limit",
    [COUNTERS_REFUSED_EVICTED] = "evicted",
    [COUNTERS_REFUSED_HANDSHAKE_TOO_LONG] = "handshake_too_long",
};

static void head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_add_format(out, "# HELP matrix_wellknownd_%s %s\n# TYPE matrix_wellknownd_%s %s\n", name,
                      help, name, type);
}

static void render_requests(struct buffer *out, const struct service *service)
{
    head(out, "requests_total", "counter", "Requests answered, by document and status.");
    for (int document = 0; document < COUNTERS_DOCUMENT_COUNT; document++) {
        const char *name =
            document < COUNTERS_DOCUMENT_OTHER ? document_name((enum document)document) : "other";

        for (int i = 0; i < COUNTERS_STATUS_COUNT; i++) {
            uint64_t sum = 0;

            for (unsigned w = 0; w < service->worker_count; w++) {
                sum += atomic_load(&service->workers[w].connections.counters.requests[document][i]);
            }
            if (sum > 0 || (document == 0 && counters_statuses[i] == 200)) {
                buffer_add_format(
                    out, "matrix_wellknownd_requests_total{document=\"%s\",status=\"%u\"} %ju\n",
                    name, counters_statuses[i], (uintmax_t)sum);
            }
        }
    }
}

static void render_handshakes(struct buffer *out, const struct service *service)
{
    head(out, "handshakes_total", "counter", "TLS handshakes ended, by result.");
    for (int result = 0; result < COUNTERS_HANDSHAKE_COUNT; result++) {
        uint64_t sum = 0;

        for (unsigned w = 0; w < service->worker_count; w++) {
            sum += atomic_load(&service->workers[w].connections.counters.handshakes[result]);
        }
        buffer_add_format(out, "matrix_wellknownd_handshakes_total{result=\"%s\"} %ju\n",
                          handshake_results[result], (uintmax_t)sum);
    }
}

static void render_refusals(struct buffer *out, const struct service *service)
{
    head(out, "refused_total", "counter", "Connections refused or ended early, by reason.");
    for (int reason = 0; reason < COUNTERS_REFUSED_COUNT; reason++) {
        uint64_t sum = 0;

        for (unsigned w = 0; w < service->worker_count; w++) {
            sum += atomic_load(&service->workers[w].connections.counters.refused[reason]);
        }
        buffer_add_format(out, "matrix_wellknownd_refused_total{reason=\"%s\"} %ju\n",
                          refusals[reason], (uintmax_t)sum);
    }
}

static void render_certificates(struct buffer *out, const struct site_table *table)
{
    head(out, "certificate_expiry_timestamp_seconds", "gauge",
         "When the certificate in use for a domain expires, in seconds since 1970.");
    for (size_t i = 0; i < table->site_count; i++) {
        const struct site *site = &table->sites[i];
        time_t expiration = site->certificate ? atomic_load(&site->certificate->expiration) : 0;

        if (expiration != 0) {
            buffer_add_format(
                out, "matrix_wellknownd_certificate_expiry_timestamp_seconds{domain=\"%s\"} %jd\n",
                site->host, (intmax_t)expiration);
        }
    }
}

char *metrics_render(struct service *service)
{
    struct buffer buffer = {0}, *out = &buffer;

    render_requests(out, service);
    head(out, "connections", "gauge", "Connections that are open.");
    buffer_add_format(out, "matrix_wellknownd_connections %u\n",
                      atomic_load(&service->connections));
    render_handshakes(out, service);
    render_refusals(out, service);
    render_certificates(out, service_table(service));
    head(out, "reloads_total", "counter", "Reloads of the configuration, by result.");
    buffer_add_format(out, "matrix_wellknownd_reloads_total{result=\"ok\"} %ju\n",
                      (uintmax_t)atomic_load(&service->reloads_ok));
    buffer_add_format(out, "matrix_wellknownd_reloads_total{result=\"failed\"} %ju\n",
                      (uintmax_t)atomic_load(&service->reloads_failed));
    head(out, "log_lines_dropped_total", "counter",
         "Lines of the log that were dropped because its reader took none.");
    buffer_add_format(out, "matrix_wellknownd_log_lines_dropped_total %ju\n",
                      (uintmax_t)log_dropped_lines());
    head(out, "build_info", "gauge", "The version, as a label; the value is always 1.");
    buffer_add_format(out, "matrix_wellknownd_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
    return buffer_finish(out, NULL);
}
