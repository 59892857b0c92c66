/* Feeds a fuzz target its corpus and what once failed, where there is no libFuzzer: in `make
   check`, with any compiler. The target is known by the program's name. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_LIMIT = 1 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *input = malloc(INPUT_LIMIT);

    if (!file || !input) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = fread(input, 1, INPUT_LIMIT, file);
    fclose(file);
    /* A copy of just that size, so that a read beyond its end is noticed. */
    uint8_t *exact = realloc(input, size == 0 ? 1 : size);
    LLVMFuzzerTestOneInput(exact ? exact : input, size);
    free(exact ? exact : input);
}

/* The number of inputs in a folder of the target's; 0 where there is no such folder. */
static int replay_all(const char *folder)
{
    char path[4096];
    int count = 0;

    snprintf(path, sizeof(path), FUZZ_FOLDER "/%s/%s", folder, program_invocation_short_name);
    DIR *directory = opendir(path);
    if (!directory) {
        return 0;
    }
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), FUZZ_FOLDER "/%s/%s/%s", folder,
                     program_invocation_short_name, entry->d_name);
            replay(path);
            count++;
        }
    }
    closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    int seeds = replay_all("corpus");
    int regressions = replay_all("regressions");

    printf("%s 1 - %s: %d inputs\n", seeds > 0 ? "ok" : "not ok", program_invocation_short_name,
           seeds + regressions);
    return seeds > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
