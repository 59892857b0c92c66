/* The names that ACME challenges go by (RFC 8555, section 8): they become names of files. */
#ifndef DAEMON_ACME_NAMES_H
#define DAEMON_ACME_NAMES_H

#include <stdbool.h>

#include "base/problem.h"

enum {
    ACME_NAME_SIZE = 253 + 1,
    ACME_DIGEST_SIZE = 32, /* SHA-256 */
};

/* Brings a host name into the form in which challenges are filed: lower case, without a trailing
   dot. False where it is anything but labels of letters, digits and hyphens with single dots
   between them, 253 bytes in all. */
bool acme_name_normalize(const char *text, char name[static ACME_NAME_SIZE]);

/* Whether `text` is a token: base64url without padding (RFC 8555, section 8.3), 255 bytes at most.
 */
bool acme_is_token(const char *text);

/* The digest that a challenge certificate carries (RFC 8737, section 3): the SHA-256 of a key
   authorization ("TOKEN.THUMBPRINT"), or, of 43 characters without a dot, the digest itself in
   base64url, as uacme hands it over. */
bool acme_key_authorization_digest(const char *text, unsigned char digest[static ACME_DIGEST_SIZE],
                                   struct problem *problem);

#endif
