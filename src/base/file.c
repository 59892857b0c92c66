#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

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
static void nothing_there(const char *path, struct problem *problem)
{
    struct last_link link = {.target = ""};

    path_walk(path, note_link, &link);
    if (link.target[0] == '\0') {
        problem_set(problem, "%s: cannot open it: %s", path, strerror(ENOENT));
        return;
    }
    problem_set(problem,
                "%s: cannot open it: the link %s leads to %s, which is not there: is the folder "
                "that it leads into mounted here?",
                path, link.path, link.target);
}

/* Reports that `path` cannot be opened, from errno. */
static void cannot_open(const char *path, struct problem *problem)
{
    const char *reason = strerror(errno);

    if (errno == EACCES) {
        problem_set(problem, "%s: cannot open it: %s (%s)", path, reason, denied_remedy);
    } else {
        problem_set(problem, "%s: cannot open it: %s", path, reason);
    }
}

/* Without O_NONBLOCK a pipe would hold us until somebody writes to it. */
enum {
    OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
};

static const char *kind_of_file(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* Moves the content to larger memory, unlike realloc(3) without leaving any of it behind. */
static bool content_grow(struct file_content *content, size_t capacity)
{
    char *bytes = malloc(capacity);

    if (!bytes) {
        return false;
    }
    if (content->bytes) {
        memcpy(bytes, content->bytes, content->size);
        explicit_bzero(content->bytes, content->size);
        free(content->bytes);
    }
    content->bytes = bytes;
    return true;
}

static bool out_of_memory(const char *path, struct problem *problem)
{
    problem_out_of_memory(problem);
    return problem_prefix(problem, "%s: ", path);
}

/* Reads to the end of the file, whose size was `expected` a moment ago. Files in /proc say that
   they are empty, and are not. */
static bool read_whole(int file, const char *path, size_t expected, size_t limit,
                       struct file_content *content, struct problem *problem)
{
    size_t capacity = expected + 2; /* one shows the end without another round, one is the '\0' */
    ssize_t count;

    if (!content_grow(content, capacity)) {
        return out_of_memory(path, problem);
    }
    while ((count = read(file, content->bytes + content->size, capacity - 1 - content->size)) !=
           0) {
        if (count < 0 && errno != EINTR) {
            return problem_set(problem, "%s: cannot read it: %s", path, strerror(errno));
        }
        content->size += count > 0 ? (size_t)count : 0;
        if (content->size > limit) {
            return problem_set(problem, "%s: has more than %zu bytes, which is the limit", path,
                               limit);
        }
        if (content->size == capacity - 1) {
            capacity = 2 * capacity + 4096;
            if (!content_grow(content, capacity)) {
                return out_of_memory(path, problem);
            }
        }
    }
    content->bytes[content->size] = '\0';
    return true;
}

/* Reads what has been opened, and closes it. */
static enum file_result read_opened(int file, const char *path, size_t limit,
                                    struct file_content *content, struct stat *status,
                                    struct problem *problem)
{
    enum file_result result = FILE_FAILED;

    if (fstat(file, status) != 0) {
        problem_set(problem, "%s: cannot read its status: %s", path, strerror(errno));
    } else if (!S_ISREG(status->st_mode)) {
        problem_set(problem, "%s: is %s: a regular file is needed", path,
                    kind_of_file(status->st_mode));
        result = FILE_NOT_REGULAR;
    } else if ((uintmax_t)status->st_size > limit) {
        problem_set(problem, "%s: has %jd bytes: the limit is %zu", path, (intmax_t)status->st_size,
                    limit);
    } else if (read_whole(file, path, (size_t)status->st_size, limit, content, problem)) {
        result = FILE_GOOD;
    }
    close(file);
    if (result != FILE_GOOD) {
        file_wipe(content);
    }
    return result;
}

enum file_result file_read(const char *path, size_t limit, struct file_content *content,
                           struct stat *status, struct problem *problem)
{
    struct stat own_status;
    int file = open(path, OPEN_FLAGS);

    *content = (struct file_content){0};
    if (file < 0 && errno == ENOENT) {
        nothing_there(path, problem);
        return FILE_MISSING;
    }
    if (file < 0) {
        cannot_open(path, problem);
        return FILE_FAILED;
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

enum file_result file_read_beneath(const char *directory, const char *name, size_t limit,
                                   struct file_content *content, struct problem *problem)
{
    int file = open_beneath(directory, name);
    int error = errno;
    char path[PATH_MAX];
    struct stat status;

    *content = (struct file_content){0};
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (file >= 0) {
        return read_opened(file, path, limit, content, &status, problem);
    }
    if (error == ELOOP) {
        problem_set(problem, "%s: is a symbolic link: put the file itself there", path);
        return FILE_FAILED;
    }
    errno = error;
    cannot_open(path, problem);
    return error == ENOENT || error == ENAMETOOLONG ? FILE_MISSING : FILE_FAILED;
}

void file_wipe(struct file_content *content)
{
    if (content->bytes) {
        explicit_bzero(content->bytes, content->size);
        free(content->bytes);
    }
    *content = (struct file_content){0};
}
