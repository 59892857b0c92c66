/* The clients that no tool is: handshakes at a fixed rate, for names drawn at random, connections
   that stay, the first right answer of a server that starts. See usage(). Each answer is read to
   its end and compared; each handshake must be a full one. One JSON object on standard output. */

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    ANSWER_SIZE = 8192,
    NAME_SIZE = 64,
    NANOSECONDS = 1000000000,
};

struct settings {
    uint16_t port;
    bool plain;
    bool close; /* ask for the connection's end after the answer */
    unsigned threads;
    unsigned count;   /* requests, or connections */
    unsigned seconds; /* 0: until `count` requests are done */
    unsigned rate;    /* requests a second; 0: each as soon as the one before it is done */
    unsigned names;   /* draw one of d00000.bench.example … at random; 0: `name` */
    const char *name;
    const char *expected; /* the body of a right answer */
};

struct totals {
    unsigned right;
    unsigned wrong;
    unsigned resumed;
};

struct peer {
    int socket;
    gnutls_session_t session;
};

struct task {
    pthread_t thread;
    uint64_t random;
    struct totals totals;
    uint32_t *latencies; /* µs, one a right answer */
};

static struct settings settings = {
    .close = true, .threads = 1, .count = 1000, .name = "example.com", .expected = ""};
static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priorities;
static atomic_uint next_request;
static int64_t begin;

static void usage(void)
{
    fputs("Usage: client load --port PORT [--threads N] [--count N | --seconds N] [--rate N]\n"
          "                   [--names N | --name NAME] [--plain] --expect BODY\n"
          "       client idle --port PORT --count N --expect BODY   until end of standard input\n"
          "       client first --port PORT [--name NAME] --expect BODY\n",
          stderr);
    exit(2);
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * NANOSECONDS + time.tv_nsec;
}

static void sleep_until(int64_t due)
{
    struct timespec time = {.tv_sec = due / NANOSECONDS, .tv_nsec = due % NANOSECONDS};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
    }
}

static void peer_close(struct peer *peer)
{
    if (peer->session) {
        gnutls_deinit(peer->session);
        peer->session = NULL;
    }
    if (peer->socket >= 0) {
        close(peer->socket);
        peer->socket = -1;
    }
}

static bool handshake(struct peer *peer, const char *name, struct totals *totals)
{
    int status;

    if (gnutls_init(&peer->session, GNUTLS_CLIENT) != 0) {
        return false;
    }
    gnutls_priority_set(peer->session, priorities);
    gnutls_credentials_set(peer->session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_server_name_set(peer->session, GNUTLS_NAME_DNS, name, strlen(name));
    gnutls_transport_set_int(peer->session, peer->socket);
    do {
        status = gnutls_handshake(peer->session);
    } while (status < 0 && !gnutls_error_is_fatal(status) && status != GNUTLS_E_AGAIN);
    if (status == 0 && gnutls_session_is_resumed(peer->session)) {
        totals->resumed++;
    }
    return status == 0;
}

static bool peer_open(struct peer *peer, const char *name, struct totals *totals)
{
    static const int on = 1;
    static const struct timeval patience = {.tv_sec = 20};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(settings.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    *peer = (struct peer){.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (peer->socket < 0) {
        return false;
    }
    setsockopt(peer->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(peer->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return connect(peer->socket, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           (settings.plain || handshake(peer, name, totals));
}

static ssize_t receive(struct peer *peer, char *data, size_t size)
{
    ssize_t count;

    if (!peer->session) {
        return recv(peer->socket, data, size, 0);
    }
    do {
        count = gnutls_record_recv(peer->session, data, size);
    } while (count == GNUTLS_E_INTERRUPTED || count == GNUTLS_E_AGAIN);
    return count;
}

/* Whether `answer` is whole, has status 200 and the expected body. */
static bool is_right(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");

    return body && strncmp(answer, "HTTP/1.1 200 ", 13) == 0 &&
           strcmp(body + 4, settings.expected) == 0;
}

/* One GET; with settings.close, until the server hangs up. */
static bool ask(struct peer *peer, const char *name)
{
    char text[ANSWER_SIZE];
    size_t used = 0;
    ssize_t count;
    int length = snprintf(text, sizeof(text),
                          "GET /.well-known/matrix/server HTTP/1.1\r\nHost: %s\r\n%s\r\n", name,
                          settings.close ? "Connection: close\r\n" : "");

    count = peer->session ? gnutls_record_send(peer->session, text, (size_t)length)
                          : send(peer->socket, text, (size_t)length, MSG_NOSIGNAL);
    if (count != length) {
        return false;
    }
    text[0] = '\0';
    while (used < sizeof(text) - 1 && (settings.close || !is_right(text))) {
        count = receive(peer, text + used, sizeof(text) - 1 - used);
        if (count <= 0) {
            break;
        }
        used += (size_t)count;
        text[used] = '\0';
    }
    return is_right(text);
}

static void name_draw(struct task *task, char *name)
{
    if (settings.names == 0) {
        snprintf(name, NAME_SIZE, "%s", settings.name);
        return;
    }
    task->random ^= task->random << 13;
    task->random ^= task->random >> 7;
    task->random ^= task->random << 17;
    snprintf(name, NAME_SIZE, "d%05u.bench.example", (unsigned)(task->random % settings.names));
}

static bool request(const char *name, struct totals *totals)
{
    struct peer peer;
    bool right = peer_open(&peer, name, totals) && ask(&peer, name);

    peer_close(&peer);
    if (right) {
        totals->right++;
    } else {
        totals->wrong++;
    }
    return right;
}

/* Takes requests until there are no more. With a rate, a request's latency begins when it was due,
   so that what waits behind a slow one counts as late. */
static void *work(void *argument)
{
    struct task *task = argument;
    char name[NAME_SIZE];
    int64_t due;
    unsigned number;

    while ((number = atomic_fetch_add(&next_request, 1)) < settings.count) {
        due = now();
        if (settings.seconds > 0 && settings.rate == 0 &&
            due >= begin + (int64_t)settings.seconds * NANOSECONDS) {
            break;
        }
        if (settings.rate > 0) {
            due = begin + (int64_t)number * NANOSECONDS / settings.rate;
            sleep_until(due);
        }
        name_draw(task, name);
        if (request(name, &task->totals)) {
            task->latencies[task->totals.right - 1] = (uint32_t)((now() - due) / 1000);
        }
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;

    return (*left > *right) - (*left < *right);
}

static void report(struct task *tasks, int64_t elapsed)
{
    struct totals sum = {0};
    uint32_t *all;
    unsigned count = 0;

    for (unsigned i = 0; i < settings.threads; i++) {
        sum.right += tasks[i].totals.right;
        sum.wrong += tasks[i].totals.wrong;
        sum.resumed += tasks[i].totals.resumed;
    }
    all = calloc((size_t)sum.right + 1, sizeof(*all));
    if (!all) {
        exit(1);
    }
    for (unsigned i = 0; i < settings.threads; i++) {
        memcpy(all + count, tasks[i].latencies, tasks[i].totals.right * sizeof(*all));
        count += tasks[i].totals.right;
    }
    qsort(all, count, sizeof(*all), compare);
    printf("{\"right\": %u, \"wrong\": %u, \"resumed\": %u, \"seconds\": %.6f, "
           "\"p50_us\": %u, \"p99_us\": %u}\n",
           sum.right, sum.wrong, sum.resumed, (double)elapsed / NANOSECONDS, all[count / 2],
           all[(size_t)count * 99 / 100]);
    free(all);
}

static void load(void)
{
    struct task *tasks = calloc(settings.threads, sizeof(*tasks));

    if (settings.seconds > 0) {
        settings.count = settings.rate > 0 ? settings.rate * settings.seconds : 10000000;
    }
    begin = now();
    for (unsigned i = 0; tasks && i < settings.threads; i++) {
        tasks[i].random = 0x9e3779b97f4a7c15U * (i + 1);
        /* Untouched pages cost nothing. */
        tasks[i].latencies = calloc(settings.count, sizeof(uint32_t));
        if (!tasks[i].latencies || pthread_create(&tasks[i].thread, NULL, work, &tasks[i]) != 0) {
            fputs("client: no memory for threads\n", stderr);
            exit(1);
        }
    }
    for (unsigned i = 0; tasks && i < settings.threads; i++) {
        pthread_join(tasks[i].thread, NULL);
    }
    if (tasks) {
        report(tasks, now() - begin);
        for (unsigned i = 0; i < settings.threads; i++) {
            free(tasks[i].latencies);
        }
    }
    free(tasks);
}

static void idle(void)
{
    struct peer *peers = calloc(settings.count, sizeof(*peers));
    struct totals totals = {0};
    unsigned alive = 0;
    char byte;

    settings.close = false;
    for (unsigned i = 0; peers && i < settings.count; i++) {
        totals.right +=
            peer_open(&peers[i], settings.name, &totals) && ask(&peers[i], settings.name);
    }
    printf("{\"right\": %u}\n", totals.right);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    for (unsigned i = 0; peers && i < settings.count; i++) {
        alive +=
            peers[i].socket >= 0 && recv(peers[i].socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
        peer_close(&peers[i]);
    }
    printf("{\"alive\": %u}\n", alive);
    free(peers);
}

static void first(void)
{
    struct totals totals = {0};

    while (!request(settings.name, &totals)) {
        usleep(50);
    }
    printf("{\"monotonic_ns\": %lld}\n", (long long)now());
}

static void options_parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},    {"plain", no_argument, NULL, 'P'},
        {"threads", required_argument, NULL, 't'}, {"count", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'}, {"rate", required_argument, NULL, 'r'},
        {"names", required_argument, NULL, 'n'},   {"name", required_argument, NULL, 'N'},
        {"expect", required_argument, NULL, 'e'},  {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        unsigned number = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

        switch (option) {
        case 'p':
            settings.port = (uint16_t)number;
            break;
        case 'P':
            settings.plain = true;
            break;
        case 't':
            settings.threads = number;
            break;
        case 'c':
            settings.count = number;
            break;
        case 's':
            settings.seconds = number;
            break;
        case 'r':
            settings.rate = number;
            break;
        case 'n':
            settings.names = number;
            break;
        case 'N':
            settings.name = optarg;
            break;
        case 'e':
            settings.expected = optarg;
            break;
        default:
            usage();
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage();
    }
    options_parse(argc - 1, argv + 1);
    if (gnutls_certificate_allocate_credentials(&credentials) != 0 ||
        gnutls_priority_init(&priorities,
                             "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:"
                             "-CIPHER-ALL:+AES-128-GCM",
                             NULL) != 0) {
        return 1;
    }
    if (strcmp(argv[1], "load") == 0) {
        load();
    } else if (strcmp(argv[1], "idle") == 0) {
        idle();
    } else if (strcmp(argv[1], "first") == 0) {
        first();
    } else {
        usage();
    }
    gnutls_priority_deinit(priorities);
    gnutls_certificate_free_credentials(credentials);
    return 0;
}
