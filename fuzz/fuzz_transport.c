/* The bytes of a TLS handshake, and records after it, through a real worker: transport.c,
   session.c, GnuTLS, libmicrohttpd, the handler. The first byte says what has happened before: R
   nothing, 2 and 3 a handshake of TLS 1.2 or 1.3. Then come steps, each a kind, a length in two
   bytes, and so many bytes: B these bytes; H them as a record of the handshake, in the clear; D
   application data, in one record; P the same in records of one byte; a step of any other kind is,
   in TLS 1.3, a record of that inner type. A kind in lower case lets the daemon read what there is
   before the next step. */
#include "fuzz.h"

#include <ctype.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/log.h"
#include "daemon/config/configuration.h"
#include "daemon/config/options.h"
#include "daemon/http/http_daemon.h"
#include "daemon/net/session.h"
#include "daemon/net/workers.h"
#include "daemon/site/responses.h"

enum {
    HANDSHAKE_RECORD = 22,
    DATA_RECORD = 23,
    TAG_SIZE = 16,
    NONCE_SIZE = 12,
    PATIENCE = 10000, /* milliseconds in which a connection that the client has closed must end */
};

static struct service service;
static struct sockaddr_un place = {.sun_family = AF_UNIX};
static char folder[] = "/tmp/fuzz-transport-XXXXXX";

static void remove_folder(void)
{
    unlink(place.sun_path);
    rmdir(folder);
}

static void listen_at(const char *path)
{
    static struct listener listener;
    struct problem problem;

    memcpy(place.sun_path, path, strlen(path) + 1);
    listener.source = EVENT_LISTENER;
    listener.kind = LISTENER_HTTPS;
    listener.socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    MUST(bind(listener.socket, (const struct sockaddr *)&place, sizeof(place)) == 0);
    MUST(listen(listener.socket, 16) == 0);
    MUST(workers_add_listener(&service, &listener, &problem));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const arguments[] = {"fuzz",     "--server", "m.example:1", "--self-signed",
                                            "--listen", "0",        NULL};
    static char *no_variables[] = {NULL};
    static struct options options; /* never freed: the table may refer to it */
    struct problem problem;
    struct config *config;
    char *path;

    (void)argc;
    (void)argv;
    signal(SIGPIPE, SIG_IGN);
    MUST(options_parse(&options, 6, (char **)(uintptr_t)arguments, no_variables, &problem));
    config = config_load(&options, &problem);
    MUST(config && responses_init() && tls_init(&service, &problem));
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    atomic_store(&service.table,
                 site_table_build(config, NULL, SITE_CERTIFICATES_AS_NEEDED, &problem));
    MUST(service_table(&service));
    MUST(workers_start(&service, 1, 16, true, http_daemon_start, &problem));
    MUST(mkdtemp(folder) && asprintf(&path, "%s/socket", folder) > 0);
    listen_at(path);
    MUST(atexit(remove_folder) == 0);
    free(path);
    config_free(config);
    return 0;
}

/* --- The client --- */

struct client {
    int socket;
    gnutls_session_t session; /* NULL where there was no handshake */
    gnutls_certificate_credentials_t credentials;
    bool tls13;
};

static void send_bytes(const struct client *client, const void *bytes, size_t size)
{
    /* The daemon may have closed the connection, or read no more. */
    (void)!send(client->socket, bytes, size, MSG_NOSIGNAL);
}

static void send_record(const struct client *client, uint8_t kind, const uint8_t *bytes,
                        size_t size)
{
    uint8_t header[] = {kind, 3, 3, (uint8_t)(size >> 8), (uint8_t)size};

    send_bytes(client, header, sizeof(header));
    send_bytes(client, bytes, size);
}

/* A protected record of TLS 1.3 of any inner type, empty ones too, which GnuTLS would not send. */
static void send_sealed(const struct client *client, uint8_t kind, const uint8_t *bytes,
                        size_t size)
{
    gnutls_datum_t mac, iv, key;
    gnutls_aead_cipher_hd_t cipher;
    uint8_t sequence[8], nonce[NONCE_SIZE], record[5 + 65536 + 1 + TAG_SIZE];
    uint8_t *inner = malloc(size + 1);
    size_t sealed = sizeof(record) - 5, length = size + 1 + TAG_SIZE;

    MUST(inner && gnutls_record_get_state(client->session, 0, &mac, &iv, &key, sequence) == 0);
    memcpy(inner, bytes, size);
    inner[size] = kind;
    memcpy(record, (uint8_t[]){DATA_RECORD, 3, 3, (uint8_t)(length >> 8), (uint8_t)length}, 5);
    memcpy(nonce, iv.data, sizeof(nonce));
    for (size_t i = 0; i < sizeof(sequence); i++) {
        nonce[NONCE_SIZE - sizeof(sequence) + i] ^= sequence[i];
    }
    MUST(gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_GCM, &key) == 0);
    MUST(gnutls_aead_cipher_encrypt(cipher, nonce, sizeof(nonce), record, 5, TAG_SIZE, inner,
                                    size + 1, record + 5, &sealed) == 0);
    gnutls_aead_cipher_deinit(cipher);
    free(inner);
    send_bytes(client, record, 5 + sealed);
    for (size_t i = sizeof(sequence); i-- > 0 && ++sequence[i] == 0;) {
    }
    MUST(gnutls_record_set_state(client->session, 0, sequence) == 0);
}

static void connect_client(struct client *client)
{
    static const struct timeval patience = {.tv_usec = 2000};

    client->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(connect(client->socket, (const struct sockaddr *)&place, sizeof(place)) == 0);
    setsockopt(client->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static void make_handshake(struct client *client, bool tls13)
{
    int status;

    client->tls13 = tls13;
    MUST(gnutls_init(&client->session, GNUTLS_CLIENT) == 0);
    MUST(gnutls_certificate_allocate_credentials(&client->credentials) == 0);
    gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials);
    MUST(gnutls_priority_set_direct(client->session,
                                    tls13
                                        ? "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM"
                                        : "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM",
                                    NULL) == 0);
    gnutls_transport_set_int(client->session, client->socket);
    do {
        status = gnutls_handshake(client->session);
    } while (status == GNUTLS_E_INTERRUPTED); /* by libFuzzer's clock */
    MUST(status == 0);
}

static void give_time(void)
{
    static const struct timespec moment = {.tv_nsec = 200000};

    nanosleep(&moment, NULL);
}

static void step(const struct client *client, uint8_t kind, const uint8_t *bytes, size_t size)
{
    switch (toupper(kind)) {
    case 'B':
        send_bytes(client, bytes, size);
        break;
    case 'H':
        send_record(client, HANDSHAKE_RECORD, bytes, size);
        break;
    case 'D':
        if (client->session && size > 0) {
            gnutls_record_send(client->session, bytes, size);
        }
        break;
    case 'P':
        for (size_t i = 0; client->session && i < size; i++) {
            gnutls_record_send(client->session, bytes + i, 1);
        }
        break;
    default:
        if (client->session && client->tls13) {
            send_sealed(client, kind, bytes, size);
        }
        break;
    }
    if (islower(kind)) {
        give_time();
    }
}

/* Reads what the daemon has to say, until it closes the connection or seems to have no more. */
static void read_rest(const struct client *client)
{
    static const struct timeval patience = {.tv_usec = 2000};
    char bytes[4096];

    shutdown(client->socket, SHUT_WR);
    setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while (recv(client->socket, bytes, sizeof(bytes), 0) > 0) {
    }
}

static void close_client(struct client *client)
{
    int turns = 0;

    if (client->session) {
        gnutls_deinit(client->session);
        gnutls_certificate_free_credentials(client->credentials);
    }
    close(client->socket);
    for (; atomic_load(&service.connections) > 0 && turns < PATIENCE * 5; turns++) {
        give_time();
    }
    MUST(turns < PATIENCE * 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client client = {0};
    size_t at = 1;

    if (size == 0) {
        return 0;
    }
    connect_client(&client);
    if (data[0] == '2' || data[0] == '3') {
        make_handshake(&client, data[0] == '3');
    }
    while (size - at >= 3) {
        uint8_t kind = data[at];
        size_t length = (size_t)(data[at + 1] << 8 | data[at + 2]);

        at += 3;
        length = length < size - at ? length : size - at;
        step(&client, kind, data + at, length);
        at += length;
    }
    read_rest(&client);
    close_client(&client);
    return 0;
}
