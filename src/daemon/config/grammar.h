/* The tokens of a configuration file: words, strings and signs, each with its place. Comments and
   blanks stand between them. They are those of libConfuse, which older
   versions read files with:

   word    any bytes but blanks and # " ' = { } ( ) + , *; or ${NAME}
   string  in double quotes, with ${NAME}, ${NAME:-default} and the escapes \n \r \b \f \a \e \t \v;
           another character after \ stands for itself, a line end there for nothing. In single
           quotes, where only \' \\ and a line end after \ are escapes
   sign    = += { } ( ) ,
   comment from # or // to the end of the line, or between slash-asterisk and asterisk-slash
   blank   also + and * that belong to nothing else */
#ifndef DAEMON_CONFIG_GRAMMAR_H
#define DAEMON_CONFIG_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

enum token_kind {
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_SIGN,
    TOKEN_END,
};

struct token {
    enum token_kind kind;
    const char *text; /* without quotes, escapes and variables replaced; until the next token */
    unsigned line;    /* from 1, where the token begins */
    unsigned column;  /* from 1, in bytes */
};

/* A walk over one file's tokens, in one pass. Begins with {0}; can be used for one file after the
   other, to use its memory anew. */
struct grammar {
    struct token token; /* the last one that was read */
    const char *path;
    const char *at;   /* where the next token is looked for */
    const char *end;  /* a NUL, the only one in the text */
    const char *line; /* the beginning of the current line */
    unsigned line_number;
    char *value; /* the token's text */
    size_t value_length;
    size_t value_capacity;
};

/* Begins with `text` of `length` bytes and a NUL after them, both of which outlive the walk, as
   does `path`, for messages. Bytes that are no text are a problem with file and line, as are all
   below. A byte order mark at the beginning is passed over. */
bool grammar_begin(struct grammar *grammar, const char *path, const char *text, size_t length,
                   struct problem *problem);

/* Reads the next token into `token`; after the last comes TOKEN_END, again and again. A word or a
   string may take 8 KiB in the file, and 64 KiB with its variables replaced. */
bool grammar_next(struct grammar *grammar, struct problem *problem);

/* Whether the token is this sign. */
bool grammar_is_sign(const struct grammar *grammar, const char *sign);

/* Frees the memory; the walk is {0} afterwards. */
void grammar_clear(struct grammar *grammar);

#endif
