#include "daemon/config/grammar.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum {
    TOKEN_LIMIT = 8192,  /* bytes of one word or string in the file; no setting is as long */
    VALUE_LIMIT = 65536, /* with its variables replaced */
};

static const char word_ends[] = " \t\r\n={}()+,*#\"'";

static bool fail(const struct grammar *grammar, unsigned line, const char *message,
                 struct problem *problem)
{
    return problem_set(problem, "%s:%u: %s", grammar->path, line, message);
}

/* Makes sure that the whole is text, so that the only NUL is the one at its end. */
static bool check_bytes(const struct grammar *grammar, struct problem *problem)
{
    unsigned line = 1;

    for (const char *byte = grammar->at; byte < grammar->end; byte++) {
        if (*byte == '\n') {
            line++;
        } else if (((unsigned char)*byte < 0x20 && *byte != '\t' && *byte != '\r') ||
                   *byte == 0x7f) {
            return problem_set(problem,
                               "%s:%u: the byte 0x%02x is not text: name a configuration file",
                               grammar->path, line, (unsigned char)*byte);
        }
    }
    return true;
}

bool grammar_begin(struct grammar *grammar, const char *path, const char *text, size_t length,
                   struct problem *problem)
{
    grammar->path = path;
    grammar->at = text;
    grammar->end = text + length;
    grammar->line = text;
    grammar->line_number = 1;
    grammar->token = (struct token){.kind = TOKEN_END, .text = "", .line = 1, .column = 1};
    if (!check_bytes(grammar, problem)) {
        return false;
    }
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) {
        grammar->at += 3;
    }
    return true;
}

/* Goes on to `place`, which is not before the current one, counting lines. */
static void walk_to(struct grammar *grammar, const char *place)
{
    while (grammar->at < place) {
        if (*grammar->at++ == '\n') {
            grammar->line_number++;
            grammar->line = grammar->at;
        }
    }
}

/* --- Blanks and comments --- */

static bool skip_block_comment(struct grammar *grammar, struct problem *problem)
{
    const char *end = strstr(grammar->at + 2, "*/");

    if (!end) {
        return fail(grammar, grammar->line_number, "the comment is not closed: end it with */",
                    problem);
    }
    walk_to(grammar, end + 2);
    return true;
}

/* Goes on to the next token or the end. */
static bool skip_to_token(struct grammar *grammar, struct problem *problem)
{
    for (;;) {
        const char *at = grammar->at;

        if (*at != '\0' && (strchr(" \t\r\n*", *at) || (*at == '+' && at[1] != '='))) {
            walk_to(grammar, at + 1);
        } else if (*at == '#' || (*at == '/' && at[1] == '/')) {
            walk_to(grammar, at + strcspn(at, "\n"));
        } else if (*at == '/' && at[1] == '*') {
            if (!skip_block_comment(grammar, problem)) {
                return false;
            }
        } else {
            return true;
        }
    }
}

/* --- The token's text --- */

static bool put(struct grammar *grammar, const char *bytes, size_t count, struct problem *problem)
{
    if (count > VALUE_LIMIT - grammar->value_length) {
        return fail(grammar, grammar->token.line,
                    "a value of more than 65536 bytes: shorten the variables in it", problem);
    }
    if (grammar->value_length + count + 1 > grammar->value_capacity) {
        size_t capacity = 2 * (grammar->value_length + count + 1);
        char *value = realloc(grammar->value, capacity);

        if (!value) {
            return problem_out_of_memory(problem);
        }
        grammar->value = value;
        grammar->value_capacity = capacity;
    }
    memcpy(grammar->value + grammar->value_length, bytes, count);
    grammar->value_length += count;
    grammar->value[grammar->value_length] = '\0';
    return true;
}

/* Puts what the ${NAME} or ${NAME:-default} at the current place stands for. */
static bool put_variable(struct grammar *grammar, struct problem *problem)
{
    const char *name = grammar->at + 2;
    size_t length = strcspn(name, "}\n");
    char copy[TOKEN_LIMIT + 1], *colon;
    const char *value;

    if (name[length] != '}') {
        return fail(grammar, grammar->line_number,
                    "${ has no end: write ${VARIABLE}, or \\$ for a dollar sign", problem);
    }
    if (length > TOKEN_LIMIT) {
        return fail(grammar, grammar->line_number,
                    "a value of more than 8192 bytes: name a configuration file", problem);
    }
    memcpy(copy, name, length);
    copy[length] = '\0';
    colon = strchr(copy, ':');
    if (colon && colon[1] == '-') {
        *colon = '\0';
    } else {
        colon = NULL;
    }
    value = getenv(copy);
    value = value ? value : colon ? colon + 2 : "";
    walk_to(grammar, name + length + 1);
    return put(grammar, value, strlen(value), problem);
}

/* Puts what the backslash at the current place and the character after it stand for. */
static bool put_escape(struct grammar *grammar, char quote, struct problem *problem)
{
    static const char letters[] = "nrbfaetv", meanings[] = "\n\r\b\f\a\033\t\v";
    const char *start = grammar->at, *letter;
    char escaped = start[1];

    /* No setting needs one, and a zero would end the value. */
    if (quote == '"' && ((escaped >= '0' && escaped <= '9') || escaped == 'x')) {
        return fail(grammar, grammar->line_number,
                    "an escape by number in a string: write the character itself, or \\\\ for a "
                    "backslash",
                    problem);
    }
    walk_to(grammar, start + (escaped == '\0' ? 1 : 2));
    if (escaped == '\n' || escaped == '\0') {
        return true;
    }
    if (quote == '\'' && escaped != '\'' && escaped != '\\') {
        return put(grammar, start, 2, problem);
    }
    letter = quote == '"' ? strchr(letters, escaped) : NULL;
    return put(grammar, letter ? &meanings[letter - letters] : &start[1], 1, problem);
}

static bool read_string(struct grammar *grammar, struct problem *problem)
{
    const char quote = *grammar->at++;
    const char stops[] = {quote, '\\', quote == '"' ? '$' : '\\', '\0'};

    grammar->token.kind = TOKEN_STRING;
    while (*grammar->at != quote) {
        const char *at = grammar->at;
        size_t plain = *at == '$' && at[1] != '{' ? 1 : strcspn(at, stops);
        bool good;

        if (*at == '\0') {
            return fail(grammar, grammar->token.line,
                        "the string is not closed: end it with the same quotation mark", problem);
        }
        if (plain > 0) {
            walk_to(grammar, at + plain);
            good = put(grammar, at, plain, problem);
        } else {
            good =
                *at == '$' ? put_variable(grammar, problem) : put_escape(grammar, quote, problem);
        }
        if (!good) {
            return false;
        }
    }
    grammar->at++;
    return true;
}

static bool read_text(struct grammar *grammar, struct problem *problem)
{
    const char *start = grammar->at;
    bool good = put(grammar, "", 0, problem);

    if (*start == '"' || *start == '\'') {
        good = good && read_string(grammar, problem);
    } else if (*start == '$' && start[1] == '{') {
        good = good && put_variable(grammar, problem);
    } else {
        grammar->at += strcspn(start, word_ends);
        good = good && put(grammar, start, (size_t)(grammar->at - start), problem);
    }
    if (grammar->at - start > TOKEN_LIMIT) {
        return fail(grammar, grammar->token.line,
                    "a value of more than 8192 bytes: name a configuration file", problem);
    }
    grammar->token.text = grammar->value;
    return good;
}

/* --- Tokens --- */

bool grammar_next(struct grammar *grammar, struct problem *problem)
{
    static const char *const signs[] = {"+=", "=", "{", "}", "(", ")", ","};
    struct token *token = &grammar->token;

    if (!skip_to_token(grammar, problem)) {
        return false;
    }
    *token = (struct token){
        .kind = grammar->at == grammar->end ? TOKEN_END : TOKEN_WORD,
        .text = "",
        .line = grammar->line_number,
        .column = (unsigned)(grammar->at - grammar->line) + 1,
    };
    grammar->value_length = 0;
    if (token->kind == TOKEN_END) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
        if (strncmp(grammar->at, signs[i], strlen(signs[i])) == 0) {
            token->kind = TOKEN_SIGN;
            token->text = signs[i];
            grammar->at += strlen(signs[i]);
            return true;
        }
    }
    return read_text(grammar, problem);
}

bool grammar_is_sign(const struct grammar *grammar, const char *sign)
{
    return grammar->token.kind == TOKEN_SIGN && strcmp(grammar->token.text, sign) == 0;
}

void grammar_clear(struct grammar *grammar)
{
    free(grammar->value);
    *grammar = (struct grammar){0};
}
