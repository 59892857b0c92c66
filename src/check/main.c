/* matrix-delegation-check: what another homeserver would see of a server name. */
#include <ares.h>
#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "check/check.h"
#include "check/options.h"
#include "config.h"

static int complain(const struct problem *problem)
{
    fprintf(stderr, "matrix-delegation-check: %s\n", problem->text);
    return problem->status;
}

/* A hostile domain has many addresses, and each is a socket: the default limit of 1,024 is soon
   reached. Where it cannot be raised, connections fail, and the report says so. */
static void raise_socket_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int run(const struct options *options)
{
    struct problem problem = {.status = PROBLEM_FAILURE};
    if (options->command == COMMAND_HELP) {
        fputs(options_help, stdout);
        return EXIT_SUCCESS;
    }
    if (options->command == COMMAND_VERSION) {
        puts("matrix-delegation-check " PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    raise_socket_limit();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        problem_set(&problem,
                    "libcurl or c-ares cannot start: check that they are installed whole");
        return complain(&problem);
    }
    int status = check_run(options, stdout, &problem);
    ares_library_cleanup();
    curl_global_cleanup();
    return status < 0 ? complain(&problem) : status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct problem problem = {.status = PROBLEM_FAILURE};
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    int status = options_parse(&options, argc, argv, &problem) ? run(&options) : complain(&problem);
    options_clear(&options);
    return status;
}
