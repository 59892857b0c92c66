/* The https and http URLs that well-known documents carry (RFC 3986, as far as Matrix needs it). */
#ifndef MATRIX_URL_H
#define MATRIX_URL_H

#include <stdbool.h>

#include "base/problem.h"

/* Checks that `text` is an absolute http:// or https:// URL with a host by the server-name grammar
   (port 1 to 65535), a path or none, and neither user part, query nor fragment: what
   m.homeserver.base_url and m.identity_server.base_url may be (Client-Server API, "Well-known
   URIs"). A redirect's target and support page may carry a query: set `query_allowed`.
   Control characters, spaces, non-ASCII characters, quotes, "<>\^`{|}" and broken %-escapes are
   refused. On failure `problem` says what would be right. */
bool url_check(const char *text, bool query_allowed, struct problem *problem);

/* True where the URL's scheme is https. `text` has passed url_check. */
bool url_is_https(const char *text);

#endif
