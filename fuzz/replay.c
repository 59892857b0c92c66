/* Feeds a fuzz target the files of its corpus, where there is no libFuzzer: in `make check`, with
   any compiler. CORPUS is the corpus's folder. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    INPUT_LIMIT = 1 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", CORPUS, name);
    FILE *file = fopen(path, "rb");
    uint8_t *input = malloc(INPUT_LIMIT);
    if (file == NULL || input == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = fread(input, 1, INPUT_LIMIT, file);
    fclose(file);
    /* A copy of just that size, so that a read beyond its end is noticed. */
    uint8_t *exact = realloc(input, size == 0 ? 1 : size);
    LLVMFuzzerTestOneInput(exact == NULL ? input : exact, size);
    free(exact == NULL ? input : exact);
}

int main(void)
{
    DIR *directory = opendir(CORPUS);
    int count = 0;
    if (directory == NULL) {
        perror(CORPUS);
        return EXIT_FAILURE;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            replay(entry->d_name);
            count++;
        }
    }
    closedir(directory);
    printf("%s 1 - %d inputs of %s\n", count > 0 ? "ok" : "not ok", count, CORPUS);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
