#include "daemon/acme/webroot.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/acme/names.h"

enum {
    FILE_LIMIT = 4096 /* bytes; a key authorization has about a hundred */
};

static const char prefix[] = "/.well-known/acme-challenge/";

bool acme_webroot_owns(const char *path)
{
    return strncmp(path, prefix, sizeof(prefix) - 1) == 0;
}

/* Reads the file; false where there is none, or, after an error in the log, none that is served. */
static bool read_token(const char *directory, const char *token, gnutls_datum_t *content)
{
    /* certbot writes the whole path, others into a directory of their own. */
    static const char *const places[] = {prefix + 1, ""};
    char name[sizeof(prefix) + NAME_MAX];
    struct problem problem;
    bool missing = true;

    for (size_t i = 0; missing && i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", places[i], token);
        if (file_read_beneath(directory, name, FILE_LIMIT, content, &missing, &problem)) {
            return true;
        }
    }
    if (!missing) {
        log_error_seldom(problem.text);
    }
    return false;
}

struct answer acme_webroot_answer(const char *directory, const char *path, const char *method)
{
    const char *token = path + sizeof(prefix) - 1;
    gnutls_datum_t content;

    if (strcmp(method, "OPTIONS") == 0) {
        return responses_fixed(ANSWER_OPTIONS);
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        return responses_fixed(ANSWER_METHOD_NOT_ALLOWED);
    }
    if (!acme_is_token(token) || !read_token(directory, token, &content)) {
        return responses_fixed(ANSWER_NO_CHALLENGE);
    }
    return response_bytes(content.data, content.size, "application/octet-stream");
}
