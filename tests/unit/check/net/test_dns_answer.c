#include "check/net/dns_answer.h"

#include "unit.h"

/* A message under construction. */
struct message {
    unsigned char bytes[8192];
    size_t length;
};

static void put(struct message *message, const void *data, size_t length)
{
    memcpy(message->bytes + message->length, data, length);
    message->length += length;
}

static void put16(struct message *message, unsigned value)
{
    unsigned char bytes[] = {(unsigned char)(value >> 8), (unsigned char)value};
    put(message, bytes, 2);
}

/* A name in labels: "a.b" becomes 1 a 1 b 0. */
static void put_name(struct message *message, const char *name)
{
    while (*name != '\0') {
        size_t length = strcspn(name, ".");
        unsigned char size = (unsigned char)length;
        put(message, &size, 1);
        put(message, name, length);
        name += length + (name[length] == '.' ? 1 : 0);
    }
    put(message, "", 1);
}

static void begin(struct message *message, const char *name, unsigned type, unsigned answers)
{
    message->length = 0;
    put16(message, 0x1234);
    put16(message, 0x8180);
    put16(message, 1);
    put16(message, answers);
    put16(message, 0);
    put16(message, 0);
    put_name(message, name);
    put16(message, type);
    put16(message, 1);
}

static void put_record(struct message *message, const char *owner, unsigned type, const void *data,
                       size_t length)
{
    put_name(message, owner);
    put16(message, type);
    put16(message, 1);
    put16(message, 0);
    put16(message, 300);
    put16(message, (unsigned)length);
    put(message, data, length);
}

static void put_alias(struct message *message, const char *owner, const char *target)
{
    struct message data = {.length = 0};
    put_name(&data, target);
    put_record(message, owner, DNS_CNAME, data.bytes, data.length);
}

static void put_service(struct message *message, const char *owner, unsigned priority,
                        unsigned weight, unsigned port, const char *target)
{
    struct message data = {.length = 0};
    put16(&data, priority);
    put16(&data, weight);
    put16(&data, port);
    put_name(&data, target);
    put_record(message, owner, DNS_SRV, data.bytes, data.length);
}

static bool parse(const struct message *message, const char *name, enum dns_type type,
                  struct dns_answer *answer)
{
    return dns_answer_parse(message->bytes, message->length, name, type, answer);
}

static void test_addresses_behind_aliases_are_found(void **state)
{
    (void)state;
    struct message message;
    struct dns_answer answer;
    begin(&message, "a.example", DNS_A, 3);
    put_alias(&message, "B.example", "c.example");
    put_alias(&message, "A.Example", "b.EXAMPLE");
    put_record(&message, "c.example", DNS_A, "\300\0\2\1", 4);
    assert_true(parse(&message, "a.example", DNS_A, &answer));
    assert_int_equal(answer.count, 1);
    assert_true(answer.alias);
    assert_string_equal(answer.canonical, "c.example");
    char text[IP_TEXT_SIZE];
    assert_string_equal(ip_address_text(&answer.records[0].address, text), "192.0.2.1");
}

static void test_records_of_other_names_and_types_are_left_out(void **state)
{
    (void)state;
    struct message message;
    struct dns_answer answer;
    begin(&message, "a.example", DNS_A, 3);
    put_record(&message, "b.example", DNS_A, "\300\0\2\1", 4);
    put_record(&message, "a.example", DNS_AAAA, "0123456789abcdef", 16);
    put_record(&message, "a.example", 16, "\4text", 5);
    assert_true(parse(&message, "a.example", DNS_A, &answer));
    assert_int_equal(answer.count, 0);
    assert_false(answer.alias);
}

static void test_service_records_are_read(void **state)
{
    (void)state;
    struct message message;
    struct dns_answer answer;
    const char *name = "_matrix-fed._tcp.example.com";
    begin(&message, name, DNS_SRV, 2);
    put_service(&message, name, 10, 5, 8448, "matrix.example.com");
    put_service(&message, name, 65535, 0, 0, "");
    assert_true(parse(&message, name, DNS_SRV, &answer));
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.records[0].priority, 10);
    assert_int_equal(answer.records[0].weight, 5);
    assert_int_equal(answer.records[0].port, 8448);
    assert_string_equal(answer.records[0].target, "matrix.example.com");
    assert_string_equal(answer.records[1].target, ".");
}

static void test_more_records_than_are_kept_are_noticed(void **state)
{
    (void)state;
    struct message message;
    struct dns_answer answer;
    begin(&message, "a.example", DNS_A, DNS_RECORD_LIMIT + 1);
    for (int i = 0; i <= DNS_RECORD_LIMIT; i++) {
        put_record(&message, "a.example", DNS_A, "\300\0\2\1", 4);
    }
    assert_true(parse(&message, "a.example", DNS_A, &answer));
    assert_int_equal(answer.count, DNS_RECORD_LIMIT);
    assert_true(answer.more);
}

static void test_aliases_in_a_circle_are_refused(void **state)
{
    (void)state;
    struct message message;
    struct dns_answer answer;
    begin(&message, "a.example", DNS_A, 2);
    put_alias(&message, "a.example", "b.example");
    put_alias(&message, "b.example", "a.example");
    assert_false(parse(&message, "a.example", DNS_A, &answer));
}

static void test_broken_messages_are_refused(void **state)
{
    (void)state;
    struct message message;
    struct dns_answer answer;
    begin(&message, "a.example", DNS_A, 1);
    put_record(&message, "a.example", DNS_A, "\300\0\2", 3);
    assert_false(parse(&message, "a.example", DNS_A, &answer));
    begin(&message, "a.example", DNS_SRV, 1);
    put_record(&message, "a.example", DNS_SRV, "\0\1\0\1\0\1", 6);
    assert_false(parse(&message, "a.example", DNS_SRV, &answer));
    begin(&message, "a.example", DNS_SRV, 1);
    put_record(&message, "a.example", DNS_SRV, "\0\1\0\1\0\1\77", 7);
    assert_false(parse(&message, "a.example", DNS_SRV, &answer));
    begin(&message, "a.example", DNS_A, 1);
    put_name(&message, "");
    message.bytes[message.length - 1] = 0xc0; /* a pointer that is cut off */
    assert_false(parse(&message, "a.example", DNS_A, &answer));
    begin(&message, "a.example", DNS_A, 65535);
    assert_false(parse(&message, "a.example", DNS_A, &answer));
}

static void test_a_message_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct message message;
    struct dns_answer answer;
    const char *name = "_matrix._tcp.a.example";
    begin(&message, name, DNS_SRV, 2);
    put_alias(&message, name, "b.example");
    put_service(&message, "b.example", 1, 2, 3, "c.example");
    for (size_t length = 0; length < message.length; length++) {
        struct message cut = message;
        cut.length = length;
        if (parse(&cut, name, DNS_SRV, &answer)) {
            fail_msg("%zu of %zu bytes were accepted", length, message.length);
        }
    }
    assert_true(parse(&message, name, DNS_SRV, &answer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_behind_aliases_are_found),
        cmocka_unit_test(test_records_of_other_names_and_types_are_left_out),
        cmocka_unit_test(test_service_records_are_read),
        cmocka_unit_test(test_more_records_than_are_kept_are_noticed),
        cmocka_unit_test(test_aliases_in_a_circle_are_refused),
        cmocka_unit_test(test_broken_messages_are_refused),
        cmocka_unit_test(test_a_message_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
