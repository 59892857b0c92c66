/* What clients and people find: /.well-known/matrix/client and /.well-known/matrix/support
   (Client-Server API, "Well-known URIs"). */
#ifndef CHECK_DISCOVERY_CLIENT_H
#define CHECK_DISCOVERY_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "check/environment.h"
#include "check/finding.h"
#include "check/net/follow.h"

struct client {
    bool tried;
    const struct environment *environment;
    struct follow document;
    bool document_read;
    char *base_url; /* as it came; NULL where there is none that can be used */
    char *identity_server;
    json_t *body; /* the document, or NULL */
    char *body_error;
    bool versions_started;
    struct follow versions_follow;

    /* Known when it has been judged. */
    bool ok;
    bool cors; /* a browser is shown the document */
    enum finding_code error;
    char *shown_url;  /* printable base_url, whatever it was; NULL where absent */
    json_t *versions; /* array of strings, or NULL */
};

/* Looks for the document at the host's addresses, one after the other. */
void client_start(struct client *client, const struct environment *environment,
                  const char *hostname, const struct host_lookup *addresses);

/* Goes on as far as it can; true when it is done, or was never started. */
bool client_advance(struct client *client);

void client_judge(struct client *client, const char *hostname, struct lines *lines, int depth);

void client_clear(struct client *client);

struct support {
    bool tried;
    struct follow document;

    /* Known when it has been judged. */
    bool found;
    bool ok;
};

void support_start(struct support *support, const struct environment *environment,
                   const char *hostname, const struct host_lookup *addresses);
bool support_advance(struct support *support);

/* Adds nothing where there is no such document: it is optional. */
void support_judge(struct support *support, struct lines *lines, int depth);

void support_clear(struct support *support);

#endif
