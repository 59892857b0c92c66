/* Server names, delegation targets and host names. */
#include "fuzz.h"

#include "matrix/server_name.h"

static void check_name(const char *text, const struct server_name *name)
{
    MUST(name->host >= text && name->host_length > 0);
    MUST(name->host + name->host_length <= text + strlen(text));
    MUST(name->host_length <= 255);
    MUST(name->port >= -1 && name->port <= 99999);
    MUST((name->kind == SERVER_NAME_IPV6) == (text[0] == '['));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct server_name name;
    struct problem problem;
    bool good = server_name_parse(text, &name, &problem);

    if (good) {
        check_name(text, &name);
    } else {
        fuzz_check_problem(&problem);
    }
    if (server_name_parse_target(text, &name, &problem)) {
        MUST(good);
        check_name(text, &name);
        MUST(name.port == -1 || (name.port >= 1 && name.port <= 65535));
    } else {
        fuzz_check_problem(&problem);
    }
    if (server_name_parse_host(text, &name, &problem)) {
        MUST(good);
        check_name(text, &name);
        MUST(name.port == -1);
    } else {
        fuzz_check_problem(&problem);
    }
    free(text);
    return 0;
}
