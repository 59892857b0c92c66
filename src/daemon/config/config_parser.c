#include "daemon/config/config_parser.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reserve.h"
#include "daemon/config/config_data.h"
#include "daemon/config/config_key.h"
#include "daemon/config/config_text.h"
#include "daemon/config/setting.h"

/* The files being read into one config. */
struct config_parser {
    struct config *config;
    struct problem *problem;
    bool failed;    /* `problem` is set */
    cfg_t *context; /* libConfuse's, kept from file to file; NULL before the first */
    const char *file;
    struct config_text text;
    size_t sections_closed; /* in this file, by which text.section_lines are found */
    bool domains_only;      /* this is a file of domains_dir */

    /* What the sections that are open have given so far; libConfuse opens one of each level at
       most. `support` lends its members support_page and contacts only. */
    struct domain_config delegation; /* of the top level */
    struct domain_config domain;
    struct domain_config support;
    struct contact contact;

    /* The line at which each key of the open section of a level was given, or 0. */
    unsigned lines[CONFIG_LEVEL_COUNT][CONFIG_KEY_LIMIT];
};

/* libConfuse's callbacks have no argument of ours. */
static struct config_parser *active;

static enum config_level level_of(cfg_t *section)
{
    const char *name = cfg_name(section);

    return strcmp(name, "domain") == 0    ? CONFIG_LEVEL_DOMAIN
           : strcmp(name, "support") == 0 ? CONFIG_LEVEL_SUPPORT
           : strcmp(name, "contact") == 0 ? CONFIG_LEVEL_CONTACT
                                          : CONFIG_LEVEL_TOP;
}

static void *record_of(struct config_parser *parser, enum config_level level,
                       enum config_record record)
{
    switch (record) {
    case CONFIG_RECORD_DELEGATION:
        return level == CONFIG_LEVEL_DOMAIN ? &parser->domain : &parser->delegation;
    case CONFIG_RECORD_SUPPORT:
        return &parser->support;
    case CONFIG_RECORD_CONTACT:
        return &parser->contact;
    case CONFIG_RECORD_CONFIG:
        break;
    }
    return parser->config;
}

/* Puts the place in front of the problem. Returns what libConfuse's callbacks return to stop it. */
static int stop_at(struct config_parser *parser, unsigned line)
{
    struct origin origin = {parser->file, line};

    parser->failed = true;
    config_blame(&origin, parser->problem);
    return -1;
}

/* --- Values --- */

/* The line at which the key was given in the section that is open, or 0. */
static unsigned *line_of(struct config_parser *parser, enum config_level level,
                         const struct config_key *key)
{
    size_t count;

    return &parser->lines[level][key - config_keys(level, &count)];
}

/* Makes sure that the key stands once in its section. A list in braces comes value by value, and
   `first` is false from the second on. */
static bool check_once(struct config_parser *parser, enum config_level level,
                       const struct config_key *key, bool first, unsigned line)
{
    unsigned *earlier = line_of(parser, level, key);

    if (*earlier != 0 && first) {
        return problem_set(parser->problem, "\"%s\" is given twice, first on line %u: keep one",
                           key->name, *earlier);
    }
    if (*earlier == 0) {
        *earlier = line;
    }
    return true;
}

static void note_origin(struct config_parser *parser, const struct config_key *key,
                        enum config_level level, const struct origin *origin)
{
    struct config *config = parser->config;

    if (level != CONFIG_LEVEL_TOP) {
        return;
    }
    if (key->record == CONFIG_RECORD_DELEGATION && parser->delegation.origin.file == NULL) {
        parser->delegation.origin = *origin;
    } else if (strcmp(key->name, "certificate") == 0) {
        config->certificate_origin = *origin;
    } else if (strcmp(key->name, "key") == 0) {
        config->key_origin = *origin;
    } else if (strcmp(key->name, "domains_dir") == 0) {
        config->domains_dir_origin = *origin;
    }
}

/* libConfuse's parse callback for every key that is no section. */
static int take_value(cfg_t *section, cfg_opt_t *option, const char *value, void *result)
{
    struct config_parser *parser = active;
    enum config_level level = level_of(section);
    const struct config_key *key = config_key_find(level, cfg_opt_name(option));
    struct origin origin = {parser->file, (unsigned)section->line};

    *(void **)result = NULL;
    if (!check_once(parser, level, key, cfg_opt_size(option) <= 1, origin.line)) {
        return stop_at(parser, origin.line);
    }
    if (!config_key_set(key, parser->config, record_of(parser, level, key->record), value, &origin,
                        parser->problem)) {
        /* What is said of a server name names m.server itself. */
        if (strstr(parser->problem->text, "m.server") == NULL) {
            problem_prefix(parser->problem, "%s: ", key->name);
        }
        return stop_at(parser, origin.line);
    }
    note_origin(parser, key, level, &origin);
    return 0;
}

/* --- Sections --- */

/* The line at which the section that ends now began. */
static unsigned close_section(struct config_parser *parser, enum config_level level)
{
    size_t closed = parser->sections_closed++;

    memset(parser->lines[level], 0, sizeof(parser->lines[level]));
    /* Another version of libConfuse may disagree with config_text.c about what a section is. */
    return closed < parser->text.section_count ? parser->text.section_lines[closed] : 0;
}

/* Takes the contact, of which all keys are known now, over into its support section. */
static int take_contact(cfg_t *section, cfg_opt_t *option)
{
    struct config_parser *parser = active;
    struct domain_config *support = &parser->support;
    unsigned line = close_section(parser, CONFIG_LEVEL_CONTACT);
    struct contact *contacts;

    (void)section;
    cfg_opt_rmnsec(option, 0);
    if (!document_check_contact(&parser->contact, parser->problem)) {
        return stop_at(parser, line);
    }
    contacts = reallocarray(support->contacts, support->contact_count + 1, sizeof(*contacts));
    if (contacts == NULL) {
        problem_set(parser->problem, "out of memory");
        return stop_at(parser, line);
    }
    support->contacts = contacts;
    contacts[support->contact_count++] = parser->contact;
    parser->contact = (struct contact){0};
    return 0;
}

/* Takes what the support section said over into its domain or the top level. */
static int take_support(cfg_t *section, cfg_opt_t *option)
{
    struct config_parser *parser = active;
    enum config_level level = level_of(section);
    struct domain_config *target = record_of(parser, level, CONFIG_RECORD_DELEGATION);
    struct domain_config *support = &parser->support;
    struct origin origin = {parser->file, close_section(parser, CONFIG_LEVEL_SUPPORT)};
    const struct config_key *key = config_key_find(level, "support");

    cfg_opt_rmnsec(option, 0);
    if (!check_once(parser, level, key, true, origin.line)) {
        return stop_at(parser, origin.line);
    }
    if (support->support_page == NULL && support->contact_count == 0) {
        problem_set(parser->problem, "the support section is empty: give page, contact or both");
        return stop_at(parser, origin.line);
    }
    note_origin(parser, key, level, &origin);
    target->support_page = support->support_page;
    target->contacts = support->contacts;
    target->contact_count = support->contact_count;
    *support = (struct domain_config){0};
    return 0;
}

/* Takes the domain section out of libConfuse, which would compare its title with every later one.
 */
static int take_domain(cfg_t *section, cfg_opt_t *option)
{
    struct config_parser *parser = active;
    unsigned line = close_section(parser, CONFIG_LEVEL_DOMAIN);

    (void)section;
    parser->domain.origin = (struct origin){parser->file, line};
    parser->domain.name =
        setting_parse_domain(cfg_title(cfg_opt_getnsec(option, 0)), parser->problem);
    cfg_opt_rmnsec(option, 0);
    if (parser->domain.name == NULL) {
        problem_prefix(parser->problem, "domain: ");
        return stop_at(parser, line);
    }
    if (!config_add_domain(parser->config, &parser->domain, parser->problem)) {
        return stop_at(parser, line);
    }
    return 0;
}

/* --- libConfuse's own messages --- */

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void refuse_token(struct problem *problem, const char *token)
{
    if (*token == '{') {
        problem_set(problem, "a { where none can be: write key = \"value\", a list as key = { "
                             "\"value\", \"value\" }, or a section as name { … }");
    } else {
        problem_set(problem,
                    "\"%s\" has no place here: write key = \"value\", and a comma between the "
                    "values of a list",
                    problem_excerpt(token).text);
    }
}

static void refuse_name(struct config_parser *parser, enum config_level level, const char *name)
{
    if (parser->domains_only && level == CONFIG_LEVEL_TOP &&
        config_key_find(CONFIG_LEVEL_TOP, name) != NULL) {
        problem_set(parser->problem,
                    "\"%s\" outside of a domain section: a file of domains_dir holds domain "
                    "sections only, so write it into one or into %s",
                    name, parser->config->files[0]);
    } else {
        config_key_refuse(level, name, parser->problem);
    }
}

static void reword(struct config_parser *parser, cfg_t *section, const char *format,
                   va_list arguments) __attribute__((format(printf, 3, 0)));
static void take_error(cfg_t *section, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Puts what libConfuse says into words that say what would be right. Its messages are told apart by
   their formats: the program sets no locale, so that they are never translated. */
static void reword(struct config_parser *parser, cfg_t *section, const char *format,
                   va_list arguments)
{
    struct problem *problem = parser->problem;
    const char *name;

    if (begins_with(format, "premature end of file")) {
        problem_set(problem, "the file ends in the middle of a setting: complete the last one");
        return;
    }
    if (strstr(format, "'%s'") == NULL) {
        vsnprintf(problem->text, sizeof(problem->text), format, arguments);
        problem->status = PROBLEM_FAILURE;
        return;
    }
    name = va_arg(arguments, const char *);
    if (begins_with(format, "no such option") || begins_with(format, "no sub-section")) {
        refuse_name(parser, level_of(section), name);
    } else if (begins_with(format, "missing equal sign")) {
        problem_set(problem, "\"%s\" has no = after it: write %s = \"value\"", name, name);
    } else if (begins_with(format, "missing opening brace")) {
        problem_set(problem, "\"%s\" has no { after it: write %s { … }", name,
                    strcmp(name, "domain") == 0 ? "domain \"example.com\"" : name);
    } else if (begins_with(format, "missing title")) {
        problem_set(problem,
                    "\"%s\" has no name after it: write domain \"example.com\" { … }, or domain "
                    "\"*\" for any other host",
                    name);
    } else if (begins_with(format, "attempt to append")) {
        problem_set(problem, "\"%s\" is no list: write = in place of +=", name);
    } else if (begins_with(format, "unexpected token")) {
        refuse_token(problem, name);
    } else {
        problem_set(problem, "libConfuse stopped at \"%s\": see matrix-wellknownd.conf(5)",
                    problem_excerpt(name).text);
    }
}

static void take_error(cfg_t *section, const char *format, va_list arguments)
{
    struct config_parser *parser = active;

    if (!parser->failed) {
        reword(parser, section, format, arguments);
        stop_at(parser, (unsigned)section->line);
    }
}

/* --- Files --- */

/* The options of a level in libConfuse's form, from our table of keys. */
static void fill_options(enum config_level level, cfg_opt_t options[static CONFIG_KEY_LIMIT + 1],
                         cfg_opt_t *domain, cfg_opt_t *support, cfg_opt_t *contact)
{
    size_t count;
    const struct config_key *keys = config_keys(level, &count);

    for (size_t i = 0; i < count; i++) {
        const char *name = keys[i].name;

        /* Without CFGF_MULTI, libConfuse would make an empty support section for every domain. */
        if (keys[i].kind != CONFIG_SECTION) {
            options[i] = (cfg_opt_t)CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, take_value, NULL);
            options[i].flags |= keys[i].kind == CONFIG_ADDRESSES ? CFGF_LIST : 0;
        } else if (strcmp(name, "domain") == 0) {
            options[i] = (cfg_opt_t)CFG_SEC(name, domain, CFGF_MULTI | CFGF_TITLE);
            options[i].validcb = take_domain;
        } else if (strcmp(name, "support") == 0) {
            options[i] = (cfg_opt_t)CFG_SEC(name, support, CFGF_MULTI);
            options[i].validcb = take_support;
        } else {
            options[i] = (cfg_opt_t)CFG_SEC(name, contact, CFGF_MULTI);
            options[i].validcb = take_contact;
        }
    }
    options[count] = (cfg_opt_t)CFG_END();
}

/* libConfuse's parser; for files of domains_dir, one that knows domain sections only. */
static cfg_t *new_context(bool domains_only)
{
    cfg_opt_t top[CONFIG_KEY_LIMIT + 1];
    cfg_opt_t domain[CONFIG_KEY_LIMIT + 1];
    cfg_opt_t support[CONFIG_KEY_LIMIT + 1];
    cfg_opt_t contact[CONFIG_KEY_LIMIT + 1];
    cfg_t *context;

    fill_options(CONFIG_LEVEL_CONTACT, contact, NULL, NULL, NULL);
    fill_options(CONFIG_LEVEL_SUPPORT, support, NULL, NULL, contact);
    fill_options(CONFIG_LEVEL_DOMAIN, domain, NULL, support, NULL);
    fill_options(CONFIG_LEVEL_TOP, top, domain, support, NULL);
    if (domains_only) {
        top[0] = (cfg_opt_t)CFG_SEC("domain", domain, CFGF_MULTI | CFGF_TITLE);
        top[0].validcb = take_domain;
        top[1] = (cfg_opt_t)CFG_END();
    }
    context = cfg_init(top, CFGF_NONE);
    if (context != NULL) {
        cfg_set_error_function(context, take_error);
    }
    return context;
}

static void free_context(struct config_parser *parser)
{
    if (parser->context != NULL) {
        cfg_free(parser->context);
        parser->context = NULL;
    }
}

static bool parse_text(struct config_parser *parser, cfg_t *context)
{
    FILE *stream;
    int result;

    if (parser->text.length == 0) {
        return true;
    }
    stream = fmemopen(parser->text.bytes, parser->text.length, "r");
    if (stream == NULL) {
        return problem_set(parser->problem, "out of memory");
    }
    parser->sections_closed = 0;
    active = parser;
    result = cfg_parse_fp(context, stream);
    active = NULL;
    fclose(stream);
    if (result != CFG_SUCCESS && !parser->failed) {
        problem_set(parser->problem, "a key without a name: write key = \"value\"");
        stop_at(parser, (unsigned)context->line);
    }
    return !parser->failed;
}

struct config_parser *config_parser_new(struct config *config, struct problem *problem)
{
    struct config_parser *parser = calloc(1, sizeof(*parser));

    if (parser == NULL) {
        problem_set(problem, "out of memory");
        return NULL;
    }
    parser->config = config;
    parser->problem = problem;
    return parser;
}

bool config_parser_read(struct config_parser *parser, const char *path, bool domains_only)
{
    enum config_text_result result = config_text_read(&parser->text, path, parser->problem);

    if (result != CONFIG_TEXT_READ) {
        return domains_only && result == CONFIG_TEXT_NOT_REGULAR;
    }
    if (!reserve_is_there()) {
        return problem_set(parser->problem, "out of memory");
    }
    parser->file = config_add_file(parser->config, path);
    if (parser->context == NULL || parser->domains_only != domains_only) {
        free_context(parser);
        parser->context = new_context(domains_only);
        parser->domains_only = domains_only;
    }
    if (parser->file == NULL || parser->context == NULL) {
        return problem_set(parser->problem, "out of memory");
    }
    return parse_text(parser, parser->context);
}

bool config_parser_finish(struct config_parser *parser)
{
    struct domain_config *delegation = &parser->delegation;

    if (delegation->origin.file == NULL) {
        return true;
    }
    delegation->name = strdup("*");
    return delegation->name == NULL
               ? problem_set(parser->problem, "out of memory")
               : config_add_domain(parser->config, delegation, parser->problem);
}

void config_parser_free(struct config_parser *parser)
{
    if (parser == NULL) {
        return;
    }
    free_context(parser);
    config_text_clear(&parser->text);
    domain_config_clear(&parser->delegation);
    domain_config_clear(&parser->domain);
    domain_config_clear(&parser->support);
    contact_clear(&parser->contact);
    free(parser);
}
