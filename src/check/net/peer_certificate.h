/* Whether a homeserver would accept a server's certificate, and if not, all reasons. */
#ifndef CHECK_NET_PEER_CERTIFICATE_H
#define CHECK_NET_PEER_CERTIFICATE_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/problem.h"
#include "check/net/limits.h"

/* The result of a handshake. */
struct certificate_details {
    bool seen; /* there was a handshake; otherwise the rest is unset */
    char tls_version[16];
    char cipher[64];
    bool valid; /* none of the flaws below */
    bool none;  /* the server sent no certificate */
    bool wrong_name;
    bool only_common_name; /* wrong_name because nothing but the subject's CN has a name */
    bool expired;
    bool not_yet_valid;
    bool self_signed;
    bool chain_incomplete; /* the server sends the leaf alone, and its issuer is not a known CA */
    bool untrusted;        /* it ends in no known CA, for another reason than the two before */
    bool weak;             /* an algorithm that is no longer taken */
    bool wrong_purpose;    /* not for servers */
    char *names[CERTIFICATE_NAME_LIMIT]; /* printable; DNS names and IP addresses */
    size_t name_count;
    time_t expires;
};

/* The CAs of `file` (PEM), or the system's where it is NULL. The caller frees the result with
   gnutls_x509_trust_list_deinit(list, 1). NULL and a problem where there are none. */
gnutls_x509_trust_list_t certificate_load_trust(const char *file, struct problem *problem);

/* Looks at a session whose handshake is done, for the server `name` (a host name, or an IP address
   without brackets). Fills `details`, to be cleared with certificate_details_clear. */
void certificate_inspect(gnutls_session_t session, gnutls_x509_trust_list_t trust, const char *name,
                         struct certificate_details *details);

void certificate_details_clear(struct certificate_details *details);

#endif
