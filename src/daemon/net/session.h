/* TLS: versions and suites, tickets, ALPN, the certificate for a name. */
#ifndef DAEMON_NET_SESSION_H
#define DAEMON_NET_SESSION_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "base/problem.h"
#include "daemon/net/connection.h"
#include "daemon/net/service.h"

/* The GnuTLS priority string of all sessions. */
extern const char tls_priorities[];

/* Draws the ticket key. */
bool tls_init(struct service *service, struct problem *problem);

void tls_clear(struct service *service);

/* Prepares a connection's session before its handshake: ALPN, tickets, transport, callbacks. */
void tls_start(struct connection *connection, gnutls_session_t session);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK: the certificate that tls_start's callback chose by SNI. */
int tls_retrieve_certificate(gnutls_session_t session, const gnutls_datum_t *requested,
                             int requested_count, const gnutls_pk_algorithm_t *algorithms,
                             int algorithm_count, gnutls_pcert_st **chain,
                             unsigned int *chain_length, gnutls_privkey_t *key);

#endif
