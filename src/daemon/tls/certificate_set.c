#include "daemon/tls/certificate_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"

/* Puts a certificate into the set, or frees it where memory ran out and nobody else holds it. */
static struct certificate *set_insert(struct certificate_set *set, struct certificate *certificate)
{
    struct certificate **items = array_grow(set->items, set->count, sizeof(*items));

    set->items = items ? items : set->items;
    if (!items || !map_set(&set->by_id, certificate->id, certificate)) {
        if (certificate->references == 0) {
            certificate_free(certificate);
        }
        return NULL;
    }
    items[set->count++] = certificate;
    certificate->references++;
    return certificate;
}

static struct certificate *set_find(const struct certificate_set *set, const char *id)
{
    return map_get(&set->by_id, id, strlen(id));
}

struct certificate *certificate_set_add(struct certificate_set *set,
                                        const struct certificate_set *previous,
                                        const char *certificate_path, const char *key_path)
{
    char *id = certificate_id(certificate_path, key_path);
    struct certificate *certificate = id ? set_find(set, id) : NULL;

    if (!id || certificate) {
        free(id);
        return certificate;
    }
    certificate = previous ? set_find(previous, id) : NULL;
    if (certificate) {
        free(id);
        return set_insert(set, certificate);
    }
    certificate = certificate_new(id, certificate_path, key_path);
    if (!certificate) {
        return NULL;
    }
    if ((set->read_all || set->read < CERTIFICATES_AT_ONCE) &&
        certificate_load(certificate, true)) {
        set->read++;
    }
    return set_insert(set, certificate);
}

struct certificate *certificate_set_add_self_signed(struct certificate_set *set,
                                                    const struct certificate_set *previous,
                                                    const char *const *names, size_t count)
{
    struct certificate *certificate = previous ? set_find(previous, "") : NULL;

    certificate = certificate ? certificate : certificate_new_self_signed(names, count);
    return certificate ? set_insert(set, certificate) : NULL;
}

bool certificate_set_check(struct certificate_set *set, uint64_t budget)
{
    uint64_t end = monotonic_milliseconds() + budget;

    while (set->next_check < set->count) {
        struct certificate *certificate = set->items[set->next_check++];

        if (!certificate->checked) {
            certificate_load(certificate, false);
            if (monotonic_milliseconds() >= end) {
                break;
            }
        }
    }
    return set->next_check < set->count;
}

struct credentials *certificate_set_trim(struct certificate_set *set, time_t now)
{
    struct credentials *retired = NULL;

    for (size_t i = 0; set->count > CERTIFICATES_AT_ONCE && i < set->count; i++) {
        struct certificate *certificate = set->items[i];

        if (now - atomic_load(&certificate->last_used) > CERTIFICATE_IDLE) {
            struct credentials *credentials = certificate_forget(certificate);

            if (credentials) {
                credentials->next_retired = retired;
                retired = credentials;
            }
        }
    }
    return retired;
}

void certificate_set_warn(struct certificate_set *set, time_t now)
{
    for (size_t i = 0; i < set->count; i++) {
        certificate_warn(set->items[i], now);
    }
}

void certificate_set_clear(struct certificate_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (--set->items[i]->references == 0) {
            certificate_free(set->items[i]);
        }
    }
    free(set->items);
    map_clear(&set->by_id);
    *set = (struct certificate_set){0};
}
