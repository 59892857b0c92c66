#include "daemon/file.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/confinement.h"

static bool read_all(int file, const char *path, gnutls_datum_t *content, struct problem *problem)
{
    size_t total = 0;

    while (total < content->size) {
        ssize_t count = read(file, content->data + total, content->size - total);

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return problem_set(problem, "%s: cannot read it: %s", path, strerror(errno));
        }
        if (count == 0) {
            break;
        }
        total += (size_t)count;
    }
    content->size = (unsigned)total;
    return true;
}

static const char *remedy(int error)
{
    if (error != EACCES) {
        return "";
    }
    return confinement_entered() ? " (the daemon's user must be able to read it; a directory that "
                                   "was made anew takes a restart)"
                                 : " (the daemon's user must be able to read it)";
}

bool file_read(const char *path, size_t limit, gnutls_datum_t *content, struct stat *status,
               struct problem *problem)
{
    struct stat own_status;
    bool good = false;
    int file;

    *content = (gnutls_datum_t){0};
    status = status ? status : &own_status;
    /* Without O_NONBLOCK a FIFO would hold us until somebody writes to it. */
    file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        return problem_set(problem, "%s: cannot open it: %s%s", path, strerror(errno),
                           remedy(errno));
    }
    if (fstat(file, status) != 0) {
        problem_set(problem, "%s: cannot look at it: %s", path, strerror(errno));
    } else if (!S_ISREG(status->st_mode)) {
        problem_set(problem, "%s: is %s: a file is needed", path,
                    S_ISDIR(status->st_mode) ? "a directory" : "not a regular file");
    } else if (status->st_size == 0) {
        problem_set(problem, "%s: is empty", path);
    } else if ((uintmax_t)status->st_size > limit) {
        problem_set(problem, "%s: has %jd bytes: %zu are the most", path, (intmax_t)status->st_size,
                    limit);
    } else {
        content->size = (unsigned)status->st_size;
        content->data = malloc(content->size);
        good = content->data ? read_all(file, path, content, problem)
                             : problem_set(problem, "%s: out of memory", path);
    }
    close(file);
    if (!good) {
        file_wipe(content);
    }
    return good;
}

void file_wipe(gnutls_datum_t *content)
{
    if (content->data) {
        gnutls_memset(content->data, 0, content->size);
        free(content->data);
    }
    *content = (gnutls_datum_t){0};
}
