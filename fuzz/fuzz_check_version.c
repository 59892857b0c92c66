/* The answer of /_matrix/federation/v1/version. */
#include <stdint.h>
#include <stdlib.h>

#include "check/findings/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *error = NULL;
    char *name = NULL;
    char *version = NULL;
    json_t *document = answer_parse((const char *)data, size, &error);
    answer_version(document, &name, &version);
    json_decref(document);
    free(name);
    free(version);
    free(error);
    return 0;
}
