/* The access policy holds at the socket: a server listens on this machine, and nothing reaches it.
 */
#include "check/net/fetch.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "unit.h"

static const struct access_policy person = {.public_only = false};
static const struct access_policy anybody = {.public_only = true};

static int listen_on_loopback(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

/* Fetches from the listener; *reached says whether a connection arrived there. */
static enum fetch_outcome fetch_from(const char *text, const struct access_policy *policy,
                                     enum ip_reach limit, bool *reached)
{
    int port = 0;
    int listener = listen_on_loopback(&port);
    gnutls_x509_trust_list_t trust = NULL;
    struct problem problem;
    assert_int_equal(gnutls_x509_trust_list_init(&trust, 0), 0);
    struct fetcher *fetcher = fetcher_create(trust, 1, &problem);
    assert_non_null(fetcher);
    struct fetch fetch = {0};
    struct fetch_request request = {
        .url = "http://attacker.example/",
        .port = port,
        .limit = limit,
        .policy = policy,
        .tls_name = "attacker.example",
    };
    assert_true(ip_address_parse(text, strlen(text), &request.address));
    fetch_start(fetcher, &fetch, &request);
    while (fetch.outcome == FETCH_PENDING) {
        fetcher_wait(fetcher, NULL, 0, 100);
        fetcher_process(fetcher);
    }
    struct pollfd arrival = {.fd = listener, .events = POLLIN};
    *reached = poll(&arrival, 1, 0) == 1;
    enum fetch_outcome outcome = fetch.outcome;
    fetch_clear(&fetch);
    fetcher_free(fetcher);
    gnutls_x509_trust_list_deinit(trust, 1);
    close(listener);
    return outcome;
}

static void assert_forbidden(const char *text, const struct access_policy *policy,
                             enum ip_reach limit)
{
    bool reached = true;
    assert_int_equal(fetch_from(text, policy, limit, &reached), FETCH_FORBIDDEN);
    assert_false(reached);
}

static void test_what_names_and_redirects_lead_to_never_reaches_loopback(void **state)
{
    (void)state;
    static const char *const spellings[] = {"127.0.0.1", "127.0.0.2", "0.0.0.0",
                                            "::ffff:127.0.0.1"};
    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
        assert_forbidden(spellings[i], &person, IP_PUBLIC);
        assert_forbidden(spellings[i], &person, ACCESS_BY_NAME);
    }
}

static void test_a_check_that_anybody_may_start_never_does(void **state)
{
    (void)state;
    assert_forbidden("127.0.0.1", &anybody, ACCESS_BY_HAND);
    assert_forbidden("::ffff:127.0.0.1", &anybody, ACCESS_BY_HAND);
    assert_forbidden("10.0.0.1", &anybody, ACCESS_BY_HAND);
}

static void test_an_address_from_the_command_line_is_asked(void **state)
{
    (void)state;
    bool reached = false;
    /* The listener accepts the connection, and answers nothing. */
    assert_int_equal(fetch_from("127.0.0.1", &person, ACCESS_BY_HAND, &reached),
                     FETCH_ANSWER_TIMEOUT);
    assert_true(reached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_names_and_redirects_lead_to_never_reaches_loopback),
        cmocka_unit_test(test_a_check_that_anybody_may_start_never_does),
        cmocka_unit_test(test_an_address_from_the_command_line_is_asked),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
