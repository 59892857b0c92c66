/* The findings about lookups and requests that failed. */
#ifndef CHECK_FINDINGS_DIAGNOSIS_H
#define CHECK_FINDINGS_DIAGNOSIS_H

#include <stdbool.h>

#include "base/problem.h"
#include "check/findings/findings.h"
#include "check/net/fetch.h"
#include "check/net/follow.h"
#include "check/net/resolver.h"

/* What a request was for, so that the remedy fits. */
struct diagnosis_context {
    const char *tls_name;     /* the name that the certificate must have */
    const char *srv_target;   /* the SRV record's target that led there, or NULL */
    const char *connect_hint; /* a further remedy where nothing answers, or NULL */
};

/* Adds the findings for a request whose outcome is not FETCH_ANSWERED, each beginning with the
   address and port, and returns the code of the first. What this
   machine cannot check is a warning, everything else has `mark`. */
enum finding_code diagnose_fetch(struct branch at, enum mark mark, const struct fetch *fetch,
                                 const struct diagnosis_context *context);

/* As diagnose_fetch, for a document whose redirects or whose last request failed. FINDING_NONE
   where it was answered. */
enum finding_code diagnose_follow(struct branch at, enum mark mark, const struct follow *follow,
                                  const struct diagnosis_context *context);

/* The finding for a base_url whose host has an address of that reach, which the policy forbids. */
struct finding diagnose_forbidden_url(const char *url, enum ip_reach reach);

/* Adds a warning where the certificate ends within CERTIFICATE_SOON_DAYS. */
void diagnose_expiry(struct branch at, const struct fetch *fetch);

/* Adds the finding for a host without addresses, and returns the verdict: VERDICT_FAILS, or
   VERDICT_UNKNOWN where the DNS did not answer. */
enum verdict diagnose_lookup(struct branch at, const char *host, struct host_lookup *lookup);

/* Adds warnings for a lookup with addresses: too many of them, or a failed query for one family. */
void diagnose_odd_lookup(struct branch at, const char *host, const struct host_lookup *lookup);

/* The finding for a value of `what` that does not follow its grammar. `problem` is worded "what is
   wrong: what to do", and quotes strangers printably. */
struct finding diagnose_problem(enum finding_code code, const char *what,
                                const struct problem *problem);

/* "203.0.113.20 port 8448: " and `text`, which is taken over; to be freed. */
char *diagnosis_with_place(const struct ip_address *address, int port, char *text);

#endif
