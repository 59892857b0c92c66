/* The configuration file, read, checked and rendered as the daemon does it. After a NUL follows a
   file of the folder ${DOMAINS}, for domains_dir; ${EXTRA} is a file for client_extra. */
#include "fuzz.h"

#include "daemon/config/configuration.h"
#include "daemon/site/site_table.h"

static struct fuzz_file main_file, domains_file;
static char folder[] = "/tmp/fuzz-domains-XXXXXX";
static char *entry;

static void remove_folder(void)
{
    unlink(entry);
    rmdir(folder);
}

/* Other paths in the file are relative to /proc/self/fd, and lead nowhere. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char extra_text[] = "{\"m.example\": {\"a\": [1]}}";
    struct fuzz_file extra = fuzz_file_new();

    (void)argc;
    (void)argv;
    main_file = fuzz_file_new();
    domains_file = fuzz_file_new();
    fuzz_file_fill(&extra, extra_text, strlen(extra_text));
    MUST(mkdtemp(folder) && asprintf(&entry, "%s/one.conf", folder) > 0);
    MUST(symlink(domains_file.path, entry) == 0 && atexit(remove_folder) == 0);
    setenv("EXAMPLE", "example.com", 1);
    setenv("EXTRA", extra.path, 1);
    setenv("DOMAINS", folder, 1);
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
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t length = nul ? (size_t)(nul - data) : size;
    char *arguments[] = {(char *)"matrix-wellknownd", (char *)"-c", main_file.path, NULL};
    char *environment[] = {NULL};
    struct options options;
    struct problem problem;
    struct config *config;

    fuzz_file_fill(&main_file, data, length);
    fuzz_file_fill(&domains_file, nul ? nul + 1 : data, nul ? size - length - 1 : 0);
    MUST(options_parse(&options, 3, arguments, environment, &problem));
    config = config_load(&options, &problem);
    if (config) {
        MUST(config->domain_count > 0);
        MUST((!config->certificate) == (!config->key));
        render(config);
    } else {
        fuzz_check_problem(&problem);
    }
    config_free(config);
    options_clear(&options);
    return 0;
}
