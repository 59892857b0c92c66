/* What differs between the versions of libmicrohttpd. 0.9.75 (Debian 12) and 1.0.1 (Debian 13) have
   one soname, so this is decided by the library that the program runs with, never by the header
   that it was built with. Version 0.9 lets through much that RFC 9112 forbids; the checks that make
   up for it stand here, and pass everything where 1.0 has refused it already. One fault is left:
   0.9 sends the head of its 400 to a malformed Content-Length twice. It does so before any callback
   of ours, and then closes the connection. */
#ifndef DAEMON_HTTP_QUIRKS_H
#define DAEMON_HTTP_QUIRKS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/* Looks which version it is. Before anything else here. */
void quirks_detect(void);

/* What MHD_start_daemon has to be told for daemons that one thread runs, besides other flags. */
unsigned quirks_daemon_flags(void);

/* The value of MHD_OPTION_STRICT_FOR_CLIENT. */
int quirks_strictness(void);

/* Whether the request line was a method, a blank, a target, a blank and a version. `target_end` is
   where the raw target ended; all point into the connection's memory. */
bool quirks_request_line_is_whole(const char *method, const char *url, const char *version,
                                  const char *target_end);

/* Whether the end of a chunked body can be trusted (RFC 9112, section 7.1). Where not, what
   follows is no request for sure: to a proxy before us it may be a part of the body. */
bool quirks_chunks_end_well(void);

/* Follows the lines of a header section. */
struct quirks_section {
    const char *next_line; /* where the line after those that were looked at has to begin */
};

struct quirks_section quirks_section_begin(const char *version);

/* Whether the next field stands where the line before it ended, as a name, a colon, blanks and a
   value. */
bool quirks_line_is_whole(struct quirks_section *section, const char *name, const char *value);

/* Whether the empty line after the last field is where the section ends. */
bool quirks_section_is_whole(const struct quirks_section *section, struct MHD_Connection *handle,
                             const char *method);

#endif
