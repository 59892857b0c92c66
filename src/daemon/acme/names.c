#include "daemon/acme/names.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <limits.h>
#include <string.h>

#include "base/base64.h"

enum {
    DIGEST_LENGTH = 43 /* 32 bytes in base64 without padding */
};

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
}

bool acme_name_normalize(const char *text, char name[static ACME_NAME_SIZE])
{
    size_t length = strnlen(text, ACME_NAME_SIZE + 1);

    if (length > 1 && text[length - 1] == '.') {
        length--;
    }
    if (length == 0 || length >= ACME_NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        bool follows_byte = i > 0 && text[i - 1] != '.';
        char byte = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];

        if (!is_name_byte(byte) && (byte != '.' || !follows_byte || i + 1 == length)) {
            return false;
        }
        name[i] = byte;
    }
    name[length] = '\0';
    return true;
}

bool acme_is_token(const char *text)
{
    size_t length = strspn(text, base64url_alphabet);

    return length > 0 && length <= NAME_MAX && text[length] == '\0';
}

bool acme_key_authorization_digest(const char *text, unsigned char digest[static ACME_DIGEST_SIZE],
                                   struct problem *problem)
{
    size_t token = strspn(text, base64url_alphabet);
    size_t thumbprint = text[token] == '.' ? strspn(text + token + 1, base64url_alphabet) : 0;
    int status;

    if (token == DIGEST_LENGTH && text[token] == '\0' && base64_is_canonical(text)) {
        base64_decode(text, base64url_alphabet, digest, ACME_DIGEST_SIZE);
        return true;
    }
    if (token == 0 || thumbprint == 0 || text[token + 1 + thumbprint] != '\0') {
        return problem_set(problem,
                           "\"%s\" is no key authorization: give TOKEN.THUMBPRINT, or its SHA-256 "
                           "in base64url (43 characters), as the ACME client hands it to its hook",
                           problem_excerpt(text).text);
    }
    status = gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), digest);
    return status == 0 ||
           problem_set(problem, "cannot hash the key authorization: %s", gnutls_strerror(status));
}
