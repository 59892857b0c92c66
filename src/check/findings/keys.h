/* A homeserver's signing keys (Server-Server API, "Publishing Keys") and their signatures
   (Appendices, "Checking for a Signature"). */
#ifndef CHECK_KEYS_H
#define CHECK_KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum keys_flaw {
    KEYS_GOOD,
    KEYS_WRONG_NAME,    /* server_name is missing, or another server's */
    KEYS_NO_VALIDITY,   /* valid_until_ts is missing or no integer */
    KEYS_EXPIRED,       /* valid_until_ts is past */
    KEYS_NONE,          /* verify_keys holds no Ed25519 key */
    KEYS_BROKEN,        /* a key is not 32 bytes in base64 */
    KEYS_NOT_CANONICAL, /* the object cannot be signed: it holds fractions or huge numbers */
    KEYS_UNSIGNED,      /* a key has not signed the object */
    KEYS_FORGED,        /* a signature is wrong */
};

struct keys {
    enum keys_flaw flaw;
    char *server_name;        /* printable; NULL where absent */
    long long valid_until_ts; /* milliseconds since 1970; -1 where absent */
    char *key_id;             /* printable: the key that the flaw is about, or NULL */
};

/* Judges the answer of /_matrix/key/v2/server for `server_name` at the time `now_ms` (milliseconds
   since 1970). To be cleared with keys_clear. */
void keys_check(struct keys *keys, const json_t *document, const char *server_name,
                long long now_ms);

void keys_clear(struct keys *keys);

/* Whether `signature` (64 bytes) over `message` was made with the Ed25519 key of 32 bytes. */
bool keys_verify_ed25519(const unsigned char *key, const unsigned char *signature,
                         const char *message, size_t length);

#endif
