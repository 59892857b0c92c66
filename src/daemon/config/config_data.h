/* A struct config in the making. Internal to config*.c. */
#ifndef DAEMON_CONFIG_CONFIG_DATA_H
#define DAEMON_CONFIG_CONFIG_DATA_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

/* A config in which every value is the default; NULL where memory ran out. */
struct config *config_new(void);

/* Keeps a copy of the path and returns it; NULL where memory ran out. */
const char *config_add_file(struct config *config, const char *path);

/* Moves `domain` into the config and leaves {0}. */
bool config_add_domain(struct config *config, struct domain_config *domain,
                       struct problem *problem);

/* Moves `contact` into the domain and leaves {0}. */
bool config_add_contact(struct domain_config *domain, struct contact *contact,
                        struct problem *problem);

/* Adds an address to one of the config's lists. The same one in any list is a problem. */
bool config_add_address(struct config *config, struct address_list *list,
                        const struct address *address, struct problem *problem);

/* Adds a warning; after a hundred of them only one more, that says so. The text begins with the
   place, where `origin` (or NULL) has one. */
void config_warn(struct config *config, const struct origin *origin, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "FILE:LINE: " in front of the problem, where the origin has a file. Returns false. */
bool config_blame(const struct origin *origin, struct problem *problem);

void address_list_clear(struct address_list *list);
void contact_clear(struct contact *contact);
void domain_config_clear(struct domain_config *domain);

#endif
