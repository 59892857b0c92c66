#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

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

static const char *denied_remedy = "the daemon's user must be able to read it";

void file_set_denied_remedy(const char *text)
{
    denied_remedy = text;
}

const char *file_denied_remedy(void)
{
    return denied_remedy;
}

/* The last link on a path, and where it leads. */
struct last_link {
    char path[PATH_MAX];
    char target[PATH_MAX]; /* empty: there is none */
};

static void note_link(void *context, const char *directory, const char *name, bool last)
{
    struct last_link *link = context;
    char path[PATH_MAX], target[PATH_MAX];
    ssize_t length = -1;

    (void)last;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", strcmp(directory, "/") == 0 ? "" : directory,
                         name) < sizeof(path)) {
        length = readlink(path, target, sizeof(target) - 1);
    }
    if (length > 0) {
        target[length] = '\0';
        memcpy(link->path, path, strlen(path) + 1);
        memcpy(link->target, target, (size_t)length + 1);
    }
}

/* Reports that there is nothing at `path`, and which link leads there. */
static bool nothing_there(const char *path, struct problem *problem)
{
    struct last_link link = {.target = ""};

    path_walk(path, note_link, &link);
    if (link.target[0] == '\0') {
        return problem_set(problem, "%s: cannot open it: %s", path, strerror(ENOENT));
    }
    return problem_set(problem,
                       "%s: cannot open it: the link %s leads to %s, which is not there: is the "
                       "folder that it leads into mounted here?",
                       path, link.path, link.target);
}

/* Reports that `path` cannot be opened, from errno. */
static bool cannot_open(const char *path, struct problem *problem)
{
    const char *reason = strerror(errno);

    if (errno == EACCES) {
        return problem_set(problem, "%s: cannot open it: %s (%s)", path, reason, denied_remedy);
    }
    return problem_set(problem, "%s: cannot open it: %s", path, reason);
}

/* Without O_NONBLOCK a FIFO would hold us until somebody writes to it. */
enum {
    OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
};

/* Reads what has been opened, and closes it. */
static bool read_opened(int file, const char *path, size_t limit, gnutls_datum_t *content,
                        struct stat *status, struct problem *problem)
{
    bool good = false;

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

bool file_read(const char *path, size_t limit, gnutls_datum_t *content, struct stat *status,
               struct problem *problem)
{
    struct stat own_status;
    int file = open(path, OPEN_FLAGS);

    *content = (gnutls_datum_t){0};
    if (file < 0) {
        return errno == ENOENT ? nothing_there(path, problem) : cannot_open(path, problem);
    }
    return read_opened(file, path, limit, content, status ? status : &own_status, problem);
}

/* openat(2) for each part of `name`. openat2(2) could do it at once, but not on every kernel and in
   every container, and no part of a name is "..". */
static int open_beneath(const char *directory, const char *name)
{
    int opened = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

    while (opened >= 0 && *name) {
        size_t length = strcspn(name, "/");
        bool last = name[length] == '\0';
        char part[NAME_MAX + 1];
        int next = -1;
        int error = ENAMETOOLONG;

        if (length <= NAME_MAX) {
            memcpy(part, name, length);
            part[length] = '\0';
            next = openat(opened, part,
                          O_NOFOLLOW | (last ? OPEN_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC));
            error = errno;
        }
        close(opened);
        errno = error;
        opened = next;
        name += last ? length : length + 1;
    }
    return opened;
}

bool file_read_beneath(const char *directory, const char *name, size_t limit,
                       gnutls_datum_t *content, bool *missing, struct problem *problem)
{
    int file = open_beneath(directory, name);
    char path[PATH_MAX];
    struct stat status;

    *content = (gnutls_datum_t){0};
    *missing = file < 0 && (errno == ENOENT || errno == ENAMETOOLONG);
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (file < 0 && errno == ELOOP) {
        return problem_set(problem, "%s: is a symbolic link: put the file itself there", path);
    }
    if (file < 0) {
        return cannot_open(path, problem);
    }
    return read_opened(file, path, limit, content, &status, problem);
}

void file_wipe(gnutls_datum_t *content)
{
    if (content->data) {
        gnutls_memset(content->data, 0, content->size);
        free(content->data);
    }
    *content = (gnutls_datum_t){0};
}
