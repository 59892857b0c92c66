#include "check/findings/findings.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "check/net/limits.h"
#include "check/net/text.h"

#define WELL_KNOWN_EXAMPLE \
    "answer with {\"m.server\": \"matrix.example.com:8448\"}, the homeserver's name and port"
#define CLIENT_EXAMPLE \
    "answer with {\"m.homeserver\": {\"base_url\": \"https://matrix.example.com\"}}"
#define PROXY                                                                                     \
    "make the homeserver, or the reverse proxy in front of it, answer everything under /_matrix " \
    "there"
#define PUBLIC_CA "get one from a public CA, for example Let's Encrypt"
#define SIGNING_KEY "check the homeserver's signing key and its log"
#define CURL "check what answers there, for example with curl"
#define DIRECTLY "serve the document at its own URL, with status 200"
#define USABLE_URL "redirect to an https:// URL, or answer the document directly"

/* The defaults of each code. A caller that knows more gives another mark or hint. */
static const struct {
    const char *name;
    enum mark mark;
    const char *hint;
} kinds[FINDING_COUNT] = {
    [FINDING_DNS_FAILED] = {"dns_failed", MARK_ERROR,
                            "check this machine's connection and the domain's DNS servers, or ask "
                            "another one with --dns"},
    [FINDING_NAME_NOT_FOUND] = {"name_not_found", MARK_ERROR,
                                "correct the name, or add an A or AAAA record for it"},
    [FINDING_NO_ADDRESS] = {"no_address", MARK_ERROR,
                            "correct the name, or add an A or AAAA record for it"},
    [FINDING_TOO_MANY_ADDRESSES] = {"too_many_addresses", MARK_WARN,
                                    "only 16 of them were checked: remove some"},
    [FINDING_ADDRESS_PRIVATE] = {"address_private", MARK_WARN,
                                 "other servers cannot reach it: give the name a public address"},
    [FINDING_ADDRESS_LOCAL] = {"address_local", MARK_ERROR,
                               "give the name an address that others can reach"},
    [FINDING_ADDRESS_OWN] = {"address_own", MARK_WARN, "run the check on another machine"},

    [FINDING_CONNECTION_REFUSED] = {"connection_refused", MARK_ERROR,
                                    "start the server there, and have it listen on that address "
                                    "and port"},
    [FINDING_CONNECTION_TIMEOUT] =
        {"connection_timeout", MARK_ERROR,
         "open that port in the firewall, or remove the address from the DNS"},
    [FINDING_CONNECTION_FAILED] = {"connection_failed", MARK_ERROR,
                                   "check the address, the firewall and the routes to it"},
    [FINDING_NO_ROUTE] = {"no_route", MARK_WARN,
                          "run the check on a machine that has that IP family, or leave the family "
                          "out with -4 or -6"},
    [FINDING_TLS_FAILED] = {"tls_failed", MARK_ERROR, "enable TLS 1.2 or 1.3 on the server"},
    [FINDING_ANSWER_TIMEOUT] = {"answer_timeout", MARK_ERROR,
                                "check the server's load and log, and whatever it forwards to"},
    [FINDING_ANSWER_TOO_LARGE] = {"answer_too_large", MARK_ERROR, CURL},
    [FINDING_ANSWER_BROKEN] = {"answer_broken", MARK_ERROR, CURL},

    [FINDING_CERTIFICATE_NAME] = {"certificate_name", MARK_ERROR,
                                  "get a certificate for that name, and use it there"},
    [FINDING_CERTIFICATE_NAME_SRV] = {"certificate_name_srv", MARK_ERROR,
                                      "get a certificate for the server name"},
    [FINDING_CERTIFICATE_EXPIRED] = {"certificate_expired", MARK_ERROR,
                                     "renew the certificate, and have the server load the new one"},
    [FINDING_CERTIFICATE_NOT_YET_VALID] =
        {"certificate_not_yet_valid", MARK_ERROR,
         "correct the clock of this machine, or of the one that made the certificate"},
    [FINDING_CERTIFICATE_SELF_SIGNED] = {"certificate_self_signed", MARK_ERROR,
                                         "other servers refuse it: " PUBLIC_CA},
    [FINDING_CERTIFICATE_CHAIN] = {"certificate_chain", MARK_ERROR,
                                   "have it send the intermediate certificates too: use "
                                   "fullchain.pem rather than cert.pem"},
    [FINDING_CERTIFICATE_UNTRUSTED] = {"certificate_untrusted", MARK_ERROR, PUBLIC_CA},
    [FINDING_CERTIFICATE_WEAK] = {"certificate_weak", MARK_ERROR,
                                  "get a new one with an ECDSA P-256 or RSA 2048 key and SHA-256"},
    [FINDING_CERTIFICATE_PURPOSE] = {"certificate_purpose", MARK_ERROR,
                                     "get one with the extended key usage \"TLS server\""},
    [FINDING_CERTIFICATE_EXPIRES_SOON] =
        {"certificate_expires_soon", MARK_WARN,
         "check that its renewal runs, and that the server loads the new one"},

    [FINDING_REDIRECT_LOOP] = {"redirect_loop", MARK_ERROR, DIRECTLY},
    [FINDING_REDIRECT_TOO_MANY] = {"redirect_too_many", MARK_ERROR, DIRECTLY},
    [FINDING_REDIRECT_SCHEME] = {"redirect_scheme", MARK_ERROR, USABLE_URL},
    [FINDING_REDIRECT_LOCAL] = {"redirect_local", MARK_ERROR,
                                "redirect to a host that others can reach, or answer the document "
                                "directly"},
    [FINDING_REDIRECT_INVALID] = {"redirect_invalid", MARK_ERROR, USABLE_URL},
    [FINDING_REDIRECT_UNRESOLVED] = {"redirect_unresolved", MARK_ERROR,
                                     "correct the redirect, or add the host to the DNS"},
    [FINDING_REDIRECT_INSECURE] = {"redirect_insecure", MARK_WARN,
                                   "redirect to an https:// URL: anyone on the way can change what "
                                   "comes over http://"},

    [FINDING_WELL_KNOWN_STATUS] =
        {"well_known_status", MARK_ERROR,
         "answer with status 200, or with 404 if there is to be no document"},
    [FINDING_WELL_KNOWN_NOT_JSON] = {"well_known_not_json", MARK_ERROR, WELL_KNOWN_EXAMPLE},
    [FINDING_WELL_KNOWN_NO_M_SERVER] = {"well_known_no_m_server", MARK_ERROR, WELL_KNOWN_EXAMPLE},
    [FINDING_WELL_KNOWN_M_SERVER_INVALID] = {"well_known_m_server_invalid", MARK_ERROR,
                                             WELL_KNOWN_EXAMPLE},
    [FINDING_WELL_KNOWN_DIFFERS] = {"well_known_differs", MARK_ERROR,
                                    "publish the same document at every address, and wait until "
                                    "caches have dropped the old one"},
    [FINDING_WELL_KNOWN_CONTENT_TYPE] =
        {"well_known_content_type", MARK_WARN,
         "set it to application/json: homeservers ignore it, other tools do not"},
    [FINDING_WELL_KNOWN_CACHE_LONG] = {"well_known_cache_long", MARK_WARN,
                                       "set max-age to at most 172800"},
    [FINDING_WELL_KNOWN_CACHE_SHORT] = {"well_known_cache_short", MARK_WARN,
                                        "set max-age to 3600 or so"},

    [FINDING_SRV_FAILED] = {"srv_failed", MARK_ERROR,
                            "check the domain's DNS servers: homeservers ask them for SRV records"},
    [FINDING_SRV_DEPRECATED] = {"srv_deprecated", MARK_WARN,
                                "name the record _matrix-fed._tcp instead of _matrix._tcp"},
    [FINDING_SRV_NOT_OFFERED] = {"srv_not_offered", MARK_ERROR,
                                 "remove the record, or point it at the homeserver's host"},
    [FINDING_SRV_TARGET_CNAME] = {"srv_target_cname", MARK_WARN,
                                  "let the SRV record name the host itself: RFC 2782 forbids a "
                                  "CNAME there, and some resolvers fail on it"},
    [FINDING_SRV_TARGET_UNRESOLVED] = {"srv_target_unresolved", MARK_ERROR,
                                       "add an A or AAAA record for it, or remove the SRV record"},
    [FINDING_SRV_TARGET_INVALID] = {"srv_target_invalid", MARK_ERROR,
                                    "name a host that has that address"},
    [FINDING_SRV_POINTS_ELSEWHERE] =
        {"srv_points_elsewhere", MARK_WARN,
         "remove the old SRV record, or point it at the same homeserver"},
    [FINDING_SRV_TOO_MANY] = {"srv_too_many", MARK_WARN,
                              "only 16 of them were checked: remove some"},

    [FINDING_FEDERATION_NOT_SERVED] = {"federation_not_served", MARK_ERROR,
                                       "forward everything under /_matrix/federation to the "
                                       "homeserver too, and have it serve federation there"},
    [FINDING_VERSION_STATUS] = {"version_status", MARK_WARN, PROXY},
    [FINDING_VERSION_INVALID] = {"version_invalid", MARK_WARN, PROXY},
    [FINDING_KEYS_STATUS] = {"keys_status", MARK_ERROR, PROXY},
    [FINDING_KEYS_NOT_JSON] = {"keys_not_json", MARK_ERROR, PROXY},
    [FINDING_KEYS_SERVER_NAME] = {"keys_server_name", MARK_ERROR,
                                  "correct the delegation: another homeserver answers there"},
    [FINDING_KEYS_VALIDITY] = {"keys_validity", MARK_ERROR, SIGNING_KEY},
    [FINDING_KEYS_EXPIRED] =
        {"keys_expired", MARK_ERROR,
         "correct that machine's clock, and keep proxies from caching /_matrix/key/v2/server"},
    [FINDING_KEYS_MISSING] = {"keys_missing", MARK_ERROR, SIGNING_KEY},
    [FINDING_KEYS_INVALID] = {"keys_invalid", MARK_ERROR, SIGNING_KEY},
    [FINDING_KEYS_UNSIGNED] = {"keys_unsigned", MARK_ERROR, SIGNING_KEY},
    [FINDING_KEYS_SIGNATURE] =
        {"keys_signature", MARK_ERROR,
         "check the homeserver's signing key, and that no proxy changes the answer"},

    [FINDING_CLIENT_ABSENT] = {"client_absent", MARK_WARN, CLIENT_EXAMPLE},
    [FINDING_CLIENT_STATUS] = {"client_status", MARK_ERROR, CLIENT_EXAMPLE},
    [FINDING_CLIENT_NOT_JSON] = {"client_not_json", MARK_ERROR, CLIENT_EXAMPLE},
    [FINDING_CLIENT_NO_BASE_URL] = {"client_no_base_url", MARK_ERROR, CLIENT_EXAMPLE},
    [FINDING_CLIENT_BASE_URL_INVALID] = {"client_base_url_invalid", MARK_ERROR, CLIENT_EXAMPLE},
    [FINDING_CLIENT_IDENTITY_SERVER_INVALID] = {"client_identity_server_invalid", MARK_ERROR,
                                                "give it a base_url, or leave m.identity_server "
                                                "out"},
    [FINDING_CLIENT_CORS] = {"client_cors", MARK_ERROR,
                             "send Access-Control-Allow-Origin: * with every answer there, "
                             "redirects and errors too"},
    [FINDING_CLIENT_VERSIONS_STATUS] = {"client_versions_status", MARK_ERROR,
                                        PROXY ", or correct base_url"},
    [FINDING_CLIENT_VERSIONS_INVALID] =
        {"client_versions_invalid", MARK_ERROR,
         "point base_url at the homeserver: something else answers there"},
    [FINDING_CLIENT_VERSIONS_CORS] =
        {"client_versions_cors", MARK_ERROR,
         "make the reverse proxy pass on the homeserver's CORS headers"},
    [FINDING_SUPPORT_INVALID] =
        {"support_invalid", MARK_WARN,
         "answer with contacts, a support_page, or both; or with 404 if there is none"},
};

static_assert(DNS_RECORD_LIMIT == 16, "two of the hints name this figure");

const char *finding_code_name(enum finding_code code)
{
    return kinds[code].name;
}

const char *finding_code_hint(enum finding_code code)
{
    return kinds[code].hint;
}

static void add(struct lines *lines, struct line line)
{
    struct line *longer = array_grow(lines->items, lines->count, sizeof(*longer));
    if (!longer) {
        text_end_without_memory();
    }
    lines->items = longer;
    lines->items[lines->count++] = line;
}

void branch_add(struct branch at, enum mark mark, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format_list(format, arguments);
    va_end(arguments);
    add(at.lines, (struct line){.mark = mark, .depth = at.depth, .text = text});
}

enum finding_code branch_add_finding(struct branch at, struct finding finding)
{
    add(at.lines, (struct line){
                      .mark = finding.mark == MARK_NOTE ? kinds[finding.code].mark : finding.mark,
                      .code = finding.code,
                      .depth = at.depth,
                      .text = finding.text,
                      .hint = finding.hint ? finding.hint : text_copy(kinds[finding.code].hint),
                  });
    return finding.code;
}

void lines_append(struct lines *lines, struct lines *more)
{
    for (size_t i = 0; i < more->count; i++) {
        add(lines, more->items[i]);
    }
    free(more->items);
    *more = (struct lines){0};
}

enum mark lines_worst(const struct lines *lines)
{
    enum mark worst = MARK_NOTE;
    for (size_t i = 0; i < lines->count; i++) {
        worst = lines->items[i].mark > worst ? lines->items[i].mark : worst;
    }
    return worst;
}

void lines_clear(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->items[i].text);
        free(lines->items[i].hint);
    }
    free(lines->items);
    *lines = (struct lines){0};
}
