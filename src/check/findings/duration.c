#include "check/findings/duration.h"

#include <stddef.h>

#include "base/array.h"
#include "check/net/text.h"

char *duration_text(long long seconds)
{
    static const struct {
        long long length;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}};
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        long long count = seconds / units[i].length;
        /* One of a unit is named only where nothing is lost by it. */
        if (count >= 2 || (count == 1 && seconds == units[i].length)) {
            return text_format("%lld %s%s", count, units[i].name, count == 1 ? "" : "s");
        }
    }
    return text_format("%lld second%s", seconds, seconds == 1 ? "" : "s");
}
