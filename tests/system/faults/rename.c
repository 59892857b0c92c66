/* For LD_PRELOAD: makes those calls of rename(2) fail whose numbers, counted from 1, stand in
   $RENAME_FAILS, separated by commas; and, where $LINK_FAILS is set, every link(2). */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool fails(void)
{
    static int count;
    char number[16], list[64];
    const char *given = getenv("RENAME_FAILS");

    snprintf(number, sizeof(number), ",%d,", ++count);
    snprintf(list, sizeof(list), ",%s,", given ? given : "");
    return strstr(list, number);
}

/* NOLINTNEXTLINE: the C library names its parameters otherwise. */
int rename(const char *from, const char *to)
{
    if (fails()) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_renameat2, -100, from, -100, to, 0); /* AT_FDCWD */
}

int link(const char *from, const char *to)
{
    if (getenv("LINK_FAILS")) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_linkat, -100, from, -100, to, 0);
}
