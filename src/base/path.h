/* Following a path through its symbolic links. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>

/* What path_walk reports: the entry `name` of `directory` (absolute, without links) decides where
   the path leads. `last` says that nothing of the path is left behind it, or nothing that exists:
   false for a link in the middle. */
typedef void path_visit(void *context, const char *directory, const char *name, bool last);

/* Walks `path` as the kernel would, and visits each symbolic link on it and its last component, or
   the first that is missing. A path that is too long, or leads through too many links, is walked
   as far as it goes. Returns whether the path leads to something. */
bool path_walk(const char *path, path_visit *visit, void *context);

/* Whether `path` is `directory` or lies beneath it, both absolute and without links. */
bool path_is_beneath(const char *path, const char *directory);

#endif
