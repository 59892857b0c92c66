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

/* Whether `parse` takes the text; then its port is between these two, or there is none. */
static bool check(bool (*parse)(const char *, struct server_name *, struct problem *),
                  const char *text, int lowest_port, int highest_port)
{
    struct server_name name;
    struct problem problem;

    if (!parse(text, &name, &problem)) {
        fuzz_check_problem(&problem);
        return false;
    }
    check_name(text, &name);
    MUST(name.port == -1 || (name.port >= lowest_port && name.port <= highest_port));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    bool good = check(server_name_parse, text, 0, 99999);
    bool good_target = check(server_name_parse_target, text, 1, 65535);
    bool good_host = check(server_name_parse_host, text, -1, -1);

    MUST(good || (!good_target && !good_host));
    free(text);
    return 0;
}
