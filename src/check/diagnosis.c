#include "check/diagnosis.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/text.h"

enum {
    NAMES_SHOWN = 4,
    SECONDS_A_DAY = 86400,
};

/* "203.0.113.20 port 8448" */
static char *place(const struct fetch *fetch)
{
    char address[IP_TEXT_SIZE];
    return text_format("%s port %d", ip_address_text(&fetch->address, address), fetch->port);
}

/* "a.example, b.example and 3 more" */
static char *list_names(const struct certificate_details *certificate)
{
    char *list = text_copy("", 0);
    for (size_t i = 0; i < certificate->name_count && i < NAMES_SHOWN; i++) {
        char *longer = text_format("%s%s%s", list, i == 0 ? "" : ", ", certificate->names[i]);
        free(list);
        list = longer;
    }
    if (certificate->name_count > NAMES_SHOWN) {
        char *longer = text_format("%s and %zu more", list, certificate->name_count - NAMES_SHOWN);
        free(list);
        list = longer;
    }
    return list;
}

/* One flaw of a certificate: its code, the words that follow the place, and the remedy. */
struct flaw {
    bool there;
    enum finding_code code;
    char *text;
    char *hint;
};

static struct flaw wrong_name(const struct certificate_details *certificate,
                              const struct judge_context *context)
{
    struct flaw flaw = {.there = certificate->wrong_name, .code = FINDING_CERTIFICATE_NAME};
    if (!flaw.there) {
        return flaw;
    }
    char *names = list_names(certificate);
    if (certificate->only_common_name) {
        flaw.text = text_format("the certificate has the name %s only as common name, which "
                                "homeservers and browsers do not read",
                                names);
        flaw.hint =
            text_format("get a certificate with %s as subject alternative name", context->tls_name);
    } else {
        flaw.text =
            text_format("the certificate is for %s, not for %s",
                        certificate->name_count == 0 ? "no name at all" : names, context->tls_name);
        flaw.hint = text_format("get a certificate for %s, and use it there", context->tls_name);
    }
    if (context->srv_target != NULL) {
        flaw.code = FINDING_CERTIFICATE_NAME_SRV;
        free(flaw.hint);
        flaw.hint = text_format("an SRV record changes the address and the port, never the name: "
                                "use a certificate for %s on %s, or delegate with "
                                "/.well-known/matrix/server instead of SRV",
                                context->tls_name, context->srv_target);
    }
    free(names);
    return flaw;
}

static struct flaw bad_dates(const struct certificate_details *certificate)
{
    time_t now = time(NULL);
    struct flaw flaw = {0};
    if (certificate->expired) {
        flaw.there = true;
        flaw.code = FINDING_CERTIFICATE_EXPIRED;
        if (certificate->expires < now) {
            char *since = text_duration((long long)(now - certificate->expires));
            flaw.text = text_format("the certificate expired %s ago", since);
            free(since);
        } else {
            flaw.text = text_format("an intermediate certificate has expired");
        }
        flaw.hint = text_format("renew the certificate, and have the server load the new one");
    } else if (certificate->not_yet_valid) {
        flaw.there = true;
        flaw.code = FINDING_CERTIFICATE_NOT_YET_VALID;
        flaw.text = text_format("the certificate is not valid yet");
        flaw.hint = text_format("set the clocks right, of this machine and of the one that made "
                                "the certificate");
    }
    return flaw;
}

static struct flaw bad_issuer(const struct certificate_details *certificate)
{
    struct flaw flaw = {.there = true};
    if (certificate->none) {
        flaw.code = FINDING_CERTIFICATE_UNTRUSTED;
        flaw.text = text_format("the server shows no certificate");
        flaw.hint = text_format("set one up that a public CA has signed");
    } else if (certificate->self_signed) {
        flaw.code = FINDING_CERTIFICATE_SELF_SIGNED;
        flaw.text = text_format("the certificate is self-signed");
        flaw.hint = text_format("other servers refuse it: get one from a public CA, for example "
                                "Let's Encrypt");
    } else if (certificate->chain_incomplete) {
        flaw.code = FINDING_CERTIFICATE_CHAIN;
        flaw.text = text_format("the server sends its own certificate alone, and the CA that "
                                "signed it is not known");
        flaw.hint = text_format("have it send the intermediate certificates too: use fullchain.pem "
                                "rather than cert.pem");
    } else if (certificate->untrusted) {
        flaw.code = FINDING_CERTIFICATE_UNTRUSTED;
        flaw.text = text_format("the certificate comes from no CA that is known here");
        flaw.hint = text_format("get one from a public CA, for example Let's Encrypt");
    } else if (certificate->weak) {
        flaw.code = FINDING_CERTIFICATE_WEAK;
        flaw.text = text_format("the certificate uses an algorithm that is no longer trusted");
        flaw.hint = text_format("get a new one with an ECDSA P-256 or RSA 2048 key and SHA-256");
    } else if (certificate->wrong_purpose) {
        flaw.code = FINDING_CERTIFICATE_PURPOSE;
        flaw.text = text_format("the certificate is not meant for servers");
        flaw.hint = text_format("get one with the extended key usage \"TLS server\"");
    } else {
        flaw.there = false;
    }
    return flaw;
}

static enum finding_code judge_certificate(struct lines *lines, int depth, enum mark mark,
                                           const struct fetch *fetch,
                                           const struct judge_context *context)
{
    struct flaw flaws[] = {bad_issuer(&fetch->certificate),
                           wrong_name(&fetch->certificate, context),
                           bad_dates(&fetch->certificate)};
    enum finding_code first = FINDING_NONE;
    for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
        if (flaws[i].there) {
            char *where = place(fetch);
            lines_add_finding(lines, depth, mark, flaws[i].code,
                              text_format("%s: %s", where, flaws[i].text), flaws[i].hint);
            free(where);
            free(flaws[i].text);
            first = first == FINDING_NONE ? flaws[i].code : first;
        }
    }
    return first;
}

static bool speaks_plain(const struct fetch *fetch)
{
    return strstr(fetch->detail, "unexpected TLS packet") != NULL;
}

const struct forbidden *judge_forbidden(enum ip_reach reach)
{
    static const struct forbidden of_reach[] = {
        [IP_PRIVATE] = {FINDING_ADDRESS_PRIVATE, FINDING_REDIRECT_LOCAL, false,
                        "this is an address of a private network, so nothing was sent there",
                        "its host has an address of a private network",
                        "redirects into a private network:",
                        "other servers cannot reach it: use a host with a public address"},
        [IP_OWN] = {FINDING_ADDRESS_OWN, FINDING_ADDRESS_OWN, true,
                    "this is an address of the machine that runs the check, so nothing was sent "
                    "there",
                    "its host is the machine that runs the check, so it was not asked",
                    "redirects to the machine that runs the check, so it was not followed:",
                    "run the check on another machine"},
        [IP_LOCAL] = {FINDING_ADDRESS_LOCAL, FINDING_REDIRECT_LOCAL, false,
                      "every machine has this address for itself, so nothing was sent there",
                      "every machine has its address for itself",
                      "redirects to an address that every machine has for itself:",
                      "use a host with an address that others can reach"},
    };
    return &of_reach[reach];
}

/* How an outcome without a certificate's flaw is told. */
struct telling {
    enum fetch_outcome outcome;
    enum finding_code code;
    const char *text;
    const char *hint;
};

static const struct telling tellings[] = {
    {FETCH_REFUSED, FINDING_CONNECTION_REFUSED, "the connection is refused",
     "start the server there, and have it listen on that address and port"},
    {FETCH_NO_ROUTE, FINDING_NO_ROUTE,
     "this machine has no route to that address, so it was not "
     "checked",
     "run the check on a machine with that IP family, or leave it out with -4 or -6"},
    {FETCH_CONNECT_TIMEOUT, FINDING_CONNECTION_TIMEOUT, "nothing answers",
     "open that port in the firewall, or take the address out of the DNS"},
    {FETCH_CONNECT_FAILED, FINDING_CONNECTION_FAILED, "no connection comes about",
     "check the address, the firewall and the routes to it"},
    {FETCH_TLS_FAILED, FINDING_TLS_FAILED, "the TLS handshake fails", NULL},
    {FETCH_ANSWER_TIMEOUT, FINDING_ANSWER_TIMEOUT,
     "the connection is taken, but no whole answer "
     "comes in time",
     "check the server's load and log, and whatever it forwards to"},
    {FETCH_TOO_LARGE, FINDING_ANSWER_TOO_LARGE, "the answer is too large: homeservers read 50 KiB",
     "check what answers there, for example with curl"},
    {FETCH_BROKEN, FINDING_ANSWER_BROKEN, "the answer is no HTTP, or ends too early",
     "check what answers there, for example with curl"},
};

static const struct telling *telling_of(enum fetch_outcome outcome)
{
    for (size_t i = 0; i < sizeof(tellings) / sizeof(tellings[0]); i++) {
        if (tellings[i].outcome == outcome) {
            return &tellings[i];
        }
    }
    return &tellings[sizeof(tellings) / sizeof(tellings[0]) - 1];
}

static char *hint_for(const struct telling *telling, const struct fetch *fetch,
                      const struct judge_context *context)
{
    switch (fetch->outcome) {
    case FETCH_TLS_FAILED:
        if (speaks_plain(fetch)) {
            return text_format("plain HTTP answers there: have it speak TLS, or give another port");
        }
        return text_format("have the server speak TLS 1.2 or 1.3, with a certificate for %s",
                           context->tls_name);
    case FETCH_REFUSED:
    case FETCH_CONNECT_TIMEOUT:
    case FETCH_CONNECT_FAILED:
        if (context->connect_hint != NULL) {
            return text_format("%s%s%s", telling->hint,
                               context->connect_hint[0] == '\0' ? "" : "; ", context->connect_hint);
        }
        return text_format("%s", telling->hint);
    default:
        return text_format("%s", telling->hint);
    }
}

enum finding_code judge_fetch(struct lines *lines, int depth, enum mark mark,
                              const struct fetch *fetch, const struct judge_context *context)
{
    if (fetch->outcome == FETCH_CERTIFICATE) {
        return judge_certificate(lines, depth, mark, fetch, context);
    }
    char *where = place(fetch);
    if (fetch->outcome == FETCH_FORBIDDEN) {
        const struct forbidden *forbidden = judge_forbidden(fetch->reach);
        lines_add_finding(lines, depth, forbidden->unchecked ? MARK_WARN : mark, forbidden->code,
                          text_format("%s: %s", where, forbidden->address),
                          text_format("%s", forbidden->hint));
        free(where);
        return forbidden->code;
    }
    const struct telling *telling = telling_of(fetch->outcome);
    /* What the TLS library says (an alert's name) is the one detail that helps. */
    bool detail = fetch->outcome == FETCH_TLS_FAILED && !speaks_plain(fetch);
    char *text = text_format("%s: %s%s%s%s", where, telling->text, detail ? " (" : "",
                             detail ? fetch->detail : "", detail ? ")" : "");
    lines_add_finding(lines, depth, fetch->outcome == FETCH_NO_ROUTE ? MARK_WARN : mark,
                      telling->code, text, hint_for(telling, fetch, context));
    free(where);
    return telling->code;
}

/* A chain of redirects that did not reach an answer. */
static enum finding_code judge_redirect(struct lines *lines, int depth, enum mark mark,
                                        const struct follow *follow)
{
    static const struct {
        enum follow_outcome outcome;
        enum finding_code code;
        const char *text;
        const char *hint;
    } ends[] = {
        {FOLLOW_LOOP, FINDING_REDIRECT_LOOP, "redirects in a loop, back to",
         "have the document answered there, with status 200"},
        {FOLLOW_TOO_MANY, FINDING_REDIRECT_TOO_MANY, "redirects more than 5 times, at last to",
         "have the document answered directly, with status 200"},
        {FOLLOW_SCHEME, FINDING_REDIRECT_SCHEME, "redirects away from HTTPS, to",
         "redirect to an https:// URL, or answer the document directly"},
        {FOLLOW_INVALID, FINDING_REDIRECT_INVALID, "redirects to what is no usable URL:",
         "redirect to an https:// URL, or answer the document directly"},
        {FOLLOW_UNRESOLVED, FINDING_REDIRECT_UNRESOLVED, "redirects to a host that has no address:",
         "correct the redirect, or add the host to the DNS"},
    };
    char *where = place(&follow->fetch);
    if (follow->outcome == FOLLOW_FORBIDDEN) {
        const struct forbidden *forbidden = judge_forbidden(follow->forbidden_reach);
        lines_add_finding(lines, depth, forbidden->unchecked ? MARK_WARN : mark,
                          forbidden->redirect_code,
                          text_format("%s: %s %s", where, forbidden->redirect, follow->last_target),
                          text_format("%s", forbidden->hint));
        free(where);
        return forbidden->redirect_code;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (ends[i].outcome == follow->outcome) {
            lines_add_finding(lines, depth, mark, ends[i].code,
                              text_format("%s: %s %s", where, ends[i].text,
                                          follow->last_target == NULL ? "?" : follow->last_target),
                              text_format("%s", ends[i].hint));
            free(where);
            return ends[i].code;
        }
    }
    free(where);
    return FINDING_NONE;
}

enum finding_code judge_follow(struct lines *lines, int depth, enum mark mark,
                               const struct follow *follow, const struct judge_context *context)
{
    if (follow->outcome != FOLLOW_FETCHED) {
        return judge_redirect(lines, depth, mark, follow);
    }
    if (follow->fetch.outcome == FETCH_ANSWERED) {
        return FINDING_NONE;
    }
    struct judge_context there = *context;
    if (follow->redirects > 0) {
        there.tls_name = follow->fetch.tls_name;
    }
    return judge_fetch(lines, depth, mark, &follow->fetch, &there);
}

void judge_expiry(struct lines *lines, int depth, const struct fetch *fetch)
{
    long long left = (long long)(fetch->certificate.expires - time(NULL));
    if (!fetch->certificate.seen || !fetch->certificate.valid ||
        left >= (long long)JUDGE_SOON_DAYS * SECONDS_A_DAY) {
        return;
    }
    char *where = place(fetch);
    char *span = text_duration(left < 0 ? 0 : left);
    lines_add_finding(lines, depth, MARK_WARN, FINDING_CERTIFICATE_EXPIRES_SOON,
                      text_format("%s: the certificate ends in %s", where, span),
                      text_format("see that its renewal runs, and that the server loads the new "
                                  "one"));
    free(where);
    free(span);
}

void judge_split_problem(const struct problem *problem, const char *otherwise, char **text,
                         char **hint)
{
    const char *colon = NULL;
    for (const char *at = strstr(problem->text, ": "); at != NULL; at = strstr(at + 1, ": ")) {
        colon = at;
    }
    size_t length = colon == NULL ? strlen(problem->text) : (size_t)(colon - problem->text);
    *text = text_copy(problem->text, length);
    const char *remedy = colon == NULL ? otherwise : colon + 2;
    *hint = text_copy(remedy, strlen(remedy));
}
