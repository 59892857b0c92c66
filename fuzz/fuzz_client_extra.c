/* client_extra: a JSON object from a file, merged into the client document. */
#include "fuzz.h"

#include "matrix/documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_file file;
    struct problem problem;
    json_t *extra;

    if (file.path[0] == '\0') {
        file = fuzz_file_new();
    }
    fuzz_file_fill(&file, data, size);
    extra = document_load_extra(file.path, &problem);
    if (extra) {
        char *text = document_render_client("https://matrix.example.com",
                                            "https://identity.example.com", extra);
        json_error_t error;
        json_t *document;

        MUST(json_is_object(extra) && text);
        document = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        MUST(json_is_object(document));
        json_decref(document);
        free(text);
        json_decref(extra);
    } else {
        fuzz_check_problem(&problem);
    }
    return 0;
}
