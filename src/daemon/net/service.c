#include "daemon/net/service.h"

#include <unistd.h>

#include "base/clock.h"

bool service_may_log(struct service *service, enum service_limit limit)
{
    int64_t now = (int64_t)(monotonic_milliseconds() / 1000);
    int64_t last = atomic_load(&service->limit_logged[limit]);

    return (last == 0 || now - last >= 60) &&
           atomic_compare_exchange_strong(&service->limit_logged[limit], &last, now);
}

void service_wake(const struct service *service, unsigned worker)
{
    uint64_t one = 1;

    /* Fails only where it is about to wake up anyway. */
    if (write(service->wake_ups[worker], &one, sizeof(one)) < 0) {
        return;
    }
}
