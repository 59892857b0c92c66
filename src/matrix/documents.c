#include "matrix/documents.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/file.h"
#include "matrix/server_name.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum {
    EXTRA_SIZE_LIMIT = 64 * 1024, /* bytes of a client_extra file */
    EXTRA_DEPTH_LIMIT = 32,       /* objects and arrays inside one another */
    IDENTIFIER_LIMIT = 255,       /* bytes of a user identifier or a namespaced identifier */
    EMAIL_LIMIT = 254,            /* RFC 5321, section 4.5.3.1.3, without the angle brackets */
    EMAIL_LOCAL_LIMIT = 64,       /* RFC 5321, section 4.5.3.1.1 */
    KEY_LENGTH = 43,              /* 32 bytes in base64 without its padding */
};

static const char *const names[DOCUMENT_COUNT] = {
    [DOCUMENT_SERVER] = "server",
    [DOCUMENT_CLIENT] = "client",
    [DOCUMENT_SUPPORT] = "support",
    [DOCUMENT_POLICY_SERVER] = "policy_server",
};

const char *document_name(enum document document)
{
    return names[document];
}

bool document_by_name(const char *name, enum document *document)
{
    for (int i = 0; i < DOCUMENT_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *document = (enum document)i;
            return true;
        }
    }
    return false;
}

/* The text of `value`, which is released, or NULL where it is NULL. */
static char *render(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

    json_decref(value);
    return text;
}

/* As render(), with the fewest digits for a fraction that give it back unchanged: a user who wrote
   0.1 does not find 0.10000000000000001. */
static char *render_with_fractions(json_t *value)
{
    char *text = NULL;

    for (size_t digits = 15; value && digits <= 17; digits++) {
        free(text);
        text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(digits));

        json_t *again = text ? json_loads(text, 0, NULL) : NULL;
        bool same = json_equal(value, again);

        json_decref(again);
        if (!text || same) {
            break;
        }
    }
    json_decref(value);
    return text;
}

char *document_render_server(const char *server)
{
    return render(json_pack("{s:s}", "m.server", server));
}

char *document_render_client(const char *base_url, const char *identity_server, const json_t *extra)
{
    json_t *document = json_pack("{s:{s:s}}", "m.homeserver", "base_url", base_url);

    if (document && identity_server &&
        json_object_set_new(document, "m.identity_server",
                            json_pack("{s:s}", "base_url", identity_server)) != 0) {
        json_decref(document);
        return NULL;
    }
    /* Jansson takes what it only reads (and counts references to) as not constant. */
    if (document && extra &&
        json_object_update_recursive(document, (json_t *)(uintptr_t)extra) != 0) {
        json_decref(document);
        return NULL;
    }
    return extra ? render_with_fractions(document) : render(document);
}

char *document_render_support(const char *page, const struct contact *contacts, size_t count)
{
    json_t *list = count > 0 ? json_array() : NULL;

    for (size_t i = 0; i < count; i++) {
        json_t *contact =
            json_pack("{s:s*, s:s*, s:s*}", "role", contacts[i].role, "matrix_id",
                      contacts[i].matrix_id, "email_address", contacts[i].email_address);

        if (json_array_append_new(list, contact) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return render(json_pack("{s:o*, s:s*}", "contacts", list, "support_page", page));
}

char *document_render_policy_server(const char *ed25519)
{
    return render(json_pack("{s:{s:s}}", "public_keys", "ed25519", ed25519));
}

/* Whether `value` nests at most `levels` deep. */
static bool is_shallow(const json_t *value, int levels)
{
    json_t *container = (json_t *)(uintptr_t)value;
    const char *key;
    json_t *item;
    size_t index;

    if (!json_is_object(value) && !json_is_array(value)) {
        return true;
    }
    if (levels == 0) {
        return false;
    }
    json_object_foreach(container, key, item)
    {
        if (!is_shallow(item, levels - 1)) {
            return false;
        }
    }
    json_array_foreach(container, index, item)
    {
        if (!is_shallow(item, levels - 1)) {
            return false;
        }
    }
    return true;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

static void fail_depth(const char *file, struct problem *problem)
{
    problem_set(problem, "%s: nests more than %d levels deep: no client reads that, flatten it",
                file, EXTRA_DEPTH_LIMIT);
}

static json_t *parse_extra(const char *path, const char *text, size_t length,
                           struct problem *problem)
{
    struct excerpt file = problem_excerpt(path);
    json_error_t error;

    if (length == 0) {
        problem_set(problem, "%s: is empty: write a JSON object, at least {}", file.text);
        return NULL;
    }
    if (memchr(text, '\0', length)) {
        problem_set(problem, "%s: contains a NUL byte: JSON is text, save it as UTF-8", file.text);
        return NULL;
    }
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        problem_set(problem, "%s: begins with a byte order mark: save it as UTF-8 without one",
                    file.text);
        return NULL;
    }
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value && json_error_code(&error) == json_error_stack_overflow) {
        fail_depth(file.text, problem);
        return NULL;
    }
    if (!value) {
        problem_set(problem, "%s:%d: %s: correct the JSON", file.text, error.line,
                    problem_excerpt(error.text).text);
        return NULL;
    }
    if (!json_is_object(value)) {
        problem_set(problem, "%s: holds %s: a JSON object is wanted, as in {\"key\": \"value\"}",
                    file.text, type_name(value));
    } else if (!is_shallow(value, EXTRA_DEPTH_LIMIT)) {
        fail_depth(file.text, problem);
    } else {
        return value;
    }
    json_decref(value);
    return NULL;
}

json_t *document_load_extra(const char *path, struct problem *problem)
{
    struct file_content file;
    json_t *value = NULL;

    if (file_read(path, EXTRA_SIZE_LIMIT, &file, NULL, problem) == FILE_GOOD) {
        value = parse_extra(path, file.bytes, file.size, problem);
    }
    file_wipe(&file);
    return value;
}

/* Whether `role` is a name of one's own by the Common Namespaced Identifier Grammar (Appendices):
   Java package naming, that is, two or more parts between dots. */
static bool is_namespaced(const char *role)
{
    size_t length = strlen(role);

    return length <= IDENTIFIER_LIMIT && strspn(role, LOWER DIGITS "-_.") == length &&
           strchr(LOWER, role[0]) && strchr(role, '.') && role[length - 1] != '.' &&
           !strstr(role, "..");
}

static bool check_role(const char *role, struct problem *problem)
{
    if (!role || *role == '\0') {
        return problem_set(problem, "a contact without a role: add role = \"m.role.admin\" or "
                                    "\"m.role.security\"");
    }
    if (strcmp(role, "m.role.admin") == 0 || strcmp(role, "m.role.security") == 0) {
        return true;
    }
    if (strcmp(role, "admin") == 0 || strcmp(role, "security") == 0) {
        return problem_set(problem, "role \"%s\" lacks its namespace: write \"m.role.%s\"", role,
                           role);
    }
    if (strncmp(role, "m.", 2) == 0) {
        return problem_set(problem,
                           "role \"%s\" is not in the Matrix specification, to which names in "
                           "\"m.\" belong: use \"m.role.admin\" or \"m.role.security\"",
                           problem_excerpt(role).text);
    }
    if (!is_namespaced(role)) {
        return problem_set(problem,
                           "role \"%s\" is no namespaced identifier: use \"m.role.admin\", "
                           "\"m.role.security\" or a reversed domain name in lower case, for "
                           "example \"com.example.moderator\"",
                           problem_excerpt(role).text);
    }
    return true;
}

/* Checks a user identifier (Appendices, "User Identifiers"), its local part as far as historical
   ones go: the printable ASCII characters except the colon. */
static bool check_matrix_id(const char *id, struct problem *problem)
{
    static const char right[] =
        "a Matrix user identifier is @, a name, a colon and a server name, for example "
        "\"@admin:example.com\"";
    struct excerpt shown = problem_excerpt(id);
    const char *colon = strchr(id, ':');
    struct server_name server;

    if (*id != '@') {
        return problem_set(problem, "matrix_id \"%s\" does not begin with @: %s", shown.text,
                           right);
    }
    if (!colon) {
        return problem_set(problem, "matrix_id \"%s\" names no server: %s", shown.text, right);
    }
    if (colon == id + 1) {
        return problem_set(problem, "matrix_id \"%s\" has no name before the colon: %s", shown.text,
                           right);
    }
    for (const char *c = id + 1; c < colon; c++) {
        if (*c <= ' ' || *c > '~') {
            return problem_set(problem,
                               "matrix_id \"%s\" has a name with white space, a control character "
                               "or a character that is not ASCII: %s",
                               shown.text, right);
        }
    }
    if (strlen(id) > IDENTIFIER_LIMIT) {
        return problem_set(problem, "matrix_id \"%s\" has %zu characters: the limit is %d",
                           shown.text, strlen(id), IDENTIFIER_LIMIT);
    }
    if (!server_name_parse(colon + 1, &server, problem)) {
        return problem_prefix(problem, "matrix_id \"%s\": ", shown.text);
    }
    return true;
}

/* Checks an e-mail address: local@domain with an unquoted local part (RFC 5321, section 4.1.2). */
static bool check_email(const char *address, struct problem *problem)
{
    static const char right[] = "write the address alone, for example \"admin@example.com\"";
    struct excerpt shown = problem_excerpt(address);
    const char *at = strrchr(address, '@');
    size_t local = at ? (size_t)(at - address) : 0;
    struct server_name domain;

    if (strncasecmp(address, "mailto:", 7) == 0) {
        return problem_set(problem, "email_address \"%s\" is a URL: %s", shown.text, right);
    }
    if (!at || local == 0) {
        return problem_set(problem, "email_address \"%s\" has no %s: %s", shown.text,
                           at ? "name before the @" : "@", right);
    }
    if (strspn(address, UPPER LOWER DIGITS ".!#$%&'*+/=?^_`{|}~-") != local || *address == '.' ||
        at[-1] == '.' || strstr(address, "..")) {
        return problem_set(problem, "email_address \"%s\" is none that every mail server takes: %s",
                           shown.text, right);
    }
    if (local > EMAIL_LOCAL_LIMIT || strlen(address) > EMAIL_LIMIT) {
        return problem_set(problem,
                           "email_address \"%s\" is too long: the limit is %d characters, %d "
                           "before the @",
                           shown.text, EMAIL_LIMIT, EMAIL_LOCAL_LIMIT);
    }
    if (!server_name_parse_host(at + 1, &domain, problem)) {
        return problem_prefix(problem, "email_address \"%s\": ", shown.text);
    }
    if (domain.kind != SERVER_NAME_DNS) {
        return problem_set(problem, "email_address \"%s\" has no domain name after the @: %s",
                           shown.text, right);
    }
    return true;
}

bool document_check_contact(const struct contact *contact, struct problem *problem)
{
    if (!check_role(contact->role, problem)) {
        return false;
    }
    if (!contact->matrix_id && !contact->email_address) {
        return problem_set(problem,
                           "a contact of role \"%s\" with no way to reach it: add matrix_id, "
                           "email_address or both",
                           problem_excerpt(contact->role).text);
    }
    return (!contact->matrix_id || check_matrix_id(contact->matrix_id, problem)) &&
           (!contact->email_address || check_email(contact->email_address, problem));
}

bool document_check_ed25519(const char *key, struct problem *problem)
{
    static const char right[] = "an Ed25519 public key is 32 bytes, which are 43 characters of "
                                "base64 without padding";
    size_t length = strlen(key);
    size_t standard = strspn(key, base64_alphabet);
    size_t url_safe = strspn(key, base64url_alphabet);
    size_t unpadded = standard > url_safe ? standard : url_safe;
    struct excerpt shown = problem_excerpt(key);

    if (unpadded == KEY_LENGTH && strcmp(key + unpadded, "=") == 0) {
        return problem_set(problem, "\"%s\" has padding: remove the = at its end", shown.text);
    }
    if (unpadded < length) {
        return problem_set(problem,
                           "\"%s\" has characters that base64 has not, or mixes its standard and "
                           "its URL-safe alphabet: %s",
                           shown.text, right);
    }
    if (length != KEY_LENGTH) {
        return problem_set(problem, "\"%s\" has %zu characters: %s", shown.text, length, right);
    }
    if (!base64_is_canonical(key)) {
        return problem_set(problem,
                           "\"%s\" ends with \"%c\", as no key of 32 bytes does: copy it "
                           "again",
                           shown.text, key[KEY_LENGTH - 1]);
    }
    return true;
}
