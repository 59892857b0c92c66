/* Configuration files in libConfuse's syntax, read one after the other into one config. Internal to
   config_file.c. */
#ifndef DAEMON_CONFIG_CONFIG_PARSER_H
#define DAEMON_CONFIG_CONFIG_PARSER_H

#include <stdbool.h>

#include "base/problem.h"
#include "daemon/config/configuration.h"

struct config_parser;

/* A parser that puts what it reads into `config`, and what is wrong into `problem`; both outlive
   it. NULL and a problem where memory ran out. */
struct config_parser *config_parser_new(struct config *config, struct problem *problem);

/* Reads one file. With `domains_only`, it is one of domains_dir: it may hold domain sections only,
   and what is no regular file is passed over. Not safe in two threads at once: libConfuse's scanner
   has one state. After a failure, only config_parser_free may follow. */
bool config_parser_read(struct config_parser *parser, const char *path, bool domains_only);

/* Makes the domain "*" of what the files said of a delegation outside of domain sections. */
bool config_parser_finish(struct config_parser *parser);

/* Takes NULL. */
void config_parser_free(struct config_parser *parser);

#endif
