/* What cannot be saved: `floor handshake CERTIFICATE KEY COUNT` times the server's part of a full
   TLS 1.3 handshake in memory, with the daemon's priorities, and prints nanoseconds of CPU for one;
   with a fourth argument, MICROSECONDS, it sleeps for so long before each of the server's turns, as
   a server does that waits for its client; `floor accept` prints a port and answers whatever is
   sent there, one connection after another, doing nothing but accept, read, write and close. */

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/net/session.h"

enum {
    BUFFER_SIZE = 65536
};

struct buffer {
    unsigned char data[BUFFER_SIZE];
    size_t used;
    size_t taken;
};

/* One end of a connection in memory. */
struct end {
    gnutls_session_t session;
    struct buffer *from;
    struct buffer *to;
};

static struct timespec pause_before_turn;
static gnutls_datum_t ticket_key;
static gnutls_priority_t server_priorities;
static gnutls_priority_t client_priorities;
static gnutls_certificate_credentials_t server_credentials;
static gnutls_certificate_credentials_t client_credentials;

static ssize_t pull(gnutls_transport_ptr_t pointer, void *data, size_t size)
{
    struct end *end = pointer;
    size_t left = end->from->used - end->from->taken;

    if (left == 0) {
        gnutls_transport_set_errno(end->session, EAGAIN);
        return -1;
    }
    size = size < left ? size : left;
    memcpy(data, end->from->data + end->from->taken, size);
    end->from->taken += size;
    return (ssize_t)size;
}

static ssize_t push(gnutls_transport_ptr_t pointer, const void *data, size_t size)
{
    struct end *end = pointer;

    if (size > BUFFER_SIZE - end->to->used) {
        return -1;
    }
    memcpy(end->to->data + end->to->used, data, size);
    end->to->used += size;
    return (ssize_t)size;
}

static void end_open(struct end *end, unsigned flags, gnutls_priority_t priorities,
                     gnutls_certificate_credentials_t credentials)
{
    gnutls_init(&end->session, flags | GNUTLS_NONBLOCK);
    gnutls_priority_set(end->session, priorities);
    gnutls_credentials_set(end->session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_ptr(end->session, end);
    gnutls_transport_set_pull_function(end->session, pull);
    gnutls_transport_set_push_function(end->session, push);
}

static int64_t thread_time(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Nanoseconds of the server's part of one handshake; -1 if it failed or was not a full one of
   TLS 1.3 with X25519. */
static int64_t handshake(struct buffer *to_server, struct buffer *to_client)
{
    struct end server = {.from = to_server, .to = to_client};
    struct end client = {.from = to_client, .to = to_server};
    int server_status = GNUTLS_E_AGAIN;
    int client_status = GNUTLS_E_AGAIN;
    int64_t begin = thread_time();
    int64_t spent;
    bool right;

    to_server->used = to_server->taken = to_client->used = to_client->taken = 0;
    end_open(&server, GNUTLS_SERVER, server_priorities, server_credentials);
    gnutls_session_ticket_enable_server(server.session, &ticket_key);
    spent = thread_time() - begin;
    end_open(&client, GNUTLS_CLIENT, client_priorities, client_credentials);
    while (server_status == GNUTLS_E_AGAIN || client_status == GNUTLS_E_AGAIN) {
        if (client_status == GNUTLS_E_AGAIN) {
            client_status = gnutls_handshake(client.session);
        }
        if (server_status == GNUTLS_E_AGAIN) {
            if (pause_before_turn.tv_nsec > 0) {
                nanosleep(&pause_before_turn, NULL);
            }
            begin = thread_time();
            server_status = gnutls_handshake(server.session);
            spent += thread_time() - begin;
        }
    }
    right = server_status == 0 && client_status == 0 &&
            !gnutls_session_is_resumed(server.session) &&
            gnutls_protocol_get_version(server.session) == GNUTLS_TLS1_3 &&
            gnutls_group_get(server.session) == GNUTLS_GROUP_X25519;
    gnutls_deinit(client.session);
    begin = thread_time();
    gnutls_deinit(server.session);
    spent += thread_time() - begin;
    return right ? spent : -1;
}

static int measure_handshakes(const char *certificate, const char *key, long count)
{
    static struct buffer to_server;
    static struct buffer to_client;
    int64_t sum = 0;

    gnutls_certificate_allocate_credentials(&server_credentials);
    gnutls_certificate_allocate_credentials(&client_credentials);
    if (gnutls_certificate_set_x509_key_file(server_credentials, certificate, key,
                                             GNUTLS_X509_FMT_PEM) < 0 ||
        gnutls_session_ticket_key_generate(&ticket_key) != 0 ||
        gnutls_priority_init(&server_priorities, tls_priorities, NULL) != 0 ||
        gnutls_priority_init(&client_priorities, "NORMAL:-GROUP-ALL:+GROUP-X25519", NULL) != 0) {
        fputs("floor: cannot read the certificate and its key\n", stderr);
        return 1;
    }
    for (long i = -count / 10; i < count; i++) {
        int64_t spent = handshake(&to_server, &to_client);

        if (spent < 0) {
            fputs("floor: the handshake is not what it should be\n", stderr);
            return 1;
        }
        sum += i < 0 ? 0 : spent; /* the first ones only warm up */
    }
    printf("%lld\n", (long long)(sum / count));
    return 0;
}

static int accept_forever(void)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 38\r\nConnection: close\r\n\r\n"
        "{\"m.server\":\"matrix.example.com:8448\"}\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("floor");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        char request[4096];
        int client = accept(listener, NULL, NULL);

        if (client >= 0) {
            if (read(client, request, sizeof(request)) <= 0 ||
                write(client, answer, sizeof(answer) - 2) < 0) {
                fputs("floor: a client went away\n", stderr);
            }
            close(client);
        }
    }
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "handshake") == 0) {
        pause_before_turn.tv_nsec = argc == 6 ? strtol(argv[5], NULL, 10) * 1000 : 0;
        return measure_handshakes(argv[2], argv[3], strtol(argv[4], NULL, 10));
    }
    if (argc == 2 && strcmp(argv[1], "accept") == 0) {
        return accept_forever();
    }
    fputs("Usage: floor handshake CERTIFICATE KEY COUNT [MICROSECONDS]\n       floor accept\n",
          stderr);
    return 2;
}
