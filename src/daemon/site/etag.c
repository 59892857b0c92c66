#include "daemon/site/etag.h"

#include <gnutls/crypto.h>
#include <string.h>

#include "base/line.h"

bool etag_of(const char *text, char etag[static ETAG_SIZE])
{
    unsigned char digest[32];
    struct line line;

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), digest) != 0) {
        return false;
    }
    line_start(&line, etag, ETAG_SIZE);
    line_add(&line, "\"");
    for (int i = 0; i < 16; i++) {
        line_add_format(&line, "%02x", digest[i]);
    }
    line_add(&line, "\"");
    return true;
}

bool etag_matches(const char *field, const char *etag)
{
    size_t length = strlen(etag);

    for (;;) {
        field += strspn(field, " \t,");
        if (*field == '*') {
            return true;
        }
        if (strncmp(field, "W/", 2) == 0) {
            field += 2;
        }
        if (strncmp(field, etag, length) == 0) {
            return true;
        }
        if (*field != '"') {
            return false;
        }
        field = strchr(field + 1, '"');
        if (!field) {
            return false;
        }
        field++;
    }
}
