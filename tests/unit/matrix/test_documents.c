#include "matrix/documents.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char directory[] = "/tmp/test_documents.XXXXXX";
static char path[sizeof(directory) + sizeof("/extra.json")];

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/extra.json", directory);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return remove(path) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static void write_file(const char *text, size_t length)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* Compares a rendered document, which it frees. */
static void assert_document(char *text, const char *expected)
{
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_client_document(const char *identity_server, const char *extra,
                                   const char *expected)
{
    json_t *object = json_loads(extra, 0, NULL);
    json_t *before = json_deep_copy(object);

    assert_non_null(object);
    assert_document(document_render_client("https://matrix.example.com", identity_server, object),
                    expected);
    assert_true(json_equal(object, before));
    json_decref(before);
    json_decref(object);
}

static void test_each_document_has_its_name(void **state)
{
    enum document document = DOCUMENT_COUNT;

    (void)state;
    assert_string_equal(document_name(DOCUMENT_SERVER), "server");
    assert_string_equal(document_name(DOCUMENT_POLICY_SERVER), "policy_server");
    for (int i = 0; i < DOCUMENT_COUNT; i++) {
        assert_true(document_by_name(document_name((enum document)i), &document));
        assert_int_equal(document, i);
    }
    assert_false(document_by_name("", &document));
    assert_false(document_by_name("Server", &document));
    assert_false(document_by_name("server/", &document));
    assert_false(document_by_name("serve", &document));
}

static void test_the_server_document(void **state)
{
    (void)state;
    assert_document(document_render_server("matrix.example.com:8448"),
                    "{\"m.server\":\"matrix.example.com:8448\"}");
}

static void test_the_client_document(void **state)
{
    (void)state;
    assert_document(document_render_client("https://matrix.example.com", NULL, NULL),
                    "{\"m.homeserver\":{\"base_url\":\"https://matrix.example.com\"}}");
    assert_document(
        document_render_client("https://matrix.example.com", "https://id.example.com", NULL),
        "{\"m.homeserver\":{\"base_url\":\"https://matrix.example.com\"},"
        "\"m.identity_server\":{\"base_url\":\"https://id.example.com\"}}");
}

static void test_extra_members_follow_in_their_own_order(void **state)
{
    (void)state;
    assert_client_document("https://id.example.com",
                           "{\"org.matrix.msc4143.rtc_foci\": [{\"type\": \"livekit\","
                           " \"livekit_service_url\": \"https://rtc.example.com\"}],"
                           " \"io.element.e2ee\": {\"default\": true}, \"a.b\": null}",
                           "{\"m.homeserver\":{\"base_url\":\"https://matrix.example.com\"},"
                           "\"m.identity_server\":{\"base_url\":\"https://id.example.com\"},"
                           "\"org.matrix.msc4143.rtc_foci\":[{\"type\":\"livekit\","
                           "\"livekit_service_url\":\"https://rtc.example.com\"}],"
                           "\"io.element.e2ee\":{\"default\":true},\"a.b\":null}");
    assert_client_document(NULL, "{}",
                           "{\"m.homeserver\":{\"base_url\":\"https://matrix.example.com\"}}");
}

static void test_extra_members_win_and_objects_are_merged(void **state)
{
    (void)state;
    assert_client_document("https://id.example.com",
                           "{\"z\": 1, \"m.identity_server\": {\"base_url\": \"https://other\"},"
                           " \"m.homeserver\": {\"com.example.x\": {\"y\": [2]}}}",
                           "{\"m.homeserver\":{\"base_url\":\"https://matrix.example.com\","
                           "\"com.example.x\":{\"y\":[2]}},"
                           "\"m.identity_server\":{\"base_url\":\"https://other\"},\"z\":1}");
    assert_client_document("https://id.example.com", "{\"m.identity_server\": null}",
                           "{\"m.homeserver\":{\"base_url\":\"https://matrix.example.com\"},"
                           "\"m.identity_server\":null}");
}

static void test_a_fraction_stays_as_it_was_written(void **state)
{
    (void)state;
    assert_client_document(NULL, "{\"a\": [0.1, -273.15, 1.0]}",
                           "{\"m.homeserver\":{\"base_url\":\"https://matrix.example.com\"},"
                           "\"a\":[0.1,-273.15,1.0]}");
}

static void test_a_fraction_keeps_its_value_to_the_last_bit(void **state)
{
    (void)state;
    assert_client_document(NULL, "{\"a\": [0.30000000000000004, 9007199254740993]}",
                           "{\"m.homeserver\":{\"base_url\":\"https://matrix.example.com\"},"
                           "\"a\":[0.30000000000000004,9007199254740993]}");
}

static void test_the_support_document(void **state)
{
    char role[] = "m.role.admin";
    char id[] = "@admin:example.com";
    char address[] = "admin@example.com";
    const struct contact contacts[] = {
        {.role = role, .matrix_id = id, .email_address = address},
        {.role = role, .email_address = address},
        {.role = role, .matrix_id = id},
    };

    (void)state;
    assert_document(
        document_render_support("https://example.com/support", contacts, 3),
        "{\"contacts\":[{\"role\":\"m.role.admin\",\"matrix_id\":\"@admin:example.com\","
        "\"email_address\":\"admin@example.com\"},"
        "{\"role\":\"m.role.admin\",\"email_address\":\"admin@example.com\"},"
        "{\"role\":\"m.role.admin\",\"matrix_id\":\"@admin:example.com\"}],"
        "\"support_page\":\"https://example.com/support\"}");
    assert_document(document_render_support("https://example.com/support", NULL, 0),
                    "{\"support_page\":\"https://example.com/support\"}");
    assert_document(document_render_support(NULL, contacts + 1, 1),
                    "{\"contacts\":[{\"role\":\"m.role.admin\","
                    "\"email_address\":\"admin@example.com\"}]}");
}

static void test_the_policy_server_document(void **state)
{
    (void)state;
    assert_document(
        document_render_policy_server("6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s"),
        "{\"public_keys\":{\"ed25519\":\"6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s\"}}");
}

static void test_text_that_is_not_utf8_gives_no_document(void **state)
{
    (void)state;
    assert_null(document_render_server("\xff"));
    assert_null(document_render_client("\xff", NULL, NULL));
    assert_null(document_render_client("https://a.example", "\xff", NULL));
    assert_null(document_render_policy_server("\xff"));
}

static void assert_loads(const char *json)
{
    struct problem problem = {0};
    json_t *expected = json_loads(json, 0, NULL);
    json_t *value;

    write_file(json, strlen(json));
    value = document_load_extra(path, &problem);
    if (!value) {
        fail_msg("was refused: %s", problem.text);
    }
    assert_true(json_equal(value, expected));
    json_decref(value);
    json_decref(expected);
}

/* What document_load_extra says of the file, after its name. */
static void assert_file_refused(const char *part)
{
    struct problem problem = {0};

    assert_null(document_load_extra(path, &problem));
    assert_says(&problem, part);
    assert_memory_equal(problem.text, path, strlen(path));
}

static void assert_bytes_refused(const char *bytes, size_t length, const char *part)
{
    write_file(bytes, length);
    assert_file_refused(part);
}

static void assert_text_refused(const char *text, const char *part)
{
    assert_bytes_refused(text, strlen(text), part);
}

static void test_an_object_is_loaded(void **state)
{
    (void)state;
    assert_loads("{}");
    assert_loads("\n {\"a\": {\"\xc3\xa4\": [1, 2.5, \"\\u65E5\"]}}\n\n");
}

static void test_what_is_no_object_is_named(void **state)
{
    (void)state;
    assert_text_refused("[1]", ": holds an array: a JSON object is wanted");
    assert_text_refused("\"x\"", ": holds a string");
    assert_text_refused("12", ": holds a number");
    assert_text_refused("1.5", ": holds a number");
    assert_text_refused("false", ": holds a boolean");
    assert_text_refused("null", ": holds null");
    assert_text_refused("", ": is empty: write a JSON object");
}

static void test_broken_json_is_named_by_its_line(void **state)
{
    (void)state;
    assert_text_refused("{\n\"a\": 1,\n}", "extra.json:3: ");
    assert_text_refused("{\n\n\"a\": 1", "extra.json:3: ");
    assert_text_refused("{} {}", "extra.json:1: end of file expected near '{'");
    assert_text_refused("{'a': 1}", "extra.json:1: ");
    assert_text_refused("{\"a\": tru}", "extra.json:1: ");
    assert_text_refused(" \n ", ": correct the JSON");
    assert_text_refused("{\"a\": \"x\ny\"}", "extra.json:1: ");
    assert_text_refused("{\"a\": 1e999}", "extra.json:1: ");
    assert_text_refused("{\"a\":\n \"\xe4\"}", "extra.json:2: unable to decode byte 0xe4");
    assert_text_refused("{\"a\": \"\\ud800\"}", "extra.json:1: ");
    assert_text_refused("{\"a\": \"\\u0000\"}", "extra.json:1: ");
}

static void test_a_repeated_key_is_refused(void **state)
{
    (void)state;
    assert_text_refused("{\"a\": 1,\n\"a\": 1}", "extra.json:2: duplicate object key");
    assert_text_refused("{\"b\": {\"a\": 1, \"a\": 2}}", "duplicate object key");
}

static void test_bytes_that_are_no_utf8_text_are_named(void **state)
{
    (void)state;
    assert_bytes_refused("{\"a\": \"\0\"}", sizeof("{\"a\": \"\0\"}") - 1, "contains a NUL byte");
    assert_bytes_refused("{\0}\0", sizeof("{\0}\0") - 1, "contains a NUL byte"); /* UTF-16 */
    assert_text_refused("\xef\xbb\xbf{}", "begins with a byte order mark");
}

/* Writes an object that holds arrays in one another, `levels` deep with itself. */
static void write_nested(size_t levels)
{
    char *text = malloc(2 * levels + 5);
    size_t arrays = levels - 1;

    assert_non_null(text);
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', arrays);
    memset(text + 5 + arrays, ']', arrays);
    text[5 + 2 * arrays] = '}';
    write_file(text, 5 + 2 * arrays + 1);
    free(text);
}

static void test_nesting_ends_at_32_levels(void **state)
{
    struct problem problem = {0};
    json_t *value;

    (void)state;
    write_nested(32);
    value = document_load_extra(path, &problem);
    assert_non_null(value);
    json_decref(value);
    write_nested(33);
    assert_file_refused("nests more than 32 levels deep");
    write_nested(5000);
    assert_file_refused("nests more than 32 levels deep");
}

static void test_objects_and_arrays_count_alike(void **state)
{
    static const char inner[] = "{\"a\":[";
    char text[17 * sizeof(inner) + 40] = "";

    (void)state;
    for (int i = 0; i < 17; i++) {
        memcpy(text + strlen(text), inner, sizeof(inner));
    }
    for (int i = 0; i < 17; i++) {
        memcpy(text + strlen(text), "]}", 3);
    }
    assert_text_refused(text, "nests more than 32 levels deep");
}

static void test_a_file_has_at_most_64_kib(void **state)
{
    static char text[65537];
    struct problem problem = {0};
    json_t *value;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "{}", 2);
    write_file(text, 65536);
    value = document_load_extra(path, &problem);
    assert_non_null(value);
    json_decref(value);
    write_file(text, 65537);
    assert_file_refused("has 65537 bytes: the limit is 65536");
    assert_int_equal(truncate(path, 10L * 1000 * 1000), 0);
    assert_file_refused("has 10000000 bytes");
}

static void test_a_file_without_a_size_has_the_same_limit(void **state)
{
    struct problem problem = {0};

    (void)state;
    /* Files in /proc say they are empty, and are not. */
    assert_null(document_load_extra("/proc/self/status", &problem));
    assert_says(&problem, "/proc/self/status:1: ");
}

static void test_what_is_no_regular_file_is_named(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_null(document_load_extra(directory, &problem));
    assert_says(&problem, ": is a directory");
    assert_null(document_load_extra("/dev/zero", &problem));
    assert_says(&problem, "/dev/zero: is a device");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_file_refused(": is a pipe");
    assert_int_equal(unlink(path), 0);
    assert_file_refused(": No such file or directory");
    assert_int_equal(symlink("extra.json", path), 0);
    assert_file_refused(": Too many levels of symbolic links");
}

static void test_a_path_is_shown_on_one_line(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_null(document_load_extra("/nonexistent/a\nb", &problem));
    assert_says(&problem, "/nonexistent/a?b: cannot open it: No such file");
}

static bool check_contact(const char *role, const char *matrix_id, const char *email_address,
                          struct problem *problem)
{
    char *role_copy = role ? strdup(role) : NULL;
    char *id_copy = matrix_id ? strdup(matrix_id) : NULL;
    char *address_copy = email_address ? strdup(email_address) : NULL;
    struct contact contact = {
        .role = role_copy, .matrix_id = id_copy, .email_address = address_copy};
    bool ok = document_check_contact(&contact, problem);

    free(role_copy);
    free(id_copy);
    free(address_copy);
    return ok;
}

static void assert_contact(const char *role, const char *matrix_id, const char *email_address)
{
    struct problem problem = {0};

    if (!check_contact(role, matrix_id, email_address, &problem)) {
        fail_msg("was refused: %s", problem.text);
    }
}

static void assert_contact_refused(const char *role, const char *matrix_id,
                                   const char *email_address, const char *part)
{
    struct problem problem = {0};

    if (check_contact(role, matrix_id, email_address, &problem)) {
        fail_msg("\"%s\" \"%s\" \"%s\" was accepted", role, matrix_id, email_address);
    }
    assert_says(&problem, part);
}

static void test_a_contact_has_a_role_and_a_way_to_reach_it(void **state)
{
    (void)state;
    assert_contact("m.role.admin", "@admin:example.com", "admin@example.com");
    assert_contact("m.role.security", NULL, "security@example.com");
    assert_contact("m.role.admin", "@admin:example.com", NULL);
    assert_contact_refused(NULL, NULL, "a@example.com", "a contact without a role: add role");
    assert_contact_refused("", NULL, "a@example.com", "a contact without a role");
    assert_contact_refused("m.role.admin", NULL, NULL,
                           "no way to reach it: add matrix_id, email_address or both");
}

static void test_a_role_is_the_specifications_or_namespaced(void **state)
{
    static const char address[] = "a@example.com";
    char role[257];

    (void)state;
    assert_contact("com.example.moderator", NULL, address);
    assert_contact("a.b-c_d.0", NULL, address);
    assert_contact_refused("admin", NULL, address, "write \"m.role.admin\"");
    assert_contact_refused("security", NULL, address, "write \"m.role.security\"");
    assert_contact_refused("m.role.moderator", NULL, address, "is not in the Matrix specification");
    assert_contact_refused("m.", NULL, address, "is not in the Matrix specification");
    assert_contact_refused("moderator", NULL, address, "is no namespaced identifier");
    assert_contact_refused("Com.example.x", NULL, address, "is no namespaced identifier");
    assert_contact_refused("com.example.Admin", NULL, address, "is no namespaced identifier");
    assert_contact_refused("com..example", NULL, address, "is no namespaced identifier");
    assert_contact_refused(".com.example", NULL, address, "is no namespaced identifier");
    assert_contact_refused("com.example.", NULL, address, "is no namespaced identifier");
    assert_contact_refused("1com.example", NULL, address, "is no namespaced identifier");
    assert_contact_refused("com.example admin", NULL, address, "is no namespaced identifier");
    assert_contact_refused("com.ex\xc3\xa4mple", NULL, address, "is no namespaced identifier");
    memset(role, 'a', sizeof(role));
    role[3] = '.';
    role[255] = '\0';
    assert_contact(role, NULL, address);
    role[255] = 'a';
    role[256] = '\0';
    assert_contact_refused(role, NULL, address, "is no namespaced identifier");
}

static void assert_matrix_id_refused(const char *id, const char *part)
{
    assert_contact_refused("m.role.admin", id, "admin@example.com", part);
}

static void test_a_matrix_id_is_a_user_identifier(void **state)
{
    char id[300];

    (void)state;
    assert_contact("m.role.admin", "@a.b_c=d-e/f+1:example.com:8448", NULL);
    assert_contact("m.role.admin", "@Historical!:[::1]", NULL);
    assert_matrix_id_refused("", "does not begin with @");
    assert_matrix_id_refused("admin:example.com", "does not begin with @: a Matrix user identifier "
                                                  "is @, a name, a colon and a server name");
    assert_matrix_id_refused("admin@example.com", "does not begin with @");
    assert_matrix_id_refused("https://matrix.to/#/@a:example.com", "does not begin with @");
    assert_matrix_id_refused("@admin", "names no server");
    assert_matrix_id_refused("@:example.com", "has no name before the colon");
    assert_matrix_id_refused("@admin:", "matrix_id \"@admin:\": the value is empty");
    assert_matrix_id_refused("@ad min:example.com", "has a name with white space");
    assert_matrix_id_refused("@ad\nmin:example.com", "has a name with white space");
    assert_matrix_id_refused("@m\xc3\xa4x:example.com", "not ASCII");
    assert_matrix_id_refused("@admin:https://example.com", "is a URL");
    assert_matrix_id_refused("@admin:exa_mple.com", "contains an underscore");
    memset(id, 'a', sizeof(id));
    memcpy(id, "@", 1);
    memcpy(id + 243, ":example.com", 13);
    assert_int_equal(strlen(id), 255);
    assert_contact("m.role.admin", id, NULL);
    memcpy(id + 243, "a:example.com", 14);
    assert_matrix_id_refused(id, "has 256 characters: the limit is 255");
}

static void assert_email_refused(const char *address, const char *part)
{
    assert_contact_refused("m.role.admin", "@admin:example.com", address, part);
}

static void test_an_email_address_is_one_address_alone(void **state)
{
    char address[400];

    (void)state;
    assert_contact("m.role.admin", NULL, "a.b+matrix@mail.example.com");
    assert_contact("m.role.admin", NULL, "o'neil!#$%&*/=?^_`{|}~-@xn--mtrix-gra.example");
    assert_contact("m.role.admin", NULL, "root@localhost");
    assert_email_refused("", "has no @");
    assert_email_refused("admin", "has no @: write the address alone");
    assert_email_refused("@example.com", "has no name before the @");
    assert_email_refused("admin@", "email_address \"admin@\": the value is empty");
    assert_email_refused("mailto:admin@example.com", "is a URL");
    assert_email_refused("Admin <admin@example.com>", "is none that every mail server takes");
    assert_email_refused("a@example.com, b@example.com", "is none that every mail server takes");
    assert_email_refused("a@b@example.com", "is none that every mail server takes");
    assert_email_refused(".a@example.com", "is none that every mail server takes");
    assert_email_refused("a.@example.com", "is none that every mail server takes");
    assert_email_refused("a..b@example.com", "is none that every mail server takes");
    assert_email_refused("a b@example.com", "is none that every mail server takes");
    assert_email_refused("m\xc3\xa4x@example.com", "is none that every mail server takes");
    assert_email_refused("admin@example.com\n", "\\x0a\" contains white space");
    assert_email_refused("admin@[1.2.3.4]", "is no IPv6 address");
    assert_email_refused("admin@1.2.3.4", "has no domain name after the @");
    assert_email_refused("admin@exa_mple.com", "contains an underscore");
    memset(address, 'a', sizeof(address));
    memcpy(address + 64, "@example.com", 13);
    assert_contact("m.role.admin", NULL, address);
    memcpy(address + 64, "a@example.com", 14);
    assert_email_refused(address, "is too long: the limit is 254 characters, 64 before the @");
    for (size_t i = 0; i < 200; i++) {
        address[i] = i == 3 ? '@' : i % 50 == 49 ? '.' : 'a';
    }
    memcpy(address + 200, "aaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 55);
    assert_int_equal(strlen(address), 254);
    assert_contact("m.role.admin", NULL, address);
    memcpy(address + 254, "a", 2);
    assert_email_refused(address, "is too long");
}

static void assert_key_refused(const char *key, const char *part)
{
    struct problem problem = {0};

    if (document_check_ed25519(key, &problem)) {
        fail_msg("\"%s\" was accepted", key);
    }
    assert_says(&problem, part);
}

static void test_an_ed25519_key_is_32_bytes_of_unpadded_base64(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_true(document_check_ed25519("6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s", &problem));
    assert_true(document_check_ed25519("6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s", &problem));
    assert_key_refused("", "has 0 characters: an Ed25519 public key is 32 bytes, which are 43");
    assert_key_refused("6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-", "has 42 characters");
    assert_key_refused("6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-sA", "has 44 characters");
    assert_key_refused("6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s=", "has padding: remove the =");
    assert_key_refused("6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb+M7LlC6NS-s", "mixes its standard and");
    assert_key_refused("6yhHGKhCiXTSEN2ksjV7kX N6rBQZ3Xb-M7LlC6NS-s", "characters that base64 has");
    assert_key_refused("ed25519:6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s", "has characters");
    assert_key_refused("6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-t", "ends with \"t\"");
    assert_key_refused("eb284718a8428974d210dda4b2357b917fcdeab0506775dbf8cecb942e8d4beb",
                       "has 64 characters");
}

/* The bits that 43 characters carry too many are the lowest two of the last character. */
static void test_the_last_character_of_a_key_carries_no_stray_bits(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        char key[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        struct problem problem = {0};

        key[42] = alphabet[i];
        assert_int_equal(document_check_ed25519(key, &problem), i % 4 == 0);
    }
}

#define file_test(function) cmocka_unit_test_teardown(function, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_document_has_its_name),
        cmocka_unit_test(test_the_server_document),
        cmocka_unit_test(test_the_client_document),
        cmocka_unit_test(test_extra_members_follow_in_their_own_order),
        cmocka_unit_test(test_extra_members_win_and_objects_are_merged),
        cmocka_unit_test(test_a_fraction_stays_as_it_was_written),
        cmocka_unit_test(test_a_fraction_keeps_its_value_to_the_last_bit),
        cmocka_unit_test(test_the_support_document),
        cmocka_unit_test(test_the_policy_server_document),
        cmocka_unit_test(test_text_that_is_not_utf8_gives_no_document),
        file_test(test_an_object_is_loaded),
        file_test(test_what_is_no_object_is_named),
        file_test(test_broken_json_is_named_by_its_line),
        file_test(test_a_repeated_key_is_refused),
        file_test(test_bytes_that_are_no_utf8_text_are_named),
        file_test(test_nesting_ends_at_32_levels),
        file_test(test_objects_and_arrays_count_alike),
        file_test(test_a_file_has_at_most_64_kib),
        cmocka_unit_test(test_a_file_without_a_size_has_the_same_limit),
        file_test(test_what_is_no_regular_file_is_named),
        cmocka_unit_test(test_a_path_is_shown_on_one_line),
        cmocka_unit_test(test_a_contact_has_a_role_and_a_way_to_reach_it),
        cmocka_unit_test(test_a_role_is_the_specifications_or_namespaced),
        cmocka_unit_test(test_a_matrix_id_is_a_user_identifier),
        cmocka_unit_test(test_an_email_address_is_one_address_alone),
        cmocka_unit_test(test_an_ed25519_key_is_32_bytes_of_unpadded_base64),
        cmocka_unit_test(test_the_last_character_of_a_key_carries_no_stray_bits),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
