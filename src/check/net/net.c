#include "check/net/net.h"

enum {
    SOCKET_LIMIT = 16, /* of c-ares, at a time */
};

bool network_open(struct network *network, const struct network_settings *settings,
                  struct problem *problem)
{
    network->resolver = resolver_create(settings->dns, settings->dns_count, settings->family,
                                        settings->timeout, problem);
    if (!network->resolver) {
        return false;
    }
    for (size_t i = 0; i < settings->resolve_count; i++) {
        if (!resolver_add_override(network->resolver, settings->resolve[i], problem)) {
            return false;
        }
    }
    network->trust = certificate_load_trust(settings->ca, problem);
    if (!network->trust) {
        return false;
    }
    network->fetcher = fetcher_create(network->trust, settings->timeout, problem);
    return network->fetcher != NULL;
}

void network_close(struct network *network)
{
    fetcher_free(network->fetcher);
    resolver_free(network->resolver);
    if (network->trust) {
        gnutls_x509_trust_list_deinit(network->trust, 1);
    }
    *network = (struct network){0};
}

bool network_process(struct network *network)
{
    return fetcher_process(network->fetcher);
}

void network_wait(struct network *network, int milliseconds)
{
    struct curl_waitfd fds[SOCKET_LIMIT];
    size_t count = resolver_wait_for(network->resolver, fds, SOCKET_LIMIT, &milliseconds);
    fetcher_wait(network->fetcher, fds, count, milliseconds);
    resolver_process(network->resolver, fds, count);
    fetcher_process(network->fetcher);
}
