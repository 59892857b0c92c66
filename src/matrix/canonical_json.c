#include "matrix/canonical_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

/* Beyond this a double no longer holds every integer. */
#define INTEGER_LIMIT ((json_int_t)9007199254740991) /* 2^53 − 1 */

enum {
    DEPTH_LIMIT = 2048, /* as deep as jansson parses; the recursion below needs an end too */
};

struct member {
    const char *key;
    size_t key_length;
    const json_t *value;
};

static bool encode_value(struct buffer *out, const json_t *value, int depth,
                         struct problem *problem);

/* By code point. The order of UTF-8's bytes is that order: a higher code point has a higher lead
   byte or, after equal ones, a higher continuation byte. (The order of UTF-16's units, which other
   canonical forms use, is a different one above U+FFFF.) */
static int member_compare(const void *a, const void *b)
{
    const struct member *left = a;
    const struct member *right = b;
    size_t shorter = left->key_length < right->key_length ? left->key_length : right->key_length;
    int order = memcmp(left->key, right->key, shorter);

    return order != 0
               ? order
               : (left->key_length > right->key_length) - (left->key_length < right->key_length);
}

static void encode_string(struct buffer *out, const char *text, size_t length)
{
    /* The short escapes, by the character that each stands for. */
    static const char escapes[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };

    buffer_add_text(out, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte == '"' || byte == '\\') {
            buffer_add_format(out, "\\%c", byte);
        } else if (byte >= 0x20) {
            buffer_add(out, &text[i], 1);
        } else if (escapes[byte] != '\0') {
            buffer_add_format(out, "\\%c", escapes[byte]);
        } else {
            buffer_add_format(out, "\\u%04x", (unsigned)byte);
        }
    }
    buffer_add_text(out, "\"");
}

static bool encode_integer(struct buffer *out, json_int_t value, struct problem *problem)
{
    if (value > INTEGER_LIMIT || value < -INTEGER_LIMIT) {
        return problem_set(problem,
                           "the number %" JSON_INTEGER_FORMAT " is out of range: canonical JSON "
                           "has integers from -(2^53 - 1) to 2^53 - 1",
                           value);
    }
    buffer_add_format(out, "%" JSON_INTEGER_FORMAT, value);
    return true;
}

/* A number written with a point or an exponent that is an integer all the same: the specification
   has the example 1e10. */
static bool encode_real(struct buffer *out, double value, struct problem *problem)
{
    if (!(value >= (double)-INTEGER_LIMIT && value <= (double)INTEGER_LIMIT)) {
        return problem_set(problem,
                           "the number %g is out of range: canonical JSON has integers from "
                           "-(2^53 - 1) to 2^53 - 1",
                           value);
    }
    if ((double)(json_int_t)value != value) {
        return problem_set(problem, "the number %g is a fraction: canonical JSON has integers only",
                           value);
    }
    return encode_integer(out, (json_int_t)value, problem);
}

static bool encode_array(struct buffer *out, const json_t *array, int depth,
                         struct problem *problem)
{
    size_t count = json_array_size(array);

    buffer_add_text(out, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buffer_add_text(out, ",");
        }
        if (!encode_value(out, json_array_get(array, i), depth + 1, problem)) {
            return false;
        }
    }
    buffer_add_text(out, "]");
    return true;
}

static bool encode_object(struct buffer *out, const json_t *object, int depth,
                          struct problem *problem)
{
    /* Iterating changes nothing, though jansson's prototypes do not say so. */
    json_t *iterated = (json_t *)(uintptr_t)object;
    size_t count = json_object_size(object);
    struct member *members = calloc(count + 1, sizeof(*members));
    size_t used = 0;
    bool ok = true;

    if (!members) {
        return problem_out_of_memory(problem);
    }
    for (void *i = json_object_iter(iterated); i; i = json_object_iter_next(iterated, i)) {
        members[used++] = (struct member){
            .key = json_object_iter_key(i),
            .key_length = json_object_iter_key_len(i),
            .value = json_object_iter_value(i),
        };
    }
    qsort(members, used, sizeof(*members), member_compare);
    buffer_add_text(out, "{");
    for (size_t i = 0; i < used && ok; i++) {
        if (i > 0) {
            buffer_add_text(out, ",");
        }
        encode_string(out, members[i].key, members[i].key_length);
        buffer_add_text(out, ":");
        ok = encode_value(out, members[i].value, depth + 1, problem);
    }
    buffer_add_text(out, "}");
    free(members);
    return ok;
}

static bool encode_value(struct buffer *out, const json_t *value, int depth,
                         struct problem *problem)
{
    if (depth > DEPTH_LIMIT) {
        return problem_set(problem, "the JSON nests more than %d levels deep", DEPTH_LIMIT);
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return encode_object(out, value, depth, problem);
    case JSON_ARRAY:
        return encode_array(out, value, depth, problem);
    case JSON_STRING:
        encode_string(out, json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
        return encode_integer(out, json_integer_value(value), problem);
    case JSON_REAL:
        return encode_real(out, json_real_value(value), problem);
    case JSON_TRUE:
        buffer_add_text(out, "true");
        return true;
    case JSON_FALSE:
        buffer_add_text(out, "false");
        return true;
    case JSON_NULL:
        break;
    }
    buffer_add_text(out, "null");
    return true;
}

char *canonical_json_encode(const json_t *value, size_t *length, struct problem *problem)
{
    struct buffer out = {0};
    bool good = encode_value(&out, value, 0, problem);
    char *text = buffer_finish(&out, length);

    if (good && !text) {
        problem_out_of_memory(problem);
    }
    if (!good) {
        free(text);
        return NULL;
    }
    return text;
}
