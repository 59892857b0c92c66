#include "daemon/net/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/acme/challenge.h"
#include "daemon/tls/random.h"

/* AES-128-GCM before AES-256-GCM saves a sixth of a handshake (SHA-384 has no instructions of its
   own), and X25519 before P-256 saves clients that offer only X25519 a HelloRetryRequest. Forward
   secrecy and authenticated encryption only. */
const char tls_priorities[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-128-GCM:+CHACHA20-POLY1305:+AES-256-GCM:+AEAD:"
    "+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:"
    "+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"
    "+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:"
    "+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:"
    "+CTYPE-X509:%SERVER_PRECEDENCE";

bool tls_init(struct service *service, struct problem *problem)
{
    int status;

    if (!random_works(problem)) {
        return false;
    }
    status = gnutls_session_ticket_key_generate(&service->ticket_key);

    return status == 0 || problem_set(problem, "cannot make a key for session tickets: %s",
                                      gnutls_strerror(status));
}

void tls_clear(struct service *service)
{
    if (service->ticket_key.data) {
        gnutls_memset(service->ticket_key.data, 0, service->ticket_key.size);
        gnutls_free(service->ticket_key.data);
    }
    service->ticket_key = (gnutls_datum_t){0};
}

static struct connection *connection_of(gnutls_session_t session)
{
    return gnutls_session_get_ptr(session);
}

/* The SNI host name into `name` (RFC 6066, section 3); false where none was sent. */
static bool sni_of(gnutls_session_t session, char *name, size_t size)
{
    size_t length = size;
    unsigned type;
    int status = gnutls_server_name_get(session, name, &length, &type, 0);

    if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
        return false;
    }
    if (status != 0 || type != GNUTLS_NAME_DNS) {
        name[0] = '\0'; /* something that is no name: it has no certificate */
    }
    return true;
}

/* Whether it is an ACME server that looks for its challenge (RFC 8737). */
static bool asks_for_challenge(const struct connection *connection)
{
    gnutls_datum_t chosen;

    return connection->offers_challenges &&
           gnutls_alpn_get_selected_protocol(connection->stream.session, &chosen) == 0 &&
           chosen.size == strlen(ACME_PROTOCOL) &&
           memcmp(chosen.data, ACME_PROTOCOL, chosen.size) == 0;
}

/* The certificate for an SNI name (or NULL), in use or of a challenge; NULL where there is none. */
static struct credentials *find_credentials(struct connection *connection, const char *name)
{
    const struct site_table *table = service_table(connection->set->service);
    struct certificate *certificate;

    connection->stream.challenge = asks_for_challenge(connection);
    if (connection->stream.challenge) {
        return table->acme_alpn_dir && name ? acme_challenge_load(table->acme_alpn_dir, name)
                                            : NULL;
    }
    certificate = site_table_certificate(table, name);
    return certificate ? certificate_use(certificate) : NULL;
}

/* Called when the ClientHello has been read: chooses the certificate. */
static int choose_certificate(gnutls_session_t session)
{
    struct connection *connection = connection_of(session);
    char name[SITE_HOST_SIZE];
    struct credentials *credentials =
        find_credentials(connection, sni_of(session, name, sizeof(name)) ? name : NULL);

    if (!credentials) {
        connection->stream.handshake = HANDSHAKE_REFUSED;
        /* libmicrohttpd would only hang up; RFC 6066 wants the client to be told. */
        gnutls_alert_send(session, GNUTLS_AL_FATAL, GNUTLS_A_UNRECOGNIZED_NAME);
        counters_add_handshake(&connection->set->counters, COUNTERS_HANDSHAKE_UNRECOGNIZED_NAME);
        return GNUTLS_E_UNRECOGNIZED_NAME;
    }
    /* A second ClientHello, after a HelloRetryRequest, chooses anew. */
    credentials_release(connection->credentials);
    connection->credentials = credentials;
    return 0;
}

/* Called when the client's Finished has been verified. */
static int handshake_done(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                          const gnutls_datum_t *message)
{
    struct connection *connection = connection_of(session);

    (void)type;
    (void)when;
    (void)message;
    if (incoming && connection->stream.handshake == HANDSHAKE_RUNNING) {
        connection->stream.handshake = HANDSHAKE_DONE;
        connection_note_progress(connection);
        transport_note_result(&connection->stream);
        connection_move(connection, CONNECTION_READING);
        counters_add_handshake(&connection->set->counters, connection->stream.challenge
                                                               ? COUNTERS_HANDSHAKE_CHALLENGE
                                                               : COUNTERS_HANDSHAKE_OK);
    }
    return 0;
}

void tls_start(struct connection *connection, gnutls_session_t session)
{
    static unsigned char http11[] = "http/1.1", acme[] = ACME_PROTOCOL;
    static const gnutls_datum_t protocols[] = {{http11, sizeof(http11) - 1},
                                               {acme, sizeof(acme) - 1}};

    connection->offers_challenges = service_table(connection->set->service)->acme_alpn_dir;
    gnutls_session_set_ptr(session, connection);
    transport_attach(&connection->stream, session);
    /* A client that speaks none of our protocols is refused, so that what it meant for another
       service cannot end here (RFC 7301, section 3.2). */
    gnutls_alpn_set_protocols(session, protocols, connection->offers_challenges ? 2 : 1,
                              GNUTLS_ALPN_MANDATORY);
    gnutls_session_ticket_enable_server(session, &connection->set->service->ticket_key);
    gnutls_handshake_set_post_client_hello_function(session, choose_certificate);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       handshake_done);
}

int tls_retrieve_certificate(gnutls_session_t session, const gnutls_datum_t *requested,
                             int requested_count, const gnutls_pk_algorithm_t *algorithms,
                             int algorithm_count, gnutls_pcert_st **chain,
                             unsigned int *chain_length, gnutls_privkey_t *key)
{
    const struct credentials *credentials = connection_of(session)->credentials;

    (void)requested;
    (void)requested_count;
    (void)algorithms;
    (void)algorithm_count;
    if (!credentials) {
        return -1;
    }
    *chain = credentials->chain;
    *chain_length = credentials->chain_length;
    *key = credentials->key;
    return 0;
}
