#include "matrix/url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "matrix/server_name.h"

#define HEX_DIGITS "0123456789ABCDEFabcdef"
#define EXAMPLE "for example \"https://matrix.example.com\""

/* The length of "https://" or "http://", in any case, at the start of `text`; 0 for another. */
static size_t scheme_length(const char *text)
{
    return strncasecmp(text, "https://", 8) == 0 ? 8 : strncasecmp(text, "http://", 7) == 0 ? 7 : 0;
}

static bool fail(const char *text, struct problem *problem, const char *mistake, const char *remedy)
{
    return problem_set(problem, "\"%s\" %s: %s", problem_excerpt(text).text, mistake, remedy);
}

static bool fail_scheme(const char *text, struct problem *problem)
{
    if (*text == '\0') {
        return problem_set(problem, "the URL is empty: write one, " EXAMPLE);
    }
    if (strncasecmp(text, "https:", 6) == 0 || strncasecmp(text, "http:", 5) == 0) {
        return fail(text, problem, "lacks the two slashes after its scheme",
                    "write it as " EXAMPLE);
    }
    if (strstr(text, "://")) {
        return fail(text, problem, "has a scheme other than https and http",
                    "write a URL that a browser can open, " EXAMPLE);
    }
    return fail(text, problem, "has no scheme", "a URL begins with https://, " EXAMPLE);
}

/* Checks what stands between the scheme and the path: a server name with a port of TCP. */
static bool check_authority(const char *text, const char *authority, size_t length,
                            struct problem *problem)
{
    struct server_name name;

    if (length == 0) {
        return fail(text, problem, "has no host", "write one after the slashes, " EXAMPLE);
    }
    if (memchr(authority, '@', length)) {
        return fail(text, problem, "has a user part", "remove it and the @, everyone can read it");
    }
    char *copy = strndup(authority, length);

    if (!copy) {
        return problem_out_of_memory(problem);
    }
    bool ok = server_name_parse(copy, &name, problem);
    free(copy);
    if (!ok) {
        return problem_prefix(problem, "\"%s\" has a bad host: ", problem_excerpt(text).text);
    }
    if (name.port == 0 || name.port > 65535) {
        return problem_set(problem, "\"%s\" has port %d: a port is a number from 1 to 65535",
                           problem_excerpt(text).text, name.port);
    }
    return true;
}

/* Checks one character after the host (RFC 3986, sections 2.1 to 2.3 and appendix A). */
static bool check_character(const char *text, const char *character, bool query_allowed,
                            struct problem *problem)
{
    unsigned char byte = (unsigned char)*character;

    if (byte < 0x20 || byte == 0x7f) {
        return fail(text, problem, "contains a control character", "remove it");
    }
    if (byte >= 0x80) {
        return fail(text, problem, "contains a character that is not ASCII",
                    "write each byte of its UTF-8 form as % and two hexadecimal digits");
    }
    if (strchr(" \"<>\\^`{|}", *character)) {
        return problem_set(problem, "\"%s\" contains \"%c\": write it as %%%02X",
                           problem_excerpt(text).text, byte, (unsigned)byte);
    }
    if (byte == '%' && strspn(character + 1, HEX_DIGITS) < 2) {
        return fail(text, problem, "has a % without two hexadecimal digits after it",
                    "write a % itself as %25");
    }
    if (byte == '#') {
        return fail(text, problem, "has a fragment", "remove the # and what follows");
    }
    if (byte == '?' && !query_allowed) {
        return fail(text, problem, "has a query", "remove the ? and what follows");
    }
    return true;
}

bool url_check(const char *text, bool query_allowed, struct problem *problem)
{
    size_t scheme = scheme_length(text);

    if (scheme == 0) {
        return fail_scheme(text, problem);
    }
    size_t authority = strcspn(text + scheme, "/?#");

    if (!check_authority(text, text + scheme, authority, problem)) {
        return false;
    }
    for (const char *rest = text + scheme + authority; *rest != '\0'; rest++) {
        if (!check_character(text, rest, query_allowed, problem)) {
            return false;
        }
    }
    return true;
}

bool url_is_https(const char *text)
{
    return scheme_length(text) == 8;
}
