#include "check/findings/diagnosis.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "check/findings/duration.h"
#include "check/net/limits.h"
#include "check/net/text.h"

enum {
    SECONDS_A_DAY = 86400,
};

char *diagnosis_with_place(const struct ip_address *address, int port, char *text)
{
    char where[IP_TEXT_SIZE];
    char *whole = text_format("%s port %d: %s", ip_address_text(address, where), port, text);
    free(text);
    return whole;
}

/* A fetch's finding, with the address and port before its text. */
static enum finding_code add_at(struct branch at, const struct fetch *fetch, struct finding finding)
{
    finding.text = diagnosis_with_place(&fetch->address, fetch->port, finding.text);
    return branch_add_finding(at, finding);
}

/* "a.example, b.example and 3 more" */
static char *list_names(const struct certificate_details *certificate)
{
    char *list = text_copy("");
    for (size_t i = 0; i < certificate->name_count && i < CERTIFICATE_NAMES_SHOWN; i++) {
        char *longer = text_format("%s%s%s", list, i == 0 ? "" : ", ", certificate->names[i]);
        free(list);
        list = longer;
    }
    if (certificate->name_count > CERTIFICATE_NAMES_SHOWN) {
        char *longer =
            text_format("%s and %zu more", list, certificate->name_count - CERTIFICATE_NAMES_SHOWN);
        free(list);
        list = longer;
    }
    return list;
}

/* These three give a certificate's flaw of one kind; FINDING_NONE where there is none. */
static struct finding wrong_name(const struct certificate_details *certificate,
                                 const struct diagnosis_context *context)
{
    if (!certificate->wrong_name) {
        return (struct finding){.code = FINDING_NONE};
    }
    struct finding finding = {.code = FINDING_CERTIFICATE_NAME};
    char *names = list_names(certificate);
    if (certificate->only_common_name) {
        finding.text = text_format("the certificate has the name %s only as common name, which "
                                   "homeservers and browsers do not read",
                                   names);
        finding.hint =
            text_format("get a certificate with %s as subject alternative name", context->tls_name);
    } else {
        finding.text =
            text_format("the certificate is for %s, not for %s",
                        certificate->name_count == 0 ? "no name at all" : names, context->tls_name);
        finding.hint = text_format("get a certificate for %s, and use it there", context->tls_name);
    }
    if (context->srv_target) {
        finding.code = FINDING_CERTIFICATE_NAME_SRV;
        free(finding.hint);
        finding.hint = text_format("an SRV record changes the address and the port, never the "
                                   "name: use a certificate for %s on %s, or delegate with "
                                   "/.well-known/matrix/server instead of SRV",
                                   context->tls_name, context->srv_target);
    }
    free(names);
    return finding;
}

static struct finding bad_dates(const struct certificate_details *certificate)
{
    time_t now = time(NULL);
    if (certificate->expired && certificate->expires < now) {
        char *since = duration_text((long long)(now - certificate->expires));
        char *text = text_format("the certificate expired %s ago", since);
        free(since);
        return (struct finding){.code = FINDING_CERTIFICATE_EXPIRED, .text = text};
    }
    if (certificate->expired) {
        return (struct finding){
            .code = FINDING_CERTIFICATE_EXPIRED,
            .text = text_format("an intermediate certificate has expired"),
        };
    }
    if (certificate->not_yet_valid) {
        return (struct finding){
            .code = FINDING_CERTIFICATE_NOT_YET_VALID,
            .text = text_format("the certificate is not valid yet"),
        };
    }
    return (struct finding){.code = FINDING_NONE};
}

static struct finding bad_issuer(const struct certificate_details *certificate)
{
    const struct {
        bool there;
        enum finding_code code;
        const char *text;
        const char *hint;
    } flaws[] = {
        {certificate->none, FINDING_CERTIFICATE_UNTRUSTED, "the server sends no certificate",
         "install one that a public CA has signed"},
        {certificate->self_signed, FINDING_CERTIFICATE_SELF_SIGNED,
         "the certificate is self-signed", NULL},
        {certificate->chain_incomplete, FINDING_CERTIFICATE_CHAIN,
         "the server sends only its own certificate, and the CA that signed it is unknown", NULL},
        {certificate->untrusted, FINDING_CERTIFICATE_UNTRUSTED,
         "the certificate is not signed by a CA that this machine trusts", NULL},
        {certificate->weak, FINDING_CERTIFICATE_WEAK,
         "the certificate uses an algorithm that is no longer trusted", NULL},
        {certificate->wrong_purpose, FINDING_CERTIFICATE_PURPOSE,
         "the certificate is not meant for servers", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(flaws); i++) {
        if (flaws[i].there) {
            return (struct finding){
                .code = flaws[i].code,
                .text = text_copy(flaws[i].text),
                .hint = flaws[i].hint ? text_copy(flaws[i].hint) : NULL,
            };
        }
    }
    return (struct finding){.code = FINDING_NONE};
}

static enum finding_code diagnose_certificate(struct branch at, enum mark mark,
                                              const struct fetch *fetch,
                                              const struct diagnosis_context *context)
{
    struct finding flaws[] = {bad_issuer(&fetch->certificate),
                              wrong_name(&fetch->certificate, context),
                              bad_dates(&fetch->certificate)};
    enum finding_code first = FINDING_NONE;
    for (size_t i = 0; i < ARRAY_SIZE(flaws); i++) {
        if (flaws[i].code != FINDING_NONE) {
            flaws[i].mark = mark;
            enum finding_code code = add_at(at, fetch, flaws[i]);
            first = first == FINDING_NONE ? code : first;
        }
    }
    return first;
}

/* The finding for a request to an address of this reach, where the policy forbids it. */
struct forbidden {
    enum finding_code code;
    enum finding_code redirect_code;
    enum mark mark;       /* MARK_NOTE: as the caller has it */
    const char *address;  /* follows the address and port */
    const char *base_url; /* follows the URL */
    const char *redirect; /* the URL follows */
};

static const struct forbidden forbidden_by_reach[] = {
    [IP_PRIVATE] =
        {
            FINDING_ADDRESS_PRIVATE,
            FINDING_REDIRECT_LOCAL,
            MARK_NOTE,
            "this is a private address, so nothing was sent there",
            "its host has a private address",
            "redirects to a private address:",
        },
    [IP_OWN] =
        {
            FINDING_ADDRESS_OWN,
            FINDING_ADDRESS_OWN,
            MARK_WARN,
            "this address belongs to the machine that runs the check, so nothing was sent there",
            "its host is the machine that runs the check, so it was not asked",
            "redirects to the machine that runs the check; such a redirect is not followed:",
        },
    [IP_LOCAL] =
        {
            FINDING_ADDRESS_LOCAL,
            FINDING_REDIRECT_LOCAL,
            MARK_NOTE,
            "this address is loopback, link-local or reserved, so nothing was sent there",
            "its host's address is loopback, link-local or reserved",
            "redirects to an address that is loopback, link-local or reserved:",
        },
};

struct finding diagnose_forbidden_url(const char *url, enum ip_reach reach)
{
    const struct forbidden *forbidden = &forbidden_by_reach[reach];
    return (struct finding){
        .code = forbidden->code,
        .mark = forbidden->mark == MARK_NOTE ? MARK_ERROR : forbidden->mark,
        .text = text_format("base_url %s: %s", url, forbidden->base_url),
    };
}

/* The message for an outcome other than FETCH_CERTIFICATE and FETCH_FORBIDDEN. */
struct outcome_message {
    enum fetch_outcome outcome;
    enum finding_code code;
    const char *text;
};

static const struct outcome_message outcome_messages[] = {
    {FETCH_REFUSED, FINDING_CONNECTION_REFUSED, "the connection is refused"},
    {FETCH_NO_ROUTE, FINDING_NO_ROUTE,
     "this machine has no route to that address, so it was not checked"},
    {FETCH_CONNECT_TIMEOUT, FINDING_CONNECTION_TIMEOUT, "nothing answers"},
    {FETCH_CONNECT_FAILED, FINDING_CONNECTION_FAILED, "the connection fails"},
    {FETCH_TLS_FAILED, FINDING_TLS_FAILED, "the TLS handshake fails"},
    {FETCH_ANSWER_TIMEOUT, FINDING_ANSWER_TIMEOUT,
     "the connection is accepted, but no complete answer arrives in time"},
    {FETCH_TOO_LARGE, FINDING_ANSWER_TOO_LARGE, "the answer is too large: homeservers read 50 KiB"},
    {FETCH_BROKEN, FINDING_ANSWER_BROKEN, "the answer is not HTTP, or ends too early"},
};

static_assert(FETCH_BODY_LIMIT == 50 * 1024, "a message names this figure");

static const struct outcome_message *message_of(enum fetch_outcome outcome)
{
    size_t i = 0;
    while (i + 1 < ARRAY_SIZE(outcome_messages) && outcome_messages[i].outcome != outcome) {
        i++;
    }
    return &outcome_messages[i];
}

static bool speaks_plain(const struct fetch *fetch)
{
    return strstr(fetch->detail, "unexpected TLS packet") != NULL;
}

/* A more precise hint than the code's own, or NULL. */
static char *hint_for(const struct fetch *fetch, enum finding_code code,
                      const struct diagnosis_context *context)
{
    switch (fetch->outcome) {
    case FETCH_TLS_FAILED:
        return speaks_plain(fetch)
                   ? text_format(
                         "plain HTTP answers there: enable TLS on that port, or give another one")
                   : text_format("%s, with a certificate for %s", finding_code_hint(code),
                                 context->tls_name);
    case FETCH_REFUSED:
    case FETCH_CONNECT_TIMEOUT:
    case FETCH_CONNECT_FAILED:
        return context->connect_hint
                   ? text_format("%s; %s", finding_code_hint(code), context->connect_hint)
                   : NULL;
    default:
        return NULL;
    }
}

enum finding_code diagnose_fetch(struct branch at, enum mark mark, const struct fetch *fetch,
                                 const struct diagnosis_context *context)
{
    if (fetch->outcome == FETCH_CERTIFICATE) {
        return diagnose_certificate(at, mark, fetch, context);
    }
    if (fetch->outcome == FETCH_FORBIDDEN) {
        const struct forbidden *forbidden = &forbidden_by_reach[fetch->reach];
        return add_at(at, fetch,
                      (struct finding){
                          .code = forbidden->code,
                          .mark = forbidden->mark == MARK_NOTE ? mark : forbidden->mark,
                          .text = text_copy(forbidden->address),
                      });
    }
    const struct outcome_message *message = message_of(fetch->outcome);
    /* The TLS library's message has the alert's name. */
    bool detail = fetch->outcome == FETCH_TLS_FAILED && !speaks_plain(fetch);
    return add_at(at, fetch,
                  (struct finding){
                      .code = message->code,
                      .mark = fetch->outcome == FETCH_NO_ROUTE ? MARK_WARN : mark,
                      .text = detail ? text_format("%s (%s)", message->text, fetch->detail)
                                     : text_copy(message->text),
                      .hint = hint_for(fetch, message->code, context),
                  });
}

/* Redirects that did not lead to an answer. */
static enum finding_code diagnose_redirect(struct branch at, enum mark mark,
                                           const struct follow *follow)
{
    static const struct {
        enum finding_code code;
        const char *text;
    } messages[] = {
        [FOLLOW_LOOP] = {FINDING_REDIRECT_LOOP, "redirects in a loop, back to"},
        [FOLLOW_TOO_MANY] = {FINDING_REDIRECT_TOO_MANY, "redirects more than 5 times, at last to"},
        [FOLLOW_SCHEME] = {FINDING_REDIRECT_SCHEME, "redirects away from HTTPS, to"},
        [FOLLOW_INVALID] = {FINDING_REDIRECT_INVALID, "redirects to an unusable URL:"},
        [FOLLOW_UNRESOLVED] = {FINDING_REDIRECT_UNRESOLVED,
                               "redirects to a host that has no address:"},
    };
    static_assert(FOLLOW_REDIRECT_LIMIT == 5, "a message names this figure");
    const struct forbidden *forbidden =
        follow->outcome == FOLLOW_FORBIDDEN ? &forbidden_by_reach[follow->forbidden_reach] : NULL;
    return add_at(at, &follow->fetch,
                  (struct finding){
                      .code = forbidden ? forbidden->redirect_code : messages[follow->outcome].code,
                      .mark = forbidden && forbidden->mark != MARK_NOTE ? forbidden->mark : mark,
                      .text = text_format(
                          "%s %s", forbidden ? forbidden->redirect : messages[follow->outcome].text,
                          follow->last_target ? follow->last_target : "?"),
                  });
}

enum finding_code diagnose_follow(struct branch at, enum mark mark, const struct follow *follow,
                                  const struct diagnosis_context *context)
{
    if (follow->outcome != FOLLOW_FETCHED) {
        return diagnose_redirect(at, mark, follow);
    }
    if (follow->fetch.outcome == FETCH_ANSWERED) {
        return FINDING_NONE;
    }
    if (follow->redirects == 0) {
        return diagnose_fetch(at, mark, &follow->fetch, context);
    }
    struct diagnosis_context there = *context;
    size_t before = at.lines->count;
    there.tls_name = follow->fetch.tls_name;
    enum finding_code code = diagnose_fetch(at, mark, &follow->fetch, &there);
    for (size_t i = before; i < at.lines->count; i++) {
        char *text = at.lines->items[i].text;
        at.lines->items[i].text =
            text_format("%s, after a redirect to %s", text, follow->last_target);
        free(text);
    }
    return code;
}

void diagnose_expiry(struct branch at, const struct fetch *fetch)
{
    long long left = (long long)(fetch->certificate.expires - time(NULL));
    if (!fetch->certificate.seen || !fetch->certificate.valid ||
        left >= (long long)CERTIFICATE_SOON_DAYS * SECONDS_A_DAY) {
        return;
    }
    char *span = duration_text(left < 0 ? 0 : left);
    add_at(at, fetch,
           (struct finding){
               .code = FINDING_CERTIFICATE_EXPIRES_SOON,
               .text = text_format("the certificate expires in %s", span),
           });
    free(span);
}

enum verdict diagnose_lookup(struct branch at, const char *host, struct host_lookup *lookup)
{
    if (host_lookup_status(lookup) == LOOKUP_FAILED) {
        branch_add_finding(at, (struct finding){
                                   .code = FINDING_DNS_FAILED,
                                   .text = text_format("%s: %s", host, host_lookup_error(lookup)),
                               });
        return VERDICT_UNKNOWN;
    }
    bool absent = lookup->a.no_such_name || lookup->aaaa.no_such_name;
    branch_add_finding(at,
                       (struct finding){
                           .code = absent ? FINDING_NAME_NOT_FOUND : FINDING_NO_ADDRESS,
                           .text = text_format(absent ? "%s: there is no such name in the DNS"
                                                      : "%s: the name has no address to connect to",
                                               host),
                       });
    return VERDICT_FAILS;
}

void diagnose_odd_lookup(struct branch at, const char *host, const struct host_lookup *lookup)
{
    const struct record_lookup *both[] = {&lookup->a, &lookup->aaaa};
    for (size_t i = 0; lookup->count > 0 && i < ARRAY_SIZE(both); i++) {
        if (both[i]->status == LOOKUP_FAILED) {
            branch_add_finding(
                at, (struct finding){
                        .code = FINDING_DNS_FAILED,
                        .mark = MARK_WARN,
                        .text = text_format("%s: its %s records: %s", host, i == 0 ? "A" : "AAAA",
                                            both[i]->error),
                        .hint = text_format("check the domain's DNS servers: addresses of that "
                                            "family were not checked"),
                    });
        }
    }
    if (lookup->a.answer.more || lookup->aaaa.answer.more) {
        branch_add_finding(
            at, (struct finding){
                    .code = FINDING_TOO_MANY_ADDRESSES,
                    .text = text_format("%s: it has more than %d addresses of one family", host,
                                        DNS_RECORD_LIMIT),
                });
    }
}

struct finding diagnose_problem(enum finding_code code, const char *what,
                                const struct problem *problem)
{
    const char *colon = NULL;
    for (const char *at = strstr(problem->text, ": "); at; at = strstr(at + 1, ": ")) {
        colon = at;
    }
    size_t length = colon ? (size_t)(colon - problem->text) : strlen(problem->text);
    return (struct finding){
        .code = code,
        .text = text_format("%s %.*s", what, (int)length, problem->text),
        .hint = colon ? text_copy(colon + 2) : NULL,
    };
}
