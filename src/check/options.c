#include "check/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "check/net/limits.h"
#include "check/net/resolver.h"

enum {
    OPTION_JSON = 256,
    OPTION_DNS,
    OPTION_CA,
    OPTION_RESOLVE,
    OPTION_TIMEOUT,
    OPTION_NO_CLIENT,
    OPTION_COLOR,
};

const char options_help[] =
    "Usage: matrix-delegation-check [OPTION]... SERVER_NAME...\n"
    "Find out whether other Matrix servers reach the homeserver of SERVER_NAME, and\n"
    "what to change where they do not.\n"
    "\n"
    "      --json                     one JSON object a server name, for scripts\n"
    "      --dns ADDR[:PORT]          ask this DNS server; may be repeated\n"
    "      --ca FILE                  trust the CAs in FILE (PEM) instead of the system's\n"
    "      --resolve HOST:ADDR        take ADDR for HOST, in place of DNS; may be repeated\n"
    "  -4, -6                         use IPv4 only, use IPv6 only\n"
    "      --timeout SECONDS          for each network step (10)\n"
    "      --no-client                leave client discovery out\n"
    "      --color auto|always|never  colours (auto: on a terminal)\n"
    "  -q, --quiet                    the verdicts alone\n"
    "  -V, --version                  print the version\n"
    "  -h, --help                     print this\n"
    "\n"
    "Exit status: 0 federation works for every name, 1 it does not for some name,\n"
    "2 wrong usage, 3 it could not be found out.\n";

static const struct option long_options[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"dns", required_argument, NULL, OPTION_DNS},
    {"ca", required_argument, NULL, OPTION_CA},
    {"resolve", required_argument, NULL, OPTION_RESOLVE},
    {"ipv4", no_argument, NULL, '4'},
    {"ipv6", no_argument, NULL, '6'},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"no-client", no_argument, NULL, OPTION_NO_CLIENT},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"quiet", no_argument, NULL, 'q'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool read_timeout(struct options *options, const char *text, struct problem *problem)
{
    char *end = NULL;
    long seconds = strtol(text, &end, 10);
    if (end == text || *end != '\0' || seconds < 1 || seconds > TIMEOUT_LIMIT) {
        return problem_set_usage(problem, "--timeout %s: write whole seconds, from 1 to %d", text,
                                 TIMEOUT_LIMIT);
    }
    options->timeout = (int)seconds;
    return true;
}

static bool read_color(struct options *options, const char *text, struct problem *problem)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            options->color = (enum color)i;
            return true;
        }
    }
    return problem_set_usage(problem, "--color %s: write auto, always or never", text);
}

static bool read_family(struct options *options, int family, struct problem *problem)
{
    if (options->family != AF_UNSPEC && options->family != family) {
        return problem_set_usage(problem, "-4 and -6 leave nothing together: give one, or none for "
                                          "both families");
    }
    options->family = family;
    return true;
}

static bool take_option(struct options *options, int option, char *value, struct problem *problem)
{
    switch (option) {
    case OPTION_JSON:
        options->json = true;
        return true;
    case OPTION_DNS:
        options->dns[options->dns_count++] = value;
        return resolver_check_server(value, problem);
    case OPTION_CA:
        options->ca = value;
        return true;
    case OPTION_RESOLVE:
        options->resolve[options->resolve_count++] = value;
        return true;
    case '4':
        return read_family(options, AF_INET, problem);
    case '6':
        return read_family(options, AF_INET6, problem);
    case OPTION_TIMEOUT:
        return read_timeout(options, value, problem);
    case OPTION_NO_CLIENT:
        options->check_client = false;
        return true;
    case OPTION_COLOR:
        return read_color(options, value, problem);
    case 'q':
        options->quiet = true;
        return true;
    case 'V':
        options->command = COMMAND_VERSION;
        return true;
    case 'h':
        options->command = COMMAND_HELP;
        return true;
    default:
        return false;
    }
}

static bool refuse_option(int option, char **argv, struct problem *problem)
{
    const char *given = argv[optind - 1];
    if (option == ':') {
        return problem_set_usage(problem, "%s needs a value: see --help", given);
    }
    if (optopt != 0 && optopt < 256) {
        return problem_set_usage(problem, "there is no option -%c: see --help", optopt);
    }
    return problem_set_usage(problem, "there is no option %s: see --help",
                             problem_excerpt(given).text);
}

bool options_parse(struct options *options, int argc, char **argv, struct problem *problem)
{
    *options =
        (struct options){.check_client = true, .family = AF_UNSPEC, .timeout = TIMEOUT_DEFAULT};
    options->dns = calloc((size_t)argc + 1, sizeof(*options->dns));
    options->resolve = calloc((size_t)argc + 1, sizeof(*options->resolve));
    if (!options->dns || !options->resolve) {
        return problem_out_of_memory(problem);
    }
    optind = 0;
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":46qVh", long_options, NULL)) != -1) {
        if (option == '?' || option == ':') {
            return refuse_option(option, argv, problem);
        }
        if (!take_option(options, option, optarg, problem)) {
            return false;
        }
        if (options->command != COMMAND_CHECK) {
            return true;
        }
    }
    options->names = argv + optind;
    options->name_count = (size_t)(argc - optind);
    if (options->name_count == 0) {
        return problem_set_usage(problem, "there is no server name: give one, for example "
                                          "matrix-delegation-check example.com");
    }
    return true;
}

void options_clear(struct options *options)
{
    free(options->dns);
    free(options->resolve);
    memset(options, 0, sizeof(*options));
}
