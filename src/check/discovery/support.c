#include "check/discovery/support.h"

#include <stdlib.h>

#include "check/findings/answers.h"
#include "check/net/text.h"

void support_start(struct support *support, const struct network *network, const char *hostname,
                   const struct host_lookup *addresses)
{
    char *url = text_format("https://%s/.well-known/matrix/support", hostname);
    struct follow_request request = {
        .url = url,
        .addresses = addresses->addresses,
        .address_count = addresses->count,
        .limit = host_lookup_limit(addresses),
    };
    support->tried = true;
    follow_start(&support->document, network, &request);
    free(url);
}

bool support_advance(struct support *support)
{
    return !support->tried || follow_advance(&support->document);
}

void support_diagnose(struct support *support, struct branch at)
{
    const struct fetch *fetch = &support->document.fetch;
    if (!support->tried || !follow_is_answered(&support->document) || fetch->status != 200) {
        return;
    }
    char *error = NULL;
    json_t *document = answer_parse(fetch->body, fetch->body_length, &error);
    char *flaw = document ? answer_support_flaw(document)
                          : text_format("it is not a JSON object (%s)", error);
    support->found = true;
    support->ok = !flaw;
    branch_add(at, support->ok ? MARK_GOOD : MARK_NOTE, "Support document");
    if (flaw) {
        branch_add_finding(
            branch_below(at),
            (struct finding){
                .code = FINDING_SUPPORT_INVALID,
                .text = text_format("clients cannot use the support document: %s", flaw),
            });
    }
    json_decref(document);
    free(error);
    free(flaw);
}

void support_clear(struct support *support)
{
    follow_clear(&support->document);
    *support = (struct support){0};
}
