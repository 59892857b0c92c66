#include "daemon/tls/random.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

bool random_works(struct problem *problem)
{
    unsigned char byte;
    int status = gnutls_rnd(GNUTLS_RND_RANDOM, &byte, sizeof(byte));

    return status == 0 || problem_set(problem,
                                      "the system gives no random numbers, so no TLS: %s: allow "
                                      "this process getrandom(2) and restart it",
                                      gnutls_strerror(status));
}
