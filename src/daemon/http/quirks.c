#include "daemon/http/quirks.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* MHD_USE_NO_THREAD_SAFETY, which the header of 0.9 does not have. */
    NO_THREAD_SAFETY = 1 << 19,
};

static atomic_bool old; /* it is 0.9 */

void quirks_detect(void)
{
    old = strtoul(MHD_get_version(), NULL, 10) < 1;
}

unsigned quirks_daemon_flags(void)
{
    /* Without it, MHD_add_connection() of 1.0 would call notify_connection() not before it returns,
       but in the next run. 0.9 does not know it, and has no need of it. */
    return old ? MHD_ALLOW_SUSPEND_RESUME : MHD_ALLOW_SUSPEND_RESUME | NO_THREAD_SAFETY;
}

int quirks_strictness(void)
{
    /* With 1 a blank in a target gets 400 of 1.0, where 0 redirects. Of 0.9 it would do no more
       than take the answer to a missing Host from us, and send its head twice. */
    return old ? 0 : 1;
}

/* 0.9 takes an LF alone for the end of a chunk's line. */
bool quirks_chunks_end_well(void)
{
    return !old;
}

/* 0.9 ends the target at a NUL, finds the version behind the last blank of the line, and passes
   over further blanks; then the three are not next to each other. */
bool quirks_request_line_is_whole(const char *method, const char *url, const char *version,
                                  const char *target_end)
{
    return url && (!old || url == method + strlen(method) + 1) && version == target_end + 1;
}

struct quirks_section quirks_section_begin(const char *version)
{
    return (struct quirks_section){.next_line = version + strlen(version) + 2};
}

/* The colon and each byte of the line's end are NULs by now. 0.9 takes a NUL, a CR or an LF alone
   for the end of a line, passes over fields without a name, and joins folded lines otherwise than
   it should (RFC 9112, section 5.2). */
bool quirks_line_is_whole(struct quirks_section *section, const char *name, const char *value)
{
    const char *after_name = name + strlen(name) + 1;
    const char *expected = section->next_line;

    section->next_line = value + strlen(value) + 2;
    return !old || (name == expected && after_name + strspn(after_name, " \t") == value);
}

bool quirks_section_is_whole(const struct quirks_section *section, struct MHD_Connection *handle,
                             const char *method)
{
    const union MHD_ConnectionInfo *info;

    if (!old) {
        return true;
    }
    info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info && section->next_line + 2 == method + info->header_size;
}
