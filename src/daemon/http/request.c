#include "daemon/http/request.h"

#include <string.h>

struct request_target request_target_read(const char *target)
{
    struct request_target result = {.path = target};

    if (strncasecmp(target, "http://", 7) == 0) {
        result.authority = target + 7;
    } else if (strncasecmp(target, "https://", 8) == 0) {
        result.authority = target + 8;
    }
    if (result.authority) {
        result.authority_length = strcspn(result.authority, "/?");
        result.path = result.authority + result.authority_length;
    }
    return result;
}

bool request_target_is_well_formed(const char *target)
{
    for (; *target; target++) {
        if (*target <= ' ' || *target >= 0x7f) {
            return false;
        }
    }
    return true;
}

bool request_is_token(const char *text)
{
    /* tchar of RFC 9110, section 5.6.2. Every field of every request is looked at. */
    static const bool is_tchar[256] = {
        ['!'] = true,         ['#'] = true,         ['$'] = true, ['%'] = true,
        ['&'] = true,         ['\''] = true,        ['*'] = true, ['+'] = true,
        ['-'] = true,         ['.'] = true,         ['^'] = true, ['_'] = true,
        ['`'] = true,         ['|'] = true,         ['~'] = true, ['0' ... '9'] = true,
        ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
    };

    if (*text == '\0') {
        return false;
    }
    while (is_tchar[(unsigned char)*text]) {
        text++;
    }
    return *text == '\0';
}

bool request_value_is_well_formed(const char *value)
{
    for (; *value; value++) {
        if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f) {
            return false;
        }
    }
    return true;
}

bool request_names_document(const char *path, enum document *document)
{
    static const char prefix[] = "/.well-known/matrix/";

    return strncmp(path, prefix, sizeof(prefix) - 1) == 0 &&
           document_by_name(path + sizeof(prefix) - 1, document);
}

static bool is_word(const char *value, const char *word)
{
    size_t length = strlen(word);

    return strncasecmp(value, word, length) == 0 &&
           value[length + strspn(value + length, " \t")] == '\0';
}

static bool is_number(const char *value)
{
    size_t digits = strspn(value, "0123456789");

    return digits > 0 && value[digits + strspn(value + digits, " \t")] == '\0';
}

void request_framing_add(struct request_framing *framing, const char *name, const char *value)
{
    if (strcasecmp(name, "Content-Length") == 0) {
        framing->broken =
            framing->broken || framing->length || framing->chunked || !is_number(value);
        framing->length = value;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->broken =
            framing->broken || framing->length || framing->chunked || !is_word(value, "chunked");
        framing->chunked = true;
    }
}
