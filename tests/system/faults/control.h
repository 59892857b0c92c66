/* The number that a library for LD_PRELOAD shares with its test: a long in the file that
   $FAULTS_FILE names. */
#ifndef FAULTS_CONTROL_H
#define FAULTS_CONTROL_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The number, or NULL where there is no such file. */
static inline _Atomic long *control_open(void)
{
    const char *path = getenv("FAULTS_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED
                         : mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    if (file >= 0) {
        close(file);
    }
    return map == MAP_FAILED ? NULL : map;
}

#endif
