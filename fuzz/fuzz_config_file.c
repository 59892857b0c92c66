/* The configuration file, read, checked and rendered as the daemon does it. */
#include "fuzz.h"

#include "daemon/config.h"
#include "daemon/site_table.h"

/* Paths in the file are relative to here, and lead nowhere. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    setenv("EXAMPLE", "example.com", 1);
    return 0;
}

static void render(const struct config *config)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        for (int document = 0; document < DOCUMENT_COUNT; document++) {
            bool exists;
            char *text =
                site_document_render(&config->domains[i], (enum document)document, &exists);
            json_t *parsed = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;

            MUST(exists == (text != NULL));
            MUST(exists == json_is_object(parsed));
            json_decref(parsed);
            free(text);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_file file;
    struct problem problem;
    struct config *config;

    if (file.path[0] == '\0') {
        file = fuzz_file_new();
    }
    fuzz_file_fill(&file, data, size);
    config = config_load(&(struct options){.config = file.path}, &problem);
    if (config) {
        MUST(config->domain_count > 0);
        MUST((config->certificate == NULL) == (config->key == NULL));
        render(config);
    } else {
        fuzz_check_problem(&problem);
    }
    config_free(config);
    return 0;
}
