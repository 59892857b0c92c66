#include "daemon/system/service_manager.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int notify_socket = -1;

/* A whole decimal number; false where the text is none. */
static bool read_number(const char *text, long *number)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

int service_manager_sockets(const char **names, struct problem *problem)
{
    const char *process = getenv("LISTEN_PID");
    const char *count_text = getenv("LISTEN_FDS");
    long number, count;

    *names = getenv("LISTEN_FDNAMES");
    if (!process || !count_text) {
        return 0;
    }
    if (!read_number(process, &number) || !read_number(count_text, &count) || count < 0 ||
        count > 1000) {
        problem_set(problem,
                    "LISTEN_PID=%.20s LISTEN_FDS=%.20s: not what a service manager sets: "
                    "unset both",
                    process, count_text);
        return -1;
    }
    return number == getpid() ? (int)count : 0;
}

void service_manager_connect(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;

    if (length < 2 || length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') {
        address.sun_path[0] = '\0'; /* the abstract namespace */
    }
    notify_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify_socket >= 0 &&
        connect(notify_socket, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) != 0) {
        close(notify_socket);
        notify_socket = -1;
    }
}

int service_manager_socket(void)
{
    return notify_socket;
}

static void notify(const char *text)
{
    /* A service manager that has gone needs no notice. */
    if (notify_socket >= 0 && send(notify_socket, text, strlen(text), MSG_NOSIGNAL) < 0) {
        return;
    }
}

void service_manager_ready(void)
{
    notify("READY=1");
}

void service_manager_reloading(void)
{
    struct timespec now;
    char text[80];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%jd",
             (intmax_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    notify(text);
}

void service_manager_stopping(void)
{
    notify("STOPPING=1");
}

void service_manager_status(const char *format, ...)
{
    char status[256], text[sizeof(status) + 16];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(status, sizeof(status), format, arguments);
    va_end(arguments);
    snprintf(text, sizeof(text), "STATUS=%s", status);
    notify(text);
}
