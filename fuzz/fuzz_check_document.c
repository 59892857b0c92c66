/* The bodies of well-known documents and of /_matrix/client/versions, as strangers send them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check/findings/answers.h"
#include "check/net/text.h"
#include "matrix/server_name.h"
#include "matrix/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_text(const char *text)
{
    struct server_name name;
    struct problem problem;
    if (text) {
        server_name_parse_target(text, &name, &problem);
        url_check(text, false, &problem);
        free(text_printable(text, strlen(text)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *error = NULL;
    json_t *document = answer_parse((const char *)data, size, &error);
    char *m_server = answer_m_server(document);
    char *base_url = answer_base_url(document, "m.homeserver");
    char *flaw = document ? answer_support_flaw(document) : NULL;
    json_t *versions = answer_versions(document);
    use_text(m_server);
    use_text(base_url);
    json_decref(versions);
    json_decref(document);
    free(m_server);
    free(base_url);
    free(flaw);
    free(error);
    free(text_printable((const char *)data, size));
    return 0;
}
