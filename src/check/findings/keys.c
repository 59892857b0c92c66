#include "check/findings/keys.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "check/net/text.h"
#include "matrix/canonical_json.h"

enum {
    KEY_LENGTH = 32,
    SIGNATURE_LENGTH = 64,
};

static const char algorithm[] = "ed25519:";

bool keys_verify_ed25519(const unsigned char *key, const unsigned char *signature,
                         const char *message, size_t length)
{
    gnutls_pubkey_t public_key = NULL;
    gnutls_datum_t point = {(unsigned char *)key, KEY_LENGTH};
    gnutls_datum_t data = {(unsigned char *)message, (unsigned)length};
    gnutls_datum_t value = {(unsigned char *)signature, SIGNATURE_LENGTH};
    if (gnutls_pubkey_init(&public_key) < 0) {
        return false;
    }
    bool good =
        gnutls_pubkey_import_ecc_raw(public_key, GNUTLS_ECC_CURVE_ED25519, &point, NULL) >= 0 &&
        gnutls_pubkey_verify_data2(public_key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &value) >= 0;
    gnutls_pubkey_deinit(public_key);
    return good;
}

/* The signed text: the object without `signatures` and `unsigned`, as canonical JSON. */
static char *signed_text(const json_t *document, size_t *length)
{
    struct problem problem;
    json_t *copy = json_copy((json_t *)document);
    json_object_del(copy, "signatures");
    json_object_del(copy, "unsigned");
    char *text = canonical_json_encode(copy, length, &problem);
    json_decref(copy);
    return text;
}

/* Judges one key of verify_keys, and its signature over `text`. */
static enum keys_flaw check_key(const json_t *key, const json_t *signature, const char *text,
                                size_t length)
{
    unsigned char point[KEY_LENGTH];
    unsigned char value[SIGNATURE_LENGTH];
    const char *encoded = json_string_value(json_object_get(key, "key"));
    if (!encoded ||
        base64_decode(encoded, base64_alphabet, point, sizeof(point)) != sizeof(point)) {
        return KEYS_BROKEN;
    }
    if (!json_is_string(signature)) {
        return KEYS_UNSIGNED;
    }
    if (base64_decode(json_string_value(signature), base64_alphabet, value, sizeof(value)) !=
        sizeof(value)) {
        return KEYS_FORGED;
    }
    return keys_verify_ed25519(point, value, text, length) ? KEYS_GOOD : KEYS_FORGED;
}

/* Every key must have signed the object, or it could be another server's key. */
static void check_signatures(struct keys *keys, const json_t *document, const char *server_name)
{
    size_t length = 0;
    size_t count = 0;
    const char *id = NULL;
    json_t *key = NULL;
    json_t *verify_keys = json_object_get(document, "verify_keys");
    const json_t *signatures =
        json_object_get(json_object_get(document, "signatures"), server_name);
    char *text = signed_text(document, &length);
    keys->flaw = !text ? KEYS_NOT_CANONICAL : KEYS_GOOD;
    json_object_foreach(verify_keys, id, key)
    {
        if (keys->flaw != KEYS_GOOD) {
            break;
        }
        if (strncmp(id, algorithm, strlen(algorithm)) == 0) {
            count++;
            keys->flaw = check_key(key, json_object_get(signatures, id), text, length);
            free(keys->key_id);
            keys->key_id = text_printable(id, strlen(id));
        }
    }
    if (keys->flaw == KEYS_GOOD && count == 0) {
        keys->flaw = KEYS_NONE;
    }
    free(text);
}

void keys_check(struct keys *keys, const json_t *document, const char *server_name,
                long long now_ms)
{
    const json_t *name = json_object_get(document, "server_name");
    const json_t *until = json_object_get(document, "valid_until_ts");
    memset(keys, 0, sizeof(*keys));
    keys->valid_until_ts = json_is_integer(until) ? json_integer_value(until) : -1;
    if (json_is_string(name)) {
        keys->server_name = text_printable(json_string_value(name), json_string_length(name));
    }
    /* Server names are compared with case (Appendices, "Server Name"). */
    if (!json_is_string(name) || strlen(server_name) != json_string_length(name) ||
        strcmp(json_string_value(name), server_name) != 0) {
        keys->flaw = KEYS_WRONG_NAME;
    } else if (!json_is_integer(until)) {
        keys->flaw = KEYS_NO_VALIDITY;
    } else if (keys->valid_until_ts <= now_ms) {
        keys->flaw = KEYS_EXPIRED;
    } else {
        check_signatures(keys, document, server_name);
    }
}

void keys_clear(struct keys *keys)
{
    free(keys->server_name);
    free(keys->key_id);
    memset(keys, 0, sizeof(*keys));
}
