/* The names that ACME servers and clients give: three lines, which are a host name (SNI), a token
   and a key authorization. What is accepted becomes the name of a file. */
#include "fuzz.h"

#include <limits.h>

#include "daemon/acme/names.h"

static void check_name(const char *text)
{
    static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    char name[ACME_NAME_SIZE], again[ACME_NAME_SIZE];

    if (acme_name_normalize(text, name)) {
        MUST(name[0] != '\0' && name[0] != '.' && strlen(name) < sizeof(name));
        MUST(name[strspn(name, bytes)] == '\0');
        MUST(!strstr(name, "..") && name[strlen(name) - 1] != '.');
        MUST(acme_name_normalize(name, again) && strcmp(name, again) == 0);
    }
}

static void check_token(const char *text)
{
    if (acme_is_token(text)) {
        MUST(text[0] != '\0' && strlen(text) <= NAME_MAX);
        MUST(!strpbrk(text, "./\\%=+ "));
    }
}

static void check_key_authorization(const char *text)
{
    unsigned char digest[ACME_DIGEST_SIZE];
    struct problem problem;

    if (acme_key_authorization_digest(text, digest, &problem)) {
        const char *dot = strchr(text, '.');

        MUST(dot ? dot == strrchr(text, '.') && dot != text && dot[1] != '\0' : strlen(text) == 43);
    } else {
        fuzz_check_problem(&problem);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *rest = text;
    const char *name = strsep(&rest, "\n");
    const char *token = rest ? strsep(&rest, "\n") : "";

    check_name(name);
    check_token(token);
    check_key_authorization(rest ? rest : "");
    free(text);
    return 0;
}
