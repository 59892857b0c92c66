#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LINKS_LIMIT = 40 /* symbolic links on one path, as the kernel has it */
};

/* Where a walk is: what lies behind it, without links, and what is ahead. */
struct walk {
    char done[PATH_MAX];
    char left[PATH_MAX];
};

static bool walk_start(struct walk *walk, const char *path)
{
    if (path[0] == '/' || !getcwd(walk->done, sizeof(walk->done))) {
        walk->done[0] = '\0';
    }
    if (strcmp(walk->done, "/") == 0) {
        walk->done[0] = '\0';
    }
    return (size_t)snprintf(walk->left, sizeof(walk->left), "%s", path) < sizeof(walk->left);
}

/* Takes the next component off what is left. False at the end, or where it is too long. */
static bool walk_next(struct walk *walk, char name[static NAME_MAX + 1])
{
    const char *start = walk->left + strspn(walk->left, "/");
    size_t length = strcspn(start, "/");

    if (length == 0 || length > NAME_MAX || strlen(walk->done) + 1 + length >= PATH_MAX) {
        return false;
    }
    memcpy(name, start, length);
    name[length] = '\0';
    memmove(walk->left, start + length, strlen(start + length) + 1);
    return true;
}

static void walk_up(struct walk *walk)
{
    char *slash = strrchr(walk->done, '/');

    walk->done[slash ? slash - walk->done : 0] = '\0';
}

/* Puts where a link leads before what is left. False where that gets too long. */
static bool walk_follow(struct walk *walk, const char *link)
{
    char rest[PATH_MAX];
    int length;

    memcpy(rest, walk->left, sizeof(rest));
    length = snprintf(walk->left, sizeof(walk->left), "%s%s%s", link, *rest ? "/" : "", rest);
    if (link[0] == '/') {
        walk->done[0] = '\0';
    }
    return length >= 0 && (size_t)length < sizeof(walk->left);
}

bool path_walk(const char *path, path_visit *visit, void *context)
{
    struct walk walk;
    char name[NAME_MAX + 1];
    int links = 0;

    if (!walk_start(&walk, path)) {
        return false;
    }
    while (walk_next(&walk, name)) {
        char link[PATH_MAX];
        size_t parent_length = strlen(walk.done);
        ssize_t link_length;
        bool is_link, is_missing;
        bool last = walk.left[strspn(walk.left, "/")] == '\0';

        if (strcmp(name, ".") == 0) {
            continue;
        }
        if (strcmp(name, "..") == 0) {
            walk_up(&walk);
            continue;
        }
        snprintf(walk.done + parent_length, sizeof(walk.done) - parent_length, "/%s", name);
        link_length = readlink(walk.done, link, sizeof(link) - 1);
        is_link = link_length >= 0;
        is_missing = !is_link && errno != EINVAL;
        if (!is_link && !is_missing && !last) {
            continue; /* an ordinary directory */
        }
        walk.done[parent_length] = '\0';
        visit(context, parent_length > 0 ? walk.done : "/", name, last || !is_link);
        if (!is_link) {
            return !is_missing; /* the file itself, or nothing yet */
        }
        link[link_length] = '\0';
        if (++links > LINKS_LIMIT || !walk_follow(&walk, link)) {
            return false;
        }
    }
    return true;
}

bool path_is_beneath(const char *path, const char *directory)
{
    size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}
