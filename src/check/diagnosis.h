/* What a request that came to nothing means, in plain words, and what to change. */
#ifndef CHECK_DIAGNOSIS_H
#define CHECK_DIAGNOSIS_H

#include <stdbool.h>

#include "base/problem.h"
#include "check/finding.h"
#include "check/net/fetch.h"
#include "check/net/follow.h"

enum {
    JUDGE_SOON_DAYS = 14, /* a certificate that ends sooner gets a warning */
};

/* What the request was for, so that the remedy fits. */
struct judge_context {
    const char *tls_name;     /* the name that the certificate must have */
    const char *srv_target;   /* the SRV record's target that led there, or NULL */
    const char *connect_hint; /* a remedy where nothing answers, or NULL for a general one */
};

/* Adds the findings for a request whose outcome is not FETCH_ANSWERED, each beginning with the
   address and port, and returns the code of the first. */
enum finding_code judge_fetch(struct lines *lines, int depth, enum mark mark,
                              const struct fetch *fetch, const struct judge_context *context);

/* As judge_fetch, for a document whose redirects could not be followed to their end, or whose last
   request came to nothing. FINDING_NONE where it was answered. */
enum finding_code judge_follow(struct lines *lines, int depth, enum mark mark,
                               const struct follow *follow, const struct judge_context *context);

/* What it means that a request's address, of that reach, may not be asked. */
struct forbidden {
    enum finding_code code;
    enum finding_code redirect_code;
    bool unchecked;      /* it is no fault: it only cannot be found out from here */
    const char *address; /* follows "192.0.2.1 port 443: " */
    const char *base_url;
    const char *redirect; /* followed by the URL */
    const char *hint;
};

const struct forbidden *judge_forbidden(enum ip_reach reach);

/* A warning where the certificate ends within JUDGE_SOON_DAYS. */
void judge_expiry(struct lines *lines, int depth, const struct fetch *fetch);

/* Splits "what is wrong: what to do", as problems are worded, at the last ": ", into two texts to
   be freed. They are printable: a problem quotes strangers in excerpts. `*hint` is a copy of
   `otherwise` where there is no colon. */
void judge_split_problem(const struct problem *problem, const char *otherwise, char **text,
                         char **hint);

#endif
