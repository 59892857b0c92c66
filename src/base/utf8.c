#include "base/utf8.h"

#include "base/array.h"

size_t utf8_decode(const char *text, size_t length, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t size = bytes[0] < 0x80              ? 1
                  : (bytes[0] & 0xe0U) == 0xc0 ? 2
                  : (bytes[0] & 0xf0U) == 0xe0 ? 3
                  : (bytes[0] & 0xf8U) == 0xf0 ? 4
                                               : 0;
    if (size == 0 || size > length) {
        return 0;
    }
    uint32_t value = size == 1 ? bytes[0] : bytes[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0U) != 0x80) {
            return 0;
        }
        value = value << 6 | (bytes[i] & 0x3fU);
    }
    if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *code_point = value;
    return size;
}

bool utf8_is_visible(uint32_t code_point)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } hidden[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
        if (code_point >= hidden[i].first && code_point <= hidden[i].last) {
            return false;
        }
    }
    return true;
}
