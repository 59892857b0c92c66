/* UTF-8 (RFC 3629). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the sequence that `text` of `length` bytes (at least 1) begins with, and its code
   point; 0 where it is not well-formed: overlong, a surrogate, beyond U+10FFFF, or cut off. */
size_t utf8_decode(const char *text, size_t length, uint32_t *code_point);

/* Whether a terminal shows the character in its place and on its line: it is no control character,
   no separator of lines or paragraphs, no invisible mark and none that turns the direction of
   writing (Unicode's categories Cc, Zl and Zp, and the format characters in use). */
bool utf8_is_visible(uint32_t code_point);

#endif
