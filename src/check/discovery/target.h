/* One address that a homeserver's name leads to in the end: whether a homeserver answers there. */
#ifndef CHECK_DISCOVERY_TARGET_H
#define CHECK_DISCOVERY_TARGET_H

#include <stdbool.h>

#include "check/environment.h"
#include "check/finding.h"
#include "check/keys.h"

struct target {
    struct ip_address address;
    int port;
    const char *srv_name; /* the SRV target that has this address, or NULL; not owned */
    enum ip_reach limit;  /* see check/net/access.h */

    /* Known when it has been judged. */
    bool ok;
    bool unreached; /* no connection came about: other servers go on to the next address */
    bool unchecked; /* this machine cannot reach it at all */
    enum finding_code error;
    char *version_name; /* printable, NULL where unknown */
    char *version;
    bool keys_judged;
    struct keys keys;

    bool started;
    struct fetch version_fetch;
    struct fetch keys_fetch;
};

/* What all targets of a server name have in common. */
struct target_names {
    const char *server_name;  /* whose keys there must be */
    const char *host_header;  /* as the step has it */
    const char *tls_name;     /* for SNI and the certificate, no brackets */
    const char *connect_hint; /* a remedy where nothing answers, or NULL */
};

/* Asks for the version and the keys, side by side. */
void target_start(struct target *target, const struct environment *environment,
                  const struct target_names *names);

/* True when both are answered. */
bool target_is_done(const struct target *target);

/* Fills what is known by now, and adds one line for the target, or what is wrong with it. */
void target_judge(struct target *target, const struct target_names *names, struct lines *lines,
                  int depth);

void target_clear(struct target *target);

#endif
