#include "check/net/follow.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/net/text.h"
#include "matrix/server_name.h"

/* The origin of a web client that is in use. */
static const char web_client[] = "https://app.element.io";

/* A URL's host (an IPv6 literal in brackets) and port. Both are checked: libcurl accepts more than
   a server may be called. */
static bool read_authority(const char *url, char **host, int *port)
{
    CURLU *parts = curl_url();
    char *name = NULL;
    char *digits = NULL;
    struct server_name parsed;
    struct problem problem;
    bool good = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_PORT, &digits, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                server_name_parse_host(name, &parsed, &problem);
    if (good) {
        *host = text_copy(name);
        *port = (int)strtol(digits, NULL, 10);
        good = *port >= 1 && *port <= 65535;
    }
    curl_free(name);
    curl_free(digits);
    curl_url_cleanup(parts);
    return good;
}

char *follow_resolve(const char *base, const char *location, bool *other_scheme)
{
    CURLU *parts = curl_url();
    char *url = NULL;
    char *scheme = NULL;
    char *resolved = NULL;
    char *host = NULL;
    int port = 0;
    *other_scheme = false;
    if (!parts || curl_url_set(parts, CURLUPART_URL, base, 0) != CURLUE_OK ||
        curl_url_set(parts, CURLUPART_URL, location,
                     CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        goto out;
    }
    *other_scheme = strcasecmp(scheme, "https") != 0 && strcasecmp(scheme, "http") != 0;
    curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
    if (curl_url_get(parts, CURLUPART_URL, &url, 0) == CURLUE_OK &&
        (*other_scheme || read_authority(url, &host, &port))) {
        resolved = text_copy(url);
    }
out:
    free(host);
    curl_free(url);
    curl_free(scheme);
    curl_url_cleanup(parts);
    return resolved;
}

static bool is_https(const char *url)
{
    return strncasecmp(url, "https:", 6) == 0;
}

/* The host without the brackets of an IPv6 literal, to be freed. */
static char *bare_host(const char *host)
{
    size_t length = strlen(host);
    return host[0] == '[' ? text_copy_part(host + 1, length - 2) : text_copy(host);
}

static void request_next(struct follow *follow)
{
    char *name = bare_host(follow->host);
    struct fetch_request request = {
        .url = follow->url,
        .address = follow->addresses[follow->next_address++],
        .port = follow->port,
        .limit = follow->limit,
        .policy = &follow->network->policy,
        .tls_name = name,
        .origin = follow->origin,
    };
    fetch_clear(&follow->fetch);
    fetch_start(follow->network->fetcher, &follow->fetch, &request);
    follow->fetching = true;
    free(name);
}

static void set_addresses(struct follow *follow, const struct ip_address *addresses, size_t count)
{
    follow->address_count = count < HOST_ADDRESS_LIMIT ? count : HOST_ADDRESS_LIMIT;
    memcpy(follow->addresses, addresses, follow->address_count * sizeof(*addresses));
    follow->next_address = 0;
}

static void end(struct follow *follow, enum follow_outcome outcome)
{
    follow->outcome = outcome;
}

static void look_up(struct follow *follow)
{
    host_lookup_start(follow->network->resolver, &follow->lookup, follow->host);
    follow->looking_up = true;
}

void follow_start(struct follow *follow, const struct network *network,
                  const struct follow_request *request)
{
    memset(follow, 0, sizeof(*follow));
    follow->network = network;
    follow->origin = request->as_browser ? web_client : NULL;
    follow->limit = request->limit;
    follow->url = text_copy(request->url);
    follow->visited[0] = text_copy(request->url);
    if (!read_authority(request->url, &follow->host, &follow->port)) {
        end(follow, FOLLOW_INVALID);
        return;
    }
    follow->origin_host = text_copy(follow->host);
    if (!request->addresses) {
        look_up(follow);
    } else if (request->address_count == 0) {
        end(follow, FOLLOW_UNRESOLVED);
    } else {
        set_addresses(follow, request->addresses, request->address_count);
        request_next(follow);
    }
}

enum ip_reach follow_limit(const struct follow *follow)
{
    enum ip_reach reach = follow->fetch.reach;
    return reach > ACCESS_BY_NAME ? reach : ACCESS_BY_NAME;
}

bool follow_is_answered(const struct follow *follow)
{
    return follow->outcome == FOLLOW_FETCHED && follow->fetch.outcome == FETCH_ANSWERED;
}

bool follow_is_unchecked(const struct follow *follow)
{
    return follow->outcome == FOLLOW_FORBIDDEN
               ? follow->forbidden_reach == IP_OWN
               : follow->outcome == FOLLOW_FETCHED && fetch_is_unchecked(&follow->fetch);
}

bool follow_is_shown_to_browsers(const struct follow *follow)
{
    return !follow->redirect_hidden && !follow->insecure && fetch_passes_cors(&follow->fetch);
}

static bool was_visited(const struct follow *follow, const char *url)
{
    for (size_t i = 0; i <= follow->redirects; i++) {
        if (strcmp(follow->visited[i], url) == 0) {
            return true;
        }
    }
    return false;
}

/* Makes `url`, which the caller hands over, the current one. False where it cannot be read. */
static bool set_url(struct follow *follow, char *url)
{
    bool was_https = is_https(follow->url);
    int old_port = follow->port;
    char *old_host = follow->host;
    follow->host = NULL;
    free(follow->url);
    follow->url = url;
    bool good = read_authority(url, &follow->host, &follow->port);
    if (good && follow->origin &&
        (strcasecmp(old_host, follow->host) != 0 || old_port != follow->port ||
         was_https != is_https(url))) {
        /* Fetch Standard, "HTTP-redirect fetch": a second site is not told the page's origin. */
        follow->origin = "null";
    }
    free(old_host);
    return good;
}

static void go_to(struct follow *follow, char *url)
{
    follow->insecure = follow->insecure || !is_https(url);
    follow->redirects++;
    follow->visited[follow->redirects] = text_copy(url);
    if (!set_url(follow, url)) {
        end(follow, FOLLOW_INVALID);
    } else if (strcasecmp(follow->host, follow->origin_host) == 0) {
        /* The same host keeps the address that has answered for it. */
        set_addresses(follow, &follow->origin_address, 1);
        request_next(follow);
    } else {
        look_up(follow);
    }
}

static void redirect(struct follow *follow)
{
    const char *location = follow->fetch.location;
    bool other_scheme = false;
    char *url = follow_resolve(follow->url, location, &other_scheme);
    const char *shown = !url ? location : url;
    free(follow->last_target);
    follow->last_target = text_printable(shown, strlen(shown));
    follow->redirect_hidden = follow->redirect_hidden || !fetch_passes_cors(&follow->fetch);
    enum follow_outcome outcome = !url                                         ? FOLLOW_INVALID
                                  : other_scheme                               ? FOLLOW_SCHEME
                                  : was_visited(follow, url)                   ? FOLLOW_LOOP
                                  : follow->redirects == FOLLOW_REDIRECT_LIMIT ? FOLLOW_TOO_MANY
                                                                               : FOLLOW_PENDING;
    if (outcome != FOLLOW_PENDING) {
        free(url);
        end(follow, outcome);
        return;
    }
    if (follow->redirects == 0) {
        follow->origin_address = follow->fetch.address;
    }
    follow->limit = follow->fetch.reach;
    go_to(follow, url);
}

/* A host with one forbidden address is refused as a whole: other servers might choose that one. */
static bool may_ask_all(struct follow *follow)
{
    for (size_t i = 0; i < follow->lookup.count; i++) {
        enum ip_reach reach = access_reach(&follow->lookup.addresses[i]);
        if (!access_allows(&follow->network->policy, follow->limit, reach)) {
            follow->forbidden_reach = reach;
            return false;
        }
    }
    return true;
}

static void take_lookup(struct follow *follow)
{
    follow->looking_up = false;
    if (host_lookup_status(&follow->lookup) != LOOKUP_FOUND) {
        end(follow, FOLLOW_UNRESOLVED);
        return;
    }
    if (follow->lookup.given && follow->limit < ACCESS_BY_NAME) {
        /* The command line gives this host's address, so it may be this machine's. */
        follow->limit = ACCESS_BY_NAME;
    }
    if (!may_ask_all(follow)) {
        end(follow, FOLLOW_FORBIDDEN);
        return;
    }
    set_addresses(follow, follow->lookup.addresses, follow->lookup.count);
    request_next(follow);
}

static bool is_redirect(const struct fetch *fetch)
{
    return fetch->outcome == FETCH_ANSWERED && fetch->location &&
           (fetch->status == 301 || fetch->status == 302 || fetch->status == 303 ||
            fetch->status == 307 || fetch->status == 308);
}

static void take_answer(struct follow *follow)
{
    follow->fetching = false;
    if (fetch_is_unconnected(&follow->fetch) && follow->next_address < follow->address_count) {
        request_next(follow);
    } else if (is_redirect(&follow->fetch)) {
        redirect(follow);
    } else {
        end(follow, FOLLOW_FETCHED);
    }
}

bool follow_advance(struct follow *follow)
{
    if (follow->outcome != FOLLOW_PENDING) {
        return true;
    }
    if (follow->looking_up && host_lookup_status(&follow->lookup) != LOOKUP_PENDING) {
        take_lookup(follow);
    }
    while (follow->fetching && follow->fetch.outcome != FETCH_PENDING) {
        take_answer(follow);
    }
    return follow->outcome != FOLLOW_PENDING;
}

void follow_clear(struct follow *follow)
{
    fetch_clear(&follow->fetch);
    for (size_t i = 0; i < sizeof(follow->visited) / sizeof(follow->visited[0]); i++) {
        free(follow->visited[i]);
    }
    free(follow->url);
    free(follow->host);
    free(follow->origin_host);
    free(follow->last_target);
    memset(follow, 0, sizeof(*follow));
}
