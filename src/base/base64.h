/* Base64 (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

/* Decodes `text`, with or without padding, into `out` of `size` bytes, and returns the number of
   bytes. 0 where it is empty, not base64, or longer than `size`. */
size_t base64_decode(const char *text, unsigned char *out, size_t size);

#endif
