#include "check/discovery/fallback.h"

#include "check/net/text.h"

static void diagnose_target(const struct route *route, const struct srv_record *record,
                            struct branch at)
{
    if (record->lookup.count > 0 && !targets_include(&route->targets, &record->lookup)) {
        branch_add_finding(
            at, (struct finding){
                    .code = FINDING_SRV_POINTS_ELSEWHERE,
                    .text = text_format(
                        "%s: the SRV record leads to a different machine than the document",
                        record->target),
                });
    }
}

void fallback_diagnose(const struct route *route, struct branch at)
{
    struct srv *srv = route->origin.fallback;
    if (!route->started || !srv->started || !route->delegated) {
        return;
    }
    if (srv->status == LOOKUP_ABSENT) {
        branch_add(at, MARK_NOTE,
                   "Without the document: no SRV record, so servers would try %s port %d",
                   route->origin.hostname, ROUTE_DEFAULT_PORT);
        return;
    }
    branch_add(at, MARK_NOTE, "Without the document: %s, with a certificate for %s", srv->owner,
               route->origin.hostname);
    srv_diagnose(srv, branch_below(at), MARK_WARN);
    for (size_t i = 0; i < srv->count; i++) {
        diagnose_target(route, &srv->records[i], branch_below(at));
    }
}
