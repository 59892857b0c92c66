/* Canonical JSON: it parses to what it was made from, and its own canonical form is itself. */
#include "fuzz.h"

#include "matrix/canonical_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_error_t error;
    json_t *value = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    struct problem problem;
    size_t length, length_again;
    char *text = value ? canonical_json_encode(value, &length, &problem) : NULL;

    if (text) {
        json_t *parsed = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        char *again;

        MUST(parsed);
        again = canonical_json_encode(parsed, &length_again, &problem);
        MUST(again && length == length_again && memcmp(text, again, length) == 0);
        free(again);
        json_decref(parsed);
        free(text);
    } else if (value) {
        fuzz_check_problem(&problem);
    }
    json_decref(value);
    return 0;
}
