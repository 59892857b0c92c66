/* Base64 and base64url (RFC 4648, sections 4 and 5). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* The 64 characters, each at the place that is its value. */
extern const char base64_alphabet[];
extern const char base64url_alphabet[];

/* Decodes `text` of `alphabet`, one of the two, with or without padding, into `out` of `size`
   bytes, and returns the number of bytes. 0 where it is empty, not base64, or longer than `size`.
   Bits that the last character has beyond the last byte are left out, see below. */
size_t base64_decode(const char *text, const char *alphabet, unsigned char *out, size_t size);

/* Whether the last character of `text`, which can be decoded, has only zeros beyond the last byte,
   as every encoder writes them (RFC 4648, section 3.5). */
bool base64_is_canonical(const char *text);

#endif
