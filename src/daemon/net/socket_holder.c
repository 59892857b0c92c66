#include "daemon/net/socket_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TCP_LISTEN_STATE = 10, /* as /proc/net/tcp writes TCP_LISTEN */
    HEX_ADDRESS_SIZE = 33,
};

/* The address as /proc/net/tcp and tcp6 write it. */
static void format_hex(const struct address *address, char text[static HEX_ADDRESS_SIZE])
{
    const struct sockaddr_in *ipv4 = (const void *)&address->socket;
    const struct sockaddr_in6 *ipv6 = (const void *)&address->socket;
    const uint32_t *words = ipv6->sin6_addr.s6_addr32;

    if (ipv4->sin_family == AF_INET) {
        snprintf(text, HEX_ADDRESS_SIZE, "%08X", ipv4->sin_addr.s_addr);
    } else {
        snprintf(text, HEX_ADDRESS_SIZE, "%08X%08X%08X%08X", words[0], words[1], words[2],
                 words[3]);
    }
}

static bool is_zero(const char *hex)
{
    return hex[strspn(hex, "0")] == '\0';
}

/* The socket in a row of /proc/net/tcp or tcp6 that listens where `address` cannot; 0: not this. */
static unsigned long tcp_inode(const char *row, const struct address *address)
{
    const struct sockaddr_in *ipv4 =
        (const void *)&address->socket; /* its port is in IPv6's place */
    char own[HEX_ADDRESS_SIZE], local[HEX_ADDRESS_SIZE];
    unsigned port, state;
    unsigned long inode;

    format_hex(address, own);
    /* The kernel writes these rows. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(row, " %*d: %32[0-9A-F]:%X %*s %X %*s %*s %*s %*u %*d %lu", local, &port, &state,
               &inode) != 4 ||
        state != TCP_LISTEN_STATE || port != ntohs(ipv4->sin_port)) {
        return 0;
    }
    return is_zero(local) || is_zero(own) || strcmp(local, own) == 0 ? inode : 0;
}

/* The same for a row of /proc/net/unix. */
static unsigned long unix_inode(const char *row, const struct address *address)
{
    const struct sockaddr_un *local = (const void *)&address->socket;
    unsigned long inode;
    int path = 0;

    /* The kernel writes these rows. */
    /* NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(row, "%*s %*s %*s %*s %*s %*s %lu %n", &inode, &path) != 1 || path == 0) {
        return 0;
    }
    return strncmp(row + path, local->sun_path, sizeof(local->sun_path)) == 0 ? inode : 0;
}

/* Finds a row of one of the kernel's tables of sockets; 0 where there is none. */
static unsigned long find_inode(const char *table, const struct address *address)
{
    FILE *file = fopen(table, "re");
    unsigned long inode = 0;
    char row[512];

    while (file && inode == 0 && fgets(row, sizeof(row), file)) {
        row[strcspn(row, "\n")] = '\0';
        inode = address->socket.ss_family == AF_UNIX ? unix_inode(row, address)
                                                     : tcp_inode(row, address);
    }
    if (file) {
        fclose(file);
    }
    return inode;
}

/* Whether the process has this socket among its descriptors. */
static bool holds(const char *process, unsigned long inode)
{
    char path[NAME_MAX + 16], wanted[48], target[48];
    struct dirent *entry;
    bool found = false;
    DIR *files;

    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    snprintf(path, sizeof(path), "/proc/%s/fd", process);
    files = opendir(path);
    while (files && !found && (entry = readdir(files)) != NULL) {
        ssize_t length = readlinkat(dirfd(files), entry->d_name, target, sizeof(target) - 1);

        target[length > 0 ? length : 0] = '\0';
        found = strcmp(target, wanted) == 0;
    }
    if (files) {
        closedir(files);
    }
    return found;
}

static void describe(const char *process, char text[static SOCKET_HOLDER_SIZE])
{
    char path[NAME_MAX + 16], name[32] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/comm", process);
    file = fopen(path, "re");
    if (file && fgets(name, sizeof(name), file)) {
        name[strcspn(name, "\n")] = '\0';
    }
    if (file) {
        fclose(file);
    }
    snprintf(text, SOCKET_HOLDER_SIZE, "%s (process %.20s)", *name ? name : "a program", process);
}

static bool find_process(unsigned long inode, char text[static SOCKET_HOLDER_SIZE])
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    bool found = false;

    while (processes && !found && (entry = readdir(processes)) != NULL) {
        found = isdigit((unsigned char)entry->d_name[0]) && holds(entry->d_name, inode);
        if (found) {
            describe(entry->d_name, text);
        }
    }
    if (processes) {
        closedir(processes);
    }
    return found;
}

bool socket_holder(const struct address *address, char text[static SOCKET_HOLDER_SIZE])
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/unix"};
    bool local = address->socket.ss_family == AF_UNIX;

    for (size_t i = local ? 2 : 0; i < (local ? 3 : 2); i++) {
        unsigned long inode = find_inode(tables[i], address);

        if (inode != 0 && find_process(inode, text)) {
            return true;
        }
    }
    return false;
}
