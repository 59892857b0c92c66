/* One address of the homeserver: whether a homeserver answers there. */
#ifndef CHECK_DISCOVERY_TARGET_H
#define CHECK_DISCOVERY_TARGET_H

#include <stdbool.h>

#include "check/findings/findings.h"
#include "check/findings/keys.h"
#include "check/net/net.h"

struct target {
    struct ip_address address;
    int port;
    const char *srv_target; /* of the SRV record that has led there, or NULL; not owned */
    enum ip_reach limit;    /* see check/net/access.h */

    /* Known when it has been diagnosed. */
    bool ok;
    bool unreached; /* no connection was established: other servers try the next address */
    bool unchecked; /* this machine cannot check it */
    enum finding_code error;
    char *version_name; /* printable, NULL where unknown */
    char *version;
    bool keys_checked;
    struct keys keys;

    const struct network *network;
    const struct target_names *names;
    struct fetch version_fetch;
    struct fetch keys_fetch;
    bool directory_asked; /* only where there is no version */
    struct fetch directory_fetch;
    bool done;
};

/* What all targets of a server name have in common; not owned. */
struct target_names {
    const char *server_name;  /* whose keys there must be */
    const char *host_header;  /* as the step has it */
    const char *tls_name;     /* for SNI and the certificate, no brackets */
    const char *connect_hint; /* a remedy where nothing answers, or NULL */
};

/* Asks for the version and the keys at the same time. `names` must live as long as the target. */
void target_start(struct target *target, const struct network *network,
                  const struct target_names *names);

/* Advances; true when all requests are answered. */
bool target_advance(struct target *target);

/* Adds a line for a target that works, or the findings, and sets the fields above. */
void target_diagnose(struct target *target, struct branch at);

void target_clear(struct target *target);

#endif
