#include "base/base64.h"

#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const char base64_alphabet[] = LETTERS "0123456789+/";
const char base64url_alphabet[] = LETTERS "0123456789-_";

static size_t length_without_padding(const char *text)
{
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '=') {
        length--;
    }
    return length;
}

size_t base64_decode(const char *text, const char *alphabet, unsigned char *out, size_t size)
{
    size_t length = length_without_padding(text);
    unsigned bits = 0;
    unsigned count = 0;
    size_t used = 0;

    if (length * 3 / 4 > size || length % 4 == 1) {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        const char *at = strchr(alphabet, text[i]);

        if (!at) {
            return 0;
        }
        bits = (bits << 6 | (unsigned)(at - alphabet)) & 0xffffffU;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[used++] = (unsigned char)(bits >> count);
        }
    }
    return used;
}

bool base64_is_canonical(const char *text)
{
    /* By the number of characters in the last group of four: those whose last 4 or 2 bits are 0.
       The alphabets do not differ in them. */
    static const char *const last[] = {NULL, NULL, "AQgw", "AEIMQUYcgkosw048"};
    size_t length = length_without_padding(text);

    return !last[length % 4] || strchr(last[length % 4], text[length - 1]);
}
