/* The answer of /_matrix/key/v2/server. */
#include <stdint.h>
#include <stdlib.h>

#include "check/findings/answers.h"
#include "check/findings/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *error = NULL;
    json_t *document = answer_parse((const char *)data, size, &error);
    if (document) {
        struct keys keys;
        keys_check(&keys, document, "example.com", 1000);
        keys_clear(&keys);
    }
    json_decref(document);
    free(error);
    return 0;
}
