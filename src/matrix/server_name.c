#include "matrix/server_name.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

enum {
    NAME_LIMIT = 255,  /* characters of a dns-name (Appendices, "Server Name") */
    LABEL_LIMIT = 63,  /* RFC 1123, section 2.1, and RFC 1035, section 2.3.4 */
    PORT_DIGITS = 5,   /* the grammar's port = 1*5DIGIT */
    PORT_LIMIT = 65535 /* what TCP has */
};

/* What a caller asks for: the words for it, and how far the grammar goes. */
struct form {
    const char *right; /* the remedy: what would be right, and an example */
    bool port_allowed;
    bool port_connectable; /* the port is one that can be connected to */
};

static const struct form name_form = {
    .right = "a server name is a host name with an optional port, for example "
             "\"matrix.example.com:8448\"",
    .port_allowed = true,
};

static const struct form target_form = {
    .right = "m.server takes a host name with an optional port, for example "
             "\"matrix.example.com:443\"",
    .port_allowed = true,
    .port_connectable = true,
};

static const struct form host_form = {
    .right = "a domain is a host name without a port, for example \"example.com\"",
};

/* One parse: the whole text for messages, what is asked for, and where problems go. */
struct parse {
    const char *text;
    const struct form *form;
    struct problem *problem;
};

/* `"TEXT" MISTAKE: what would be right` */
static bool fail(const struct parse *parse, const char *mistake)
{
    return problem_set(parse->problem, "\"%s\" %s: %s", problem_excerpt(parse->text).text, mistake,
                       parse->form->right);
}

/* As fail(), for a mistake that has a remedy of its own. */
static bool fail_with(const struct parse *parse, const char *mistake, const char *remedy)
{
    return problem_set(parse->problem, "\"%s\" %s: %s", problem_excerpt(parse->text).text, mistake,
                       remedy);
}

static bool is_url(const char *text)
{
    const char *rest = strncasecmp(text, "https:", 6) == 0  ? text + 6
                       : strncasecmp(text, "http:", 5) == 0 ? text + 5
                                                            : "";

    /* A host may be named "https": before a port it is no scheme. */
    return strstr(text, "://") || strncmp(text, "//", 2) == 0 ||
           (*rest != '\0' && strspn(rest, DIGITS) == 0);
}

/* Names the mistakes that make the text something else altogether, before its parts are looked at:
   each is one that people make, and none of these characters is in the grammar. */
static bool check_nature(const struct parse *parse)
{
    const char *text = parse->text;
    const char *slash = strchr(text, '/');

    if (*text == '\0') {
        return problem_set(parse->problem, "the value is empty: %s", parse->form->right);
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(" \t\r\n\v\f", *c)) {
            return fail_with(parse, "contains white space", "remove it");
        }
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return fail_with(parse, "contains a control character", "remove it");
        }
    }
    if (is_url(text)) {
        return fail(parse, "is a URL");
    }
    if (*text == '@') {
        return fail(parse, "is a user identifier");
    }
    if (strchr(text, '@')) {
        return fail(parse, "has a user part");
    }
    if (slash) {
        return fail(parse, slash[1] == '\0' ? "ends with a slash" : "has a path");
    }
    return true;
}

/* Parses what follows the host's colon. */
static bool parse_port(const struct parse *parse, const char *port, int *value)
{
    size_t length = strlen(port);

    if (!parse->form->port_allowed) {
        return fail(parse, "has a port");
    }
    if (length == 0) {
        return fail_with(parse, "ends with a colon", "write the port after it, or remove it");
    }
    if (strspn(port, DIGITS) != length) {
        return problem_set(
            parse->problem,
            "\"%s\" has port \"%s\", which is no number: a port is a number from 1 to %d",
            problem_excerpt(parse->text).text, problem_excerpt(port).text, PORT_LIMIT);
    }
    *value = 0;
    for (size_t i = 0; i < length && i < PORT_DIGITS; i++) {
        *value = *value * 10 + (port[i] - '0');
    }
    if (length > PORT_DIGITS ||
        (parse->form->port_connectable && (*value < 1 || *value > PORT_LIMIT))) {
        return problem_set(parse->problem, "\"%s\" has port %s: a port is a number from 1 to %d",
                           problem_excerpt(parse->text).text, problem_excerpt(port).text,
                           PORT_LIMIT);
    }
    return true;
}

/* Parses "[IPv6]" and an optional port. */
static bool parse_ipv6(const struct parse *parse, struct server_name *name)
{
    const char *host = parse->text + 1;
    const char *bracket = strchr(host, ']');
    char literal[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (!bracket) {
        return fail_with(parse, "has no closing bracket",
                         "an IPv6 address is written as in \"[2001:db8::1]:8448\"");
    }
    size_t length = (size_t)(bracket - host);

    if (memchr(host, '%', length)) {
        return fail_with(parse, "has an IPv6 zone",
                         "a zone means nothing to another machine: use an address without one");
    }
    if (length >= sizeof(literal)) {
        return fail_with(parse, "has brackets around something too long for an IPv6 address",
                         "an IPv6 address is written as in \"[2001:db8::1]:8448\"");
    }
    memcpy(literal, host, length);
    literal[length] = '\0';
    if (inet_pton(AF_INET6, literal, &address) != 1) {
        return fail_with(parse, "has brackets around something that is no IPv6 address",
                         "only an IPv6 address is written in brackets, as in \"[2001:db8::1]\"");
    }
    if (bracket[1] == ':') {
        if (!parse_port(parse, bracket + 2, &name->port)) {
            return false;
        }
    } else if (bracket[1] != '\0') {
        return fail_with(parse, "goes on after the bracket",
                         "only a colon and a port may follow, as in \"[2001:db8::1]:8448\"");
    }
    name->kind = SERVER_NAME_IPV6;
    name->host = host;
    name->host_length = length;
    return true;
}

/* Names the first character that no DNS name has. */
static bool fail_character(const struct parse *parse, char character)
{
    if ((unsigned char)character >= 0x80) {
        return fail_with(parse, "contains a character that is not ASCII",
                         "write an international name in its punycode form, which has labels that "
                         "begin with \"xn--\"");
    }
    if (character == '_') {
        return fail_with(parse, "contains an underscore",
                         "host names have letters, digits, hyphens and dots");
    }
    return problem_set(parse->problem,
                       "\"%s\" contains \"%c\": host names have letters, digits, hyphens and dots",
                       problem_excerpt(parse->text).text, character);
}

/* Checks one label, `length` characters up to a dot or the end of the host. */
static bool check_label(const struct parse *parse, const char *label, size_t length)
{
    size_t legal = strspn(label, LETTERS DIGITS "-");

    if (legal < length) {
        return fail_character(parse, label[legal]);
    }
    if (length == 0) {
        return fail_with(parse, "has an empty label",
                         "a host name neither begins with a dot nor has two together");
    }
    if (length > LABEL_LIMIT) {
        return problem_set(parse->problem,
                           "\"%s\" has a label of %zu characters: each part between dots has at "
                           "most %d",
                           problem_excerpt(parse->text).text, length, LABEL_LIMIT);
    }
    if (label[0] == '-' || label[length - 1] == '-') {
        return fail_with(parse, "has a label that begins or ends with a hyphen",
                         "a hyphen stands only inside a label");
    }
    return true;
}

static bool check_dns_name(const struct parse *parse, const char *host, size_t length)
{
    const char *end = host + length;

    /* RFC 1035 leaves 253 characters for what DNS can carry; the Matrix grammar's 255 holds here,
       so that no name is refused that a homeserver may bear. */
    if (length > NAME_LIMIT) {
        return problem_set(parse->problem,
                           "\"%s\" has a host name of %zu characters: the limit is %d",
                           problem_excerpt(parse->text).text, length, NAME_LIMIT);
    }
    if (length > 1 && end[-1] == '.' && end[-2] != '.') {
        return fail_with(parse, "ends its host name with a dot", "remove the dot");
    }
    for (const char *label = host; label <= end;) {
        const char *dot = memchr(label, '.', (size_t)(end - label));
        const char *label_end = dot ? dot : end;

        if (!check_label(parse, label, (size_t)(label_end - label))) {
            return false;
        }
        label = label_end + 1;
    }
    return true;
}

static bool check_ipv4(const struct parse *parse, const char *host, size_t length)
{
    char literal[INET_ADDRSTRLEN];
    struct in_addr address;

    if (length < sizeof(literal)) {
        memcpy(literal, host, length);
        literal[length] = '\0';
        if (inet_pton(AF_INET, literal, &address) == 1) {
            return true;
        }
    }
    return fail_with(parse, "has digits and dots only, but is no IPv4 address",
                     "an IPv4 address is four numbers from 0 to 255 without leading zeros, and a "
                     "host name has a letter");
}

/* Names what is wrong with a text of two or more colons and no bracket. */
static bool fail_colons(const struct parse *parse)
{
    struct in6_addr address;

    if (inet_pton(AF_INET6, parse->text, &address) == 1) {
        return problem_set(parse->problem,
                           "\"%s\" is an IPv6 address without brackets: write \"[%s]\"",
                           parse->text, parse->text);
    }
    return fail_with(parse, "has more than one colon",
                     "a host name has one, before the port, and an IPv6 address is written in "
                     "brackets, as in \"[2001:db8::1]:8448\"");
}

/* Parses an IPv4 literal or a DNS name, and an optional port. */
static bool parse_unbracketed(const struct parse *parse, struct server_name *name)
{
    const char *host = parse->text;
    const char *colon = strchr(host, ':');
    size_t length = colon ? (size_t)(colon - host) : strlen(host);

    if (colon && strchr(colon + 1, ':')) {
        return fail_colons(parse);
    }
    if (length == 0) {
        return fail(parse, "has no host name before the colon");
    }
    name->kind = strspn(host, DIGITS ".") >= length ? SERVER_NAME_IPV4 : SERVER_NAME_DNS;
    if (!(name->kind == SERVER_NAME_IPV4 ? check_ipv4(parse, host, length)
                                         : check_dns_name(parse, host, length))) {
        return false;
    }
    name->host = host;
    name->host_length = length;
    return !colon || parse_port(parse, colon + 1, &name->port);
}

static bool parse_form(const char *text, const struct form *form, struct server_name *name,
                       struct problem *problem)
{
    const struct parse parse = {.text = text, .form = form, .problem = problem};
    struct server_name result = {.port = -1};

    if (!check_nature(&parse)) {
        return false;
    }
    if (!(*text == '[' ? parse_ipv6(&parse, &result) : parse_unbracketed(&parse, &result))) {
        return false;
    }
    *name = result;
    return true;
}

bool server_name_parse(const char *text, struct server_name *name, struct problem *problem)
{
    return parse_form(text, &name_form, name, problem);
}

bool server_name_parse_target(const char *text, struct server_name *name, struct problem *problem)
{
    return parse_form(text, &target_form, name, problem);
}

bool server_name_parse_host(const char *text, struct server_name *name, struct problem *problem)
{
    return parse_form(text, &host_form, name, problem);
}
