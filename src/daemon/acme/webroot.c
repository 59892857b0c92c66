#include "daemon/acme/webroot.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
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
static bool read_token(const char *directory, const char *token, struct file_content *content)
{
    /* certbot writes the whole path, others into a directory of their own. */
    static const char *const places[] = {prefix + 1, ""};
    char name[sizeof(prefix) + NAME_MAX];
    struct problem problem;
    enum file_result result = FILE_MISSING;

    for (size_t i = 0; result == FILE_MISSING && i < ARRAY_SIZE(places); i++) {
        snprintf(name, sizeof(name), "%s%s", places[i], token);
        result = file_read_beneath(directory, name, FILE_LIMIT, content, &problem);
    }
    if (result == FILE_GOOD && content->size == 0) {
        problem_set(&problem, "%s/%s: is empty", directory, name);
        file_wipe(content);
        result = FILE_FAILED;
    }
    if (result != FILE_GOOD && result != FILE_MISSING) {
        log_error_seldom(problem.text);
    }
    return result == FILE_GOOD;
}

struct answer acme_webroot_answer(const char *directory, const char *path, const char *method)
{
    const char *token = path + sizeof(prefix) - 1;
    struct file_content content;

    if (strcmp(method, "OPTIONS") == 0) {
        return responses_fixed(ANSWER_OPTIONS);
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        return responses_fixed(ANSWER_METHOD_NOT_ALLOWED);
    }
    if (!acme_is_token(token) || !read_token(directory, token, &content)) {
        return responses_fixed(ANSWER_NO_CHALLENGE);
    }
    return response_bytes((unsigned char *)content.bytes, content.size, "application/octet-stream");
}
