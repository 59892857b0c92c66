#include "base/base64.h"

#include <string.h>

static int value_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);
    return !at ? -1 : (int)(at - alphabet);
}

size_t base64_decode(const char *text, unsigned char *out, size_t size)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '=') {
        length--;
    }
    size_t bytes = length * 3 / 4;
    if (bytes > size || length % 4 == 1) {
        return 0;
    }
    unsigned bits = 0;
    unsigned count = 0;
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i]);
        if (value < 0) {
            return 0;
        }
        bits = (bits << 6 | (unsigned)value) & 0xffffffU;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[used++] = (unsigned char)(bits >> count);
        }
    }
    return used;
}
