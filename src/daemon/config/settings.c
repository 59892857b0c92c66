#include "daemon/config/settings.h"

#include <string.h>

#include "base/array.h"
#include "base/spelling.h"

#define IN_CONFIG(member) .record = RECORD_CONFIG, .offset = offsetof(struct config, member)
#define OF_DOMAIN(member) .record = RECORD_DOMAIN, .offset = offsetof(struct domain_config, member)
#define OF_CONTACT(member) .record = RECORD_CONTACT, .offset = offsetof(struct contact, member)

#define GIVEN (ON_COMMAND_LINE | IN_ENVIRONMENT)
#define ANYWHERE (GIVEN | AT_TOP)

/* Homeservers keep a delegation for 48 hours at most, whatever it says (Server-Server API, "Server
   discovery"). */
#define MAX_AGE_LIMIT 172800U

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};

/* In the order of --help, then what stands in files alone. */
/* clang-format off */
static const struct setting settings[] = {
    {"server", 's', ANYWHERE | IN_DOMAIN, SETTING_SERVER, OF_DOMAIN(server),
     .heading = "What to serve",
     .argument = "NAME[:PORT]",
     .help = "where the homeserver is: m.server, for example matrix.example.com:8448 (default: "
             "the file's)"},
    {"client", 'u', ANYWHERE | IN_DOMAIN, SETTING_BASE_URL, OF_DOMAIN(client),
     .argument = "URL",
     .help = "its URL for clients: m.homeserver.base_url (default: no client document)"},
    {"identity_server", 0, ANYWHERE | IN_DOMAIN, SETTING_BASE_URL, OF_DOMAIN(identity_server),
     .argument = "URL",
     .help = "m.identity_server.base_url (default: none)"},
    {"client_extra", 0, ANYWHERE | IN_DOMAIN, SETTING_EXTRA, OF_DOMAIN(client_extra),
     .argument = "FILE",
     .help = "a JSON object to merge into the client document (default: none)"},
    {"policy_server_ed25519", 0, ANYWHERE | IN_DOMAIN, SETTING_ED25519,
     OF_DOMAIN(policy_server_ed25519), .argument = "KEY",
     .help = "the policy server's public key in base64 (default: no such document)"},
    {"redirect", 0, ANYWHERE | IN_DOMAIN, SETTING_REDIRECT, OF_DOMAIN(redirect),
     .argument = "URL",
     .help = "send every other path there (default: none)"},
    {"domain", 'd', GIVEN, SETTING_DOMAIN, IN_CONFIG(domain),
     .argument = "NAME",
     .help = "answer for this host only (default: any host)"},
    {"domains_dir", 0, ANYWHERE, SETTING_PATH, IN_CONFIG(domains_dir),
     .argument = "DIR",
     .help = "read the domain sections of every *.conf there (default: none)"},
    {"max_age", 0, ANYWHERE, SETTING_NUMBER, IN_CONFIG(max_age),
     .argument = "SECONDS", .minimum = 0, .maximum = MAX_AGE_LIMIT,
     .unit = " seconds (homeservers cache for 48 hours at most)",
     .help = "how long others may cache a document, to 172800 (default: 3600)"},

    {"listen", 'l', ANYWHERE, SETTING_ADDRESSES, IN_CONFIG(listen),
     .heading = "Where to listen; ADDRESS is PORT, ADDR:PORT, [ADDR6]:PORT or unix:/path, and\n"
                "port 0 takes a free one",
     .argument = "ADDRESS",
     .help = "HTTPS, repeatable (default: [::]:443, IPv4 too; none where only --listen-http is "
             "given)"},
    {"listen_http", 'p', ANYWHERE, SETTING_ADDRESSES, IN_CONFIG(listen_http),
     .argument = "ADDRESS",
     .help = "plain HTTP, behind a reverse proxy; repeatable (default: none)"},
    {"metrics_listen", 0, ANYWHERE, SETTING_ADDRESSES, IN_CONFIG(metrics_listen),
     .argument = "ADDRESS",
     .help = "Prometheus metrics at /metrics, plain HTTP; repeatable (default: none)"},

    {"certificate", 'C', ANYWHERE, SETTING_PATH, IN_CONFIG(certificate),
     .heading = "Certificates",
     .argument = "FILE",
     .help = "PEM chain, the server's certificate first (default: none)"},
    {"key", 'K', ANYWHERE, SETTING_PATH, IN_CONFIG(key),
     .argument = "FILE",
     .help = "its PEM private key (default: none)"},
    {"self_signed", 0, GIVEN, SETTING_FLAG, IN_CONFIG(self_signed),
     .help = "make a throwaway certificate, for trying out: federation refuses it (default: off)"},

    {"acme_alpn_dir", 0, ANYWHERE, SETTING_PATH, IN_CONFIG(acme_alpn_dir),
     .heading = "Getting certificates, by an ACME client of your choice",
     .argument = "DIR",
     .help = "answer tls-alpn-01 with DIR/NAME.crt.pem and NAME.key.pem; start without a "
             "certificate (default: none)"},
    {"acme_webroot", 0, ANYWHERE, SETTING_PATH, IN_CONFIG(acme_webroot),
     .argument = "DIR",
     .help = "answer http-01 on plain HTTP with what is in DIR/.well-known/acme-challenge; "
             "likewise (default: none)"},
    {"http_redirect", 0, ANYWHERE, SETTING_FLAG, IN_CONFIG(http_redirect),
     .help = "send all else on plain HTTP to https:// (default: off)"},

    {"max_connections", 0, ANYWHERE, SETTING_NUMBER, IN_CONFIG(max_connections),
     .heading = "Limits",
     .argument = "N", .minimum = 1, .maximum = 1000000, .unit = "",
     .help = "connections that are open at the same time (default: 1024)"},
    {"max_connections_per_ip", 0, ANYWHERE, SETTING_NUMBER, IN_CONFIG(max_connections_per_ip),
     .argument = "N", .minimum = 1, .maximum = 1000000, .unit = "",
     .help = "of them from one address, over HTTPS (default: 64)"},
    {"request_timeout", 0, ANYWHERE, SETTING_NUMBER, IN_CONFIG(request_timeout),
     .argument = "SECONDS", .minimum = 1, .maximum = 3600, .unit = " seconds",
     .help = "from accepting a connection to the end of its request's headers (default: 10)"},
    {"keepalive_timeout", 0, ANYWHERE, SETTING_NUMBER, IN_CONFIG(keepalive_timeout),
     .argument = "SECONDS", .minimum = 1, .maximum = 3600, .unit = " seconds",
     .help = "until the next request on an open connection (default: 5)"},
    {"threads", 0, ANYWHERE, SETTING_NUMBER, IN_CONFIG(threads),
     .argument = "N", .minimum = 0, .maximum = 256,
     .unit = ", where 0 is the number of CPUs, at most 4",
     .help = "threads that serve; 0 is the number of CPUs that may be used, at most 4 (default: "
             "0)"},

    {"config", 'c', GIVEN, SETTING_TEXT, IN_CONFIG(config),
     .heading = "Running",
     .argument = "FILE",
     .help = "configuration file (default, without --server: " OPTIONS_DEFAULT_CONFIG ")"},
    {"access_log", 0, ANYWHERE, SETTING_FLAG, IN_CONFIG(access_log),
     .help = "write one line for each request (default: off)"},
    {"log_level", 0, ANYWHERE, SETTING_WORD, IN_CONFIG(log_level),
     .argument = "LEVEL", .unit = "a log level", .words = log_levels,
     .help = "error, warning, info or debug (default: info)"},
    {"log_format", 0, ANYWHERE, SETTING_WORD, IN_CONFIG(log_format),
     .argument = "FORMAT", .unit = "a log format", .words = formats,
     .help = "text or json (default: text)"},
    {"user", 0, ANYWHERE, SETTING_TEXT, IN_CONFIG(user),
     .argument = "NAME",
     .help = "started as root: bind, then become NAME (default: stay)"},

    {"test", 't', ON_COMMAND_LINE, SETTING_COMMAND,
     .heading = "Instead of running",
     .help = "read everything, say what would be served; exit"},
    {"format", 0, ON_COMMAND_LINE, SETTING_WORD, IN_CONFIG(format),
     .argument = "FORMAT", .unit = "a format", .words = formats,
     .help = "of --test: text or json (default: text)"},
    {"print", 0, ON_COMMAND_LINE, SETTING_COMMAND,
     .argument = "DOCUMENT",
     .help = "print server, client, support or policy_server, of --domain or the only domain, "
             "and exit"},
    {"health_check", 0, ON_COMMAND_LINE, SETTING_COMMAND,
     .help = "ask the running daemon: exit 0 where it answers"},
    {"acme_challenge", 0, ON_COMMAND_LINE, SETTING_COMMAND,
     .argument = "NAME KEY_AUTHORIZATION",
     .help = "write a certificate for tls-alpn-01 into the directory of challenges, and exit"},
    {"version", 'V', ON_COMMAND_LINE, SETTING_COMMAND,
     .help = "print the version and exit"},
    {"help", 'h', ON_COMMAND_LINE, SETTING_COMMAND,
     .help = "print this and exit"},

    {"domain", 0, AT_TOP, SETTING_SECTION, .record = RECORD_NONE},
    {"support", 0, AT_TOP | IN_DOMAIN, SETTING_SECTION, .record = RECORD_DOMAIN},
    {"certificate", 0, IN_DOMAIN, SETTING_PATH, OF_DOMAIN(certificate)},
    {"key", 0, IN_DOMAIN, SETTING_PATH, OF_DOMAIN(key)},
    {"page", 0, IN_SUPPORT, SETTING_PAGE, OF_DOMAIN(support_page)},
    {"contact", 0, IN_SUPPORT, SETTING_SECTION, .record = RECORD_NONE},
    {"role", 0, IN_CONTACT, SETTING_TEXT, OF_CONTACT(role)},
    {"matrix_id", 0, IN_CONTACT, SETTING_TEXT, OF_CONTACT(matrix_id)},
    {"email_address", 0, IN_CONTACT, SETTING_TEXT, OF_CONTACT(email_address)},
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(settings) <= SETTING_LIMIT, "raise SETTING_LIMIT");

const struct setting *setting_at(size_t i)
{
    return i < ARRAY_SIZE(settings) ? &settings[i] : NULL;
}

size_t setting_index(const struct setting *setting)
{
    return (size_t)(setting - settings);
}

size_t setting_domain_index(const struct setting *setting)
{
    size_t index = 0;

    for (const struct setting *earlier = settings; earlier < setting; earlier++) {
        index += (earlier->where & IN_DOMAIN) != 0;
    }
    return index;
}

const struct setting *setting_find(enum setting_place place, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        if ((settings[i].where & place) && strcmp(settings[i].name, name) == 0) {
            return &settings[i];
        }
    }
    return NULL;
}

/* --- Origins --- */

/* The setting that is kept at `offset` of `record` and may stand at `place`. */
static const struct setting *setting_of(enum setting_record record, size_t offset,
                                        enum setting_place place)
{
    const struct setting *setting = NULL;

    for (size_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        if (setting->record == record && setting->offset == offset && (setting->where & place)) {
            break;
        }
    }
    return setting;
}

const struct origin *config_origin(const struct config *config, const void *member)
{
    size_t offset = (size_t)((const char *)member - (const char *)config);
    const struct setting *setting = setting_of(RECORD_CONFIG, offset, ON_COMMAND_LINE);
    static const struct origin none = {SOURCE_DEFAULT, NULL, NULL, 0};

    return setting ? &config->origins[setting_index(setting)] : &none;
}

struct origin config_domain_origin(const struct config *config, const struct domain_config *domain,
                                   const void *member)
{
    size_t offset = (size_t)((const char *)member - (const char *)domain);
    const struct setting *setting = setting_of(RECORD_DOMAIN, offset, IN_DOMAIN);
    unsigned line = setting ? domain->lines[setting_domain_index(setting)] : 0;

    if (!setting) {
        return domain->origin;
    }
    if (line > 0) {
        return (struct origin){SOURCE_FILE, NULL, domain->origin.file, line};
    }
    setting = setting_find(ON_COMMAND_LINE, setting->name);
    return config->origins[setting_index(setting)];
}

/* --- Unknown names --- */

/* Where the settings of a level stand, in words. */
static const char *place_of(unsigned level)
{
    return level & AT_TOP       ? "outside of sections"
           : level & IN_DOMAIN  ? "in a domain section"
           : level & IN_SUPPORT ? "in a support section"
                                : "in a contact section";
}

static const char *nearest_name(enum setting_place level, const char *name)
{
    const char *nearest = NULL;
    unsigned least = SPELLING_FAR;

    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        unsigned distance =
            (settings[i].where & level) ? spelling_distance(name, settings[i].name) : SPELLING_FAR;

        if (distance < least) {
            least = distance;
            nearest = settings[i].name;
        }
    }
    return nearest;
}

bool setting_refuse(enum setting_place level, const char *name, struct problem *problem)
{
    static const unsigned levels[] = {AT_TOP, IN_DOMAIN, IN_SUPPORT, IN_CONTACT};
    struct excerpt shown = problem_excerpt(name);
    const char *nearest = nearest_name(level, name);
    char list[512] = "";
    size_t used = 0;

    if (*name == ';') {
        return problem_set(problem, "a semicolon: remove it, a value ends where its line does");
    }
    if (nearest) {
        return problem_set(problem, "\"%s\" is unknown %s: did you mean \"%s\"?", shown.text,
                           place_of(level), nearest);
    }
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        if (setting_find(levels[i], name)) {
            return problem_set(problem, "\"%s\" has no place %s: it stands %s", shown.text,
                               place_of(level), place_of(levels[i]));
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(settings) && used < sizeof(list); i++) {
        if (settings[i].where & level) {
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
                                     used == 0 ? "" : ", ", settings[i].name);
        }
    }
    return problem_set(problem, "\"%s\" is unknown %s: there are %s", shown.text, place_of(level),
                       list);
}

/* --- The help --- */

enum {
    HELP_COLUMN = 30, /* where the explanations begin */
    HELP_WIDTH = 80,
};

/* Writes the words of `text` from HELP_COLUMN on, on as many lines as they take; `column` is where
   the line that has begun ends. */
static void print_explanation(FILE *stream, const char *text, int column)
{
    if (column >= HELP_COLUMN - 1) {
        fputc('\n', stream);
        column = 0;
    }
    fprintf(stream, "%*s", HELP_COLUMN - column, "");
    column = HELP_COLUMN;
    while (*text != '\0') {
        /* "(default: x" stays together. */
        size_t start = strncmp(text, "(default: ", 10) == 0 ? 10 : 0;
        int length = (int)(start + strcspn(text + start, " "));

        if (column > HELP_COLUMN && column + 1 + length > HELP_WIDTH) {
            fprintf(stream, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            fputc(' ', stream);
            column++;
        }
        fprintf(stream, "%.*s", length, text);
        column += length;
        text += length + (text[length] == ' ');
    }
    fputc('\n', stream);
}

void settings_print_help(FILE *stream)
{
    fputs("Usage: matrix-wellknownd [--config FILE]\n"
          "       matrix-wellknownd --server NAME[:PORT] --certificate FILE --key FILE\n"
          "Serve the well-known documents by which Matrix finds the server of a domain.\n",
          stream);
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        const struct setting *setting = &settings[i];
        char name[SETTING_NAME_SIZE], letter[] = "    ";
        int column;

        if (!(setting->where & ON_COMMAND_LINE)) {
            continue;
        }
        if (setting->heading) {
            fprintf(stream, "\n%s:\n", setting->heading);
        }
        if (setting->letter) {
            snprintf(letter, sizeof(letter), "-%c, ", setting->letter);
        }
        column = fprintf(stream, "  %s%s%s%s", letter, setting_option(setting->name, name),
                         setting->argument ? " " : "", setting->argument ? setting->argument : "");
        print_explanation(stream, setting->help, column);
    }
    fputs("\n"
          "Options that take part in running have an environment variable: --listen-http is\n"
          "MATRIX_WELLKNOWND_LISTEN_HTTP. The command line wins over the environment, the\n"
          "environment over the file. Lists in variables are separated by commas.\n"
          "\n"
          "Manual pages: matrix-wellknownd(8), matrix-wellknownd.conf(5).\n",
          stream);
}
