#include "daemon/config/config_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/config/config_data.h"
#include "daemon/config/grammar.h"
#include "daemon/config/value.h"

enum {
    FILE_LIMIT = 256 * 1024 * 1024,        /* bytes; a million domains */
    DOMAINS_FILE_LIMIT = 16 * 1024 * 1024, /* bytes of a file of domains_dir */
    DOMAINS_FILES_LIMIT = 200 * 1000,
};

/* --- The bytes of a file --- */

enum read_result {
    READ_GOOD,
    READ_FAILED,
    READ_NOT_REGULAR, /* a directory, a pipe or a device; `problem` says which */
};

/* Can be read into again and again, to use its memory anew. */
struct file_text {
    char *bytes; /* terminated */
    size_t length;
    size_t capacity;
};

static const char *kind_of_file(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static bool reserve(struct file_text *text, size_t capacity, struct problem *problem)
{
    char *bytes;

    if (capacity <= text->capacity) {
        return true;
    }
    bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        return problem_out_of_memory(problem);
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

static bool refuse_size(const char *path, size_t limit, struct problem *problem)
{
    return problem_set(problem, "%s: is larger than %zu MiB: name a configuration file", path,
                       limit / 1024 / 1024);
}

/* Reads to the end of the file, whose length was `expected` a moment ago. */
static bool read_whole(struct file_text *text, int file, size_t expected, size_t limit,
                       const char *path, struct problem *problem)
{
    /* One byte more than expected shows the end of the file without a second reservation. */
    if (!reserve(text, expected + 1, problem)) {
        return false;
    }
    text->length = 0;
    for (;;) {
        ssize_t count;

        if (text->length == text->capacity && !reserve(text, text->capacity * 2, problem)) {
            return false;
        }
        count = read(file, text->bytes + text->length, text->capacity - text->length);
        if (count < 0 && errno != EINTR) {
            return problem_set(problem, "%s: cannot be read (%s): check the file system", path,
                               strerror(errno));
        }
        if (count == 0) {
            /* reserve() has set it. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
            text->bytes[text->length] = '\0';
            return true;
        }
        text->length += count > 0 ? (size_t)count : 0;
        if (text->length > limit) {
            return refuse_size(path, limit, problem);
        }
    }
}

static bool fail_to_open(const char *path, struct problem *problem)
{
    if (errno == ENOENT || errno == ENOTDIR) {
        return problem_set(problem, "%s: does not exist: check the path", path);
    }
    if (errno == EACCES) {
        return problem_set(problem, "%s: permission denied: let the daemon's user read it", path);
    }
    return problem_set(problem, "%s: cannot be opened (%s): check the path", path, strerror(errno));
}

static enum read_result open_and_read(struct file_text *text, const char *path, size_t limit,
                                      struct problem *problem)
{
    /* Without O_NONBLOCK, opening a pipe that no one writes to would hang. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum read_result result = READ_FAILED;
    struct stat status;

    if (file < 0) {
        fail_to_open(path, problem);
        return READ_FAILED;
    }
    if (fstat(file, &status) != 0) {
        fail_to_open(path, problem);
    } else if (!S_ISREG(status.st_mode)) {
        problem_set(problem, "%s: is %s: name a regular file", path, kind_of_file(status.st_mode));
        result = READ_NOT_REGULAR;
    } else if ((uintmax_t)status.st_size > limit) {
        refuse_size(path, limit, problem);
    } else if (read_whole(text, file, (size_t)status.st_size, limit, path, problem)) {
        result = READ_GOOD;
    }
    close(file);
    return result;
}

/* --- Settings and sections --- */

/* One run of config_file_read. */
struct reader {
    struct config *config;
    struct problem *problem;
    struct file_text text;
    struct grammar grammar;
    const char *main;                /* the file that is no file of domains_dir */
    const char *file;                /* that is being read; owned by the config */
    bool domains_only;               /* it is one of domains_dir */
    unsigned brace;                  /* the line of the innermost brace that is open, or 0 */
    struct domain_config delegation; /* what the top level says of one */
    struct config overridden;        /* what options and variables stand in place of */
};

/* The top level of a file, or a section that is open. */
struct section {
    enum setting_place level;
    struct domain_config *domain;  /* that it, or the section around it, is about */
    struct contact *contact;       /* likewise */
    unsigned lines[SETTING_LIMIT]; /* where each setting was given, by its index, or 0 */
};

/* Puts the place in front of the problem. Returns false. */
static bool blame(const struct reader *reader, unsigned line)
{
    return origin_blame(&(struct origin){SOURCE_FILE, NULL, reader->file, line}, reader->problem);
}

/* Reads the next token, where the file cannot end. */
static bool next_token(struct reader *reader)
{
    if (!grammar_next(&reader->grammar, reader->problem)) {
        return false;
    }
    if (reader->grammar.token.kind != TOKEN_END) {
        return true;
    }
    if (reader->brace > 0) {
        problem_set(reader->problem, "the brace is not closed: end the section or list with }");
        return blame(reader, reader->brace);
    }
    problem_set(reader->problem, "the file ends in the middle of a setting: complete the last one");
    return blame(reader, reader->grammar.token.line);
}

static bool is_text(const struct reader *reader)
{
    return reader->grammar.token.kind == TOKEN_WORD || reader->grammar.token.kind == TOKEN_STRING;
}

static bool refuse_token(const struct reader *reader)
{
    const struct token *token = &reader->grammar.token;

    if (grammar_is_sign(&reader->grammar, "}") && reader->brace == 0) {
        problem_set(reader->problem, "a } without a {: remove it, or open a section before it");
    } else if (grammar_is_sign(&reader->grammar, "{")) {
        problem_set(reader->problem,
                    "a { where none can be: write key = \"value\", a list as key = { \"value\", "
                    "\"value\" }, or a section as name { … }");
    } else {
        problem_set(reader->problem,
                    "\"%s\" has no place here, in column %u: write key = \"value\", and a comma "
                    "between the values of a list",
                    problem_excerpt(token->text).text, token->column);
    }
    return blame(reader, token->line);
}

/* Refuses a name that is no key of the section's level. */
static bool refuse_name(const struct reader *reader, const struct section *section)
{
    const struct token *token = &reader->grammar.token;

    if (*token->text == '\0') {
        problem_set(reader->problem, "a key without a name: write key = \"value\"");
    } else if (section->level != AT_TOP && strcmp(token->text, "domain") == 0) {
        problem_set(reader->problem,
                    "the brace is not closed: end the section with } before the domain of line %u",
                    token->line);
        return blame(reader, reader->brace);
    } else if (section->level == AT_TOP && setting_find(AT_TOP, token->text)) {
        problem_set(reader->problem,
                    "\"%s\" outside of a domain section: a file of domains_dir holds domain "
                    "sections only, so write it into one or into %s",
                    token->text, reader->main);
    } else {
        setting_refuse(section->level, token->text, reader->problem);
    }
    return blame(reader, token->line);
}

/* Notes that the setting is given on `line`: once in a section. */
static bool note_given(const struct reader *reader, struct section *section,
                       const struct setting *setting, unsigned line)
{
    unsigned *earlier = &section->lines[setting_index(setting)];

    if (*earlier != 0) {
        problem_set(reader->problem, "\"%s\" is given twice, first on line %u: keep one",
                    setting->name, *earlier);
        return blame(reader, line);
    }
    *earlier = line;
    if (setting->record == RECORD_DOMAIN && (setting->where & IN_DOMAIN)) {
        section->domain->lines[setting_domain_index(setting)] = line;
        if (!section->domain->origin.file) {
            section->domain->origin = (struct origin){SOURCE_FILE, NULL, reader->file, line};
        }
    }
    return true;
}

/* What the values of the setting at `origin` are kept in: not the config, where the command line or
   the environment has already set it. Then the value is only checked. */
static void *record_for(struct reader *reader, const struct section *section,
                        const struct setting *setting, const struct origin *origin, bool first)
{
    struct origin *current = &reader->config->origins[setting_index(setting)];

    if (setting->record != RECORD_CONFIG) {
        return setting->record == RECORD_CONTACT ? (void *)section->contact
                                                 : (void *)section->domain;
    }
    if (current->source <= SOURCE_FILE) {
        *current = *origin;
        return reader->config;
    }
    if (first) {
        config_note_overridden(reader->config, origin, setting->name, current);
    }
    return &reader->overridden;
}

/* Takes the token as a value of the setting, the `first` after = where it is a list's. */
static bool take_value(struct reader *reader, struct section *section,
                       const struct setting *setting, bool first)
{
    const struct token *token = &reader->grammar.token;
    struct origin origin = {SOURCE_FILE, NULL, reader->file, token->line};
    struct config *config = reader->config;
    void *record;

    if (!is_text(reader)) {
        return refuse_token(reader);
    }
    if (first && !note_given(reader, section, setting, origin.line)) {
        return false;
    }
    record = record_for(reader, section, setting, &origin, first);
    config = record == &reader->overridden ? record : config;
    return value_set(setting, config, record, token->text, &origin, reader->problem) ||
           value_blame(setting, token->text, &origin, reader->problem);
}

/* Reads the values of a list, behind its opening brace, to the closing one. */
static bool read_list(struct reader *reader, struct section *section, const struct setting *setting,
                      bool first)
{
    unsigned around = reader->brace;

    reader->brace = reader->grammar.token.line;
    if (!next_token(reader)) {
        return false;
    }
    while (!grammar_is_sign(&reader->grammar, "}")) {
        if (!take_value(reader, section, setting, first) || !next_token(reader)) {
            return false;
        }
        first = false;
        if (grammar_is_sign(&reader->grammar, ",")) {
            if (!next_token(reader)) {
                return false;
            }
        } else if (!grammar_is_sign(&reader->grammar, "}")) {
            return refuse_token(reader);
        }
    }
    reader->brace = around;
    return true;
}

/* Reads what follows the name, which stood on `line`. */
static bool read_setting(struct reader *reader, struct section *section,
                         const struct setting *setting, unsigned line)
{
    bool list = setting->kind == SETTING_ADDRESSES;
    bool first;

    if (!next_token(reader)) {
        return false;
    }
    first = !grammar_is_sign(&reader->grammar, "+=");
    if (!first && !list) {
        problem_set(reader->problem, "\"%s\" is no list: write = in place of +=", setting->name);
        return blame(reader, line);
    }
    if (first && !grammar_is_sign(&reader->grammar, "=")) {
        problem_set(reader->problem, "\"%s\" has no = after it: write %s = \"value\"",
                    setting->name, setting->name);
        return blame(reader, line);
    }
    /* What += adds to may be nothing yet. */
    first = first || section->lines[setting_index(setting)] == 0;
    if (!next_token(reader)) {
        return false;
    }
    return list && grammar_is_sign(&reader->grammar, "{")
               ? read_list(reader, section, setting, first)
               : take_value(reader, section, setting, first);
}

static bool read_section(struct reader *reader, struct section *section);

static bool read_domain(struct reader *reader, char *name)
{
    struct domain_config domain = {.name = name,
                                   .origin = {SOURCE_FILE, NULL, reader->file, reader->brace}};
    struct section section = {.level = IN_DOMAIN, .domain = &domain};
    bool good = read_section(reader, &section) &&
                config_add_domain(reader->config, &domain, reader->problem);

    domain_config_clear(&domain);
    return good;
}

static bool read_support(struct reader *reader, struct domain_config *domain)
{
    struct section section = {.level = IN_SUPPORT, .domain = domain};
    unsigned line = reader->brace;

    if (!read_section(reader, &section)) {
        return false;
    }
    if (!domain->support_page && domain->contact_count == 0) {
        problem_set(reader->problem, "the support section is empty: give page, contact or both");
        return blame(reader, line);
    }
    return true;
}

static bool read_contact(struct reader *reader, struct domain_config *domain)
{
    struct contact contact = {0};
    struct section section = {.level = IN_CONTACT, .domain = domain, .contact = &contact};
    unsigned line = reader->brace;
    bool good = read_section(reader, &section);

    if (good && (!document_check_contact(&contact, reader->problem) ||
                 !config_add_contact(domain, &contact, reader->problem))) {
        good = blame(reader, line);
    }
    contact_clear(&contact);
    return good;
}

/* Reads the name of a domain, behind the word that stood on `line`. NULL where there is none that
   is good. */
static char *read_title(struct reader *reader, unsigned line)
{
    char *name;

    if (!next_token(reader)) {
        return NULL;
    }
    if (!is_text(reader)) {
        problem_set(reader->problem,
                    "\"domain\" has no name after it: write domain \"example.com\" { … }, or "
                    "domain \"*\" for any other host");
        blame(reader, line);
        return NULL;
    }
    name = value_parse_domain(reader->grammar.token.text, reader->problem);
    if (!name) {
        problem_prefix(reader->problem, "domain: ");
        blame(reader, reader->grammar.token.line);
    }
    return name;
}

/* Reads the brace that opens the section `setting`, which stood on `line`. */
static bool read_brace(struct reader *reader, const struct setting *setting, unsigned line)
{
    if (!next_token(reader)) {
        return false;
    }
    if (!grammar_is_sign(&reader->grammar, "{")) {
        problem_set(reader->problem, "\"%s\" has no { after it: write %s { … }", setting->name,
                    strcmp(setting->name, "domain") == 0 ? "domain \"example.com\""
                                                         : setting->name);
        return blame(reader, line);
    }
    reader->brace = reader->grammar.token.line;
    return true;
}

/* Reads the section `setting` of `section`, behind its name, which stood on `line`. */
static bool read_subsection(struct reader *reader, struct section *section,
                            const struct setting *setting, unsigned line)
{
    unsigned around = reader->brace;
    char *title = NULL;
    bool good;

    if (strcmp(setting->name, "domain") == 0 && !(title = read_title(reader, line))) {
        return false;
    }
    if (!read_brace(reader, setting, line)) {
        free(title);
        return false;
    }
    if (title) {
        good = read_domain(reader, title);
    } else if (strcmp(setting->name, "support") == 0) {
        unsigned brace = reader->brace;

        good = note_given(reader, section, setting, brace) && read_support(reader, section->domain);
    } else {
        good = read_contact(reader, section->domain);
    }
    reader->brace = around;
    return good;
}

/* Reads settings and sections up to the closing brace, or at the top level to the end. */
static bool read_section(struct reader *reader, struct section *section)
{
    bool top = section->level == AT_TOP;

    for (;;) {
        const struct setting *setting;
        unsigned line;

        if (!(top ? grammar_next(&reader->grammar, reader->problem) : next_token(reader))) {
            return false;
        }
        if (top ? reader->grammar.token.kind == TOKEN_END
                : grammar_is_sign(&reader->grammar, "}")) {
            return true;
        }
        if (!is_text(reader)) {
            return refuse_token(reader);
        }
        setting = setting_find(section->level, reader->grammar.token.text);
        if (!setting || (reader->domains_only && top && strcmp(setting->name, "domain") != 0)) {
            return refuse_name(reader, section);
        }
        line = reader->grammar.token.line;
        if (!(setting->kind == SETTING_SECTION ? read_subsection(reader, section, setting, line)
                                               : read_setting(reader, section, setting, line))) {
            return false;
        }
    }
}

/* --- Files --- */

/* Reads one file. With `domains_only`, it is one of domains_dir: it may hold domain sections only,
   and what is no regular file is passed over. */
static bool read_file(struct reader *reader, const char *path, bool domains_only)
{
    size_t limit = domains_only ? DOMAINS_FILE_LIMIT : FILE_LIMIT;
    enum read_result result = open_and_read(&reader->text, path, limit, reader->problem);
    struct section top = {.level = AT_TOP, .domain = &reader->delegation};

    if (result != READ_GOOD) {
        return domains_only && result == READ_NOT_REGULAR;
    }
    reader->file = config_add_file(reader->config, path);
    if (!reader->file) {
        return problem_out_of_memory(reader->problem);
    }
    reader->domains_only = domains_only;
    reader->brace = 0;
    return grammar_begin(&reader->grammar, reader->file, reader->text.bytes, reader->text.length,
                         reader->problem) &&
           read_section(reader, &top);
}

/* Makes the domain "*" of what the file says of a delegation outside of domain sections. */
static bool add_delegation(struct reader *reader)
{
    struct domain_config *delegation = &reader->delegation;

    if (!delegation->origin.file) {
        return true;
    }
    delegation->name = strdup("*");
    return delegation->name ? config_add_domain(reader->config, delegation, reader->problem)
                            : problem_out_of_memory(reader->problem);
}

static int is_configuration(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* Unlike alphasort(3), the same in every locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool read_entry(struct reader *reader, const char *folder, const char *name,
                       struct problem *problem)
{
    char *path = NULL;
    bool good;

    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return problem_out_of_memory(problem);
    }
    good = read_file(reader, path, true);
    free(path);
    return good;
}

static bool read_domains_dir(struct reader *reader, const struct config *config,
                             struct problem *problem)
{
    struct dirent **entries;
    bool good = true;
    int count = scandir(config->domains_dir, &entries, is_configuration, compare_names);

    if (count < 0) {
        problem_set(problem, "domains_dir: %s cannot be read (%s): %s", config->domains_dir,
                    strerror(errno),
                    errno == EACCES ? file_denied_remedy()
                                    : "name a folder that the daemon can read");
        return origin_blame(config_origin(config, &config->domains_dir), problem);
    }
    if (count > DOMAINS_FILES_LIMIT) {
        problem_set(problem,
                    "domains_dir: %s has %d files, and %d are the most: put several domains into "
                    "one file",
                    config->domains_dir, count, DOMAINS_FILES_LIMIT);
        good = origin_blame(config_origin(config, &config->domains_dir), problem);
    }
    for (int i = 0; i < count; i++) {
        good = good && read_entry(reader, config->domains_dir, entries[i]->d_name, problem);
        free(entries[i]);
    }
    free(entries);
    return good;
}

static int compare_domains(const void *a, const void *b)
{
    const struct domain_config *first = *(const struct domain_config *const *)a;
    const struct domain_config *second = *(const struct domain_config *const *)b;
    int order = strcmp(first->name, second->name);

    return order != 0 ? order : (first > second) - (first < second);
}

/* Makes sure that no domain is there twice, in all files together. */
static bool check_unique(const struct config *config, struct problem *problem)
{
    const struct domain_config **sorted = calloc(config->domain_count + 1, sizeof(*sorted));
    bool good = true;

    if (!sorted) {
        return problem_out_of_memory(problem);
    }
    for (size_t i = 0; i < config->domain_count; i++) {
        sorted[i] = &config->domains[i];
    }
    qsort(sorted, config->domain_count, sizeof(*sorted), compare_domains);
    for (size_t i = 1; i < config->domain_count && good; i++) {
        const struct origin *first = &sorted[i - 1]->origin;

        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
            good = problem_set(problem,
                               "domain \"%s\" is there already at %s:%u%s: keep one of the two",
                               sorted[i]->name, first->file, first->line,
                               strcmp(sorted[i]->name, "*") == 0
                                   ? " (a server or client outside of sections is for any host too)"
                                   : "");
            origin_blame(&sorted[i]->origin, problem);
        }
    }
    free(sorted);
    return good;
}

bool config_file_read(const char *path, struct config *config, struct problem *problem)
{
    struct reader reader = {
        .config = config,
        .problem = problem,
        .main = path ? path : OPTIONS_DEFAULT_CONFIG,
    };
    bool good = (!path || (read_file(&reader, path, false) && add_delegation(&reader))) &&
                (!config->domains_dir || read_domains_dir(&reader, config, problem)) &&
                check_unique(config, problem);

    free(reader.text.bytes);
    grammar_clear(&reader.grammar);
    domain_config_clear(&reader.delegation);
    config_clear(&reader.overridden);
    return good;
}
