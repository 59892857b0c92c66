/* What web clients find: /.well-known/matrix/client and the API it names (Client-Server API,
   "Well-known URIs"). */
#ifndef CHECK_DISCOVERY_CLIENT_H
#define CHECK_DISCOVERY_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "check/findings/findings.h"
#include "check/net/follow.h"

struct client {
    bool tried;
    const struct network *network;
    struct follow document;
    bool document_read;
    char *base_url; /* as it came; NULL where there is none that can be used */
    json_t *body;   /* the document, or NULL */
    char *body_error;
    bool versions_started;
    struct follow versions_follow;

    /* Known when it has been diagnosed. */
    bool ok;
    bool cors; /* browsers let web clients read the document */
    enum finding_code error;
    char *shown_url;  /* printable base_url, valid or not; NULL where absent */
    json_t *versions; /* array of strings, or NULL */
};

/* Looks for the document at the host's addresses, one after the other. */
void client_start(struct client *client, const struct network *network, const char *hostname,
                  const struct host_lookup *addresses);

/* Advances; true when it is done, or was never started. */
bool client_advance(struct client *client);

/* Adds nothing where it was never started. */
void client_diagnose(struct client *client, const char *hostname, struct branch at);

void client_clear(struct client *client);

#endif
