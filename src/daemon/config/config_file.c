#include "daemon/config/config_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "daemon/config/config_data.h"
#include "daemon/config/config_parser.h"

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

static bool read_entry(struct config_parser *parser, const char *folder, const char *name,
                       struct problem *problem)
{
    char *path = NULL;
    bool good;

    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return problem_set(problem, "out of memory");
    }
    good = config_parser_read(parser, path, true);
    free(path);
    return good;
}

static bool read_domains_dir(struct config_parser *parser, const struct config *config,
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
        return config_blame(&config->domains_dir_origin, problem);
    }
    for (int i = 0; i < count; i++) {
        good = good && read_entry(parser, config->domains_dir, entries[i]->d_name, problem);
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

    if (sorted == NULL) {
        return problem_set(problem, "out of memory");
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
            config_blame(&sorted[i]->origin, problem);
        }
    }
    free(sorted);
    return good;
}

bool config_file_read(const char *path, struct config *config, struct problem *problem)
{
    struct config_parser *parser = config_parser_new(config, problem);
    bool good = parser != NULL && config_parser_read(parser, path, false) &&
                config_parser_finish(parser) &&
                (config->domains_dir == NULL || read_domains_dir(parser, config, problem)) &&
                check_unique(config, problem);

    config_parser_free(parser);
    return good;
}
