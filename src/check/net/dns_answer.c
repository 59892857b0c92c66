#include "check/net/dns_answer.h"

#include <ares.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    HEADER_LENGTH = 12,
    CLASS_IN = 1,
};

/* A place in a message, and the message. */
struct reader {
    const unsigned char *message;
    size_t length;
    size_t at;
};

/* One record, its data still in the message. */
struct raw_record {
    char owner[DNS_NAME_SIZE];
    uint16_t type;
    uint16_t class;
    size_t data;
    uint16_t data_length;
};

static uint16_t number_at(const struct reader *reader, size_t at)
{
    return (uint16_t)(reader->message[at] << 8 | reader->message[at + 1]);
}

/* Reads a name, compressed or not, in text without a dot at the end ("." for the root). */
static bool read_name(struct reader *reader, char *name)
{
    if (reader->at >= reader->length) {
        return false;
    }
    char *expanded = NULL;
    long used = 0;
    int status = ares_expand_name(reader->message + reader->at, reader->message,
                                  (int)reader->length, &expanded, &used);
    if (status != ARES_SUCCESS) {
        return false;
    }
    size_t length = strlen(expanded);
    bool fits = length < DNS_NAME_SIZE && used > 0;
    if (fits) {
        memcpy(name, length == 0 ? "." : expanded, length == 0 ? 2 : length + 1);
        reader->at += (size_t)used;
    }
    ares_free_string(expanded);
    return fits;
}

static bool read_record(struct reader *reader, struct raw_record *record)
{
    if (!read_name(reader, record->owner) || reader->length < reader->at + 10) {
        return false;
    }
    record->type = number_at(reader, reader->at);
    record->class = number_at(reader, reader->at + 2);
    record->data_length = number_at(reader, reader->at + 8);
    record->data = reader->at + 10;
    if (reader->length - record->data < record->data_length) {
        return false;
    }
    reader->at = record->data + record->data_length;
    return true;
}

/* Moves to the first record of the answer section and says how many records that has. */
static bool skip_question(struct reader *reader, unsigned *records)
{
    if (reader->length < HEADER_LENGTH) {
        return false;
    }
    unsigned questions = number_at(reader, 4);
    *records = number_at(reader, 6);
    reader->at = HEADER_LENGTH;
    for (unsigned i = 0; i < questions; i++) {
        char name[DNS_NAME_SIZE];
        if (!read_name(reader, name) || reader->length < reader->at + 4) {
            return false;
        }
        reader->at += 4;
    }
    return true;
}

/* Finds the CNAME of `name` and puts its target there. */
static bool follow_alias(struct reader reader, unsigned records, char *name, bool *found)
{
    *found = false;
    for (unsigned i = 0; i < records; i++) {
        struct raw_record record;
        if (!read_record(&reader, &record)) {
            return false;
        }
        if (record.type == DNS_CNAME && record.class == CLASS_IN &&
            strcasecmp(record.owner, name) == 0) {
            struct reader data = {reader.message, reader.length, record.data};
            *found = true;
            return read_name(&data, name);
        }
    }
    return true;
}

static bool read_data(const struct reader *reader, const struct raw_record *raw,
                      struct dns_record *record)
{
    const unsigned char *data = reader->message + raw->data;
    memset(record, 0, sizeof(*record));
    if (raw->type == DNS_A && raw->data_length == 4) {
        record->address = ip_address_from_bytes(AF_INET, data);
        return true;
    }
    if (raw->type == DNS_AAAA && raw->data_length == 16) {
        record->address = ip_address_from_bytes(AF_INET6, data);
        return true;
    }
    if (raw->type == DNS_SRV && raw->data_length >= 7) {
        record->priority = number_at(reader, raw->data);
        record->weight = number_at(reader, raw->data + 2);
        record->port = number_at(reader, raw->data + 4);
        struct reader target = {reader->message, reader->length, raw->data + 6};
        return read_name(&target, record->target);
    }
    return false;
}

bool dns_answer_parse(const unsigned char *message, size_t length, const char *name,
                      enum dns_type type, struct dns_answer *answer)
{
    struct reader reader = {message, length, 0};
    unsigned records = 0;
    memset(answer, 0, sizeof(*answer));
    size_t name_length = strlen(name);
    if (name_length >= DNS_NAME_SIZE || length > 65535 || !skip_question(&reader, &records)) {
        return false;
    }
    memcpy(answer->canonical, name, name_length + 1);
    bool found = true;
    for (int i = 0; found; i++) {
        if (i == DNS_CNAME_LIMIT || !follow_alias(reader, records, answer->canonical, &found)) {
            return false;
        }
        answer->alias = answer->alias || found;
    }
    for (unsigned i = 0; i < records; i++) {
        struct raw_record raw;
        struct dns_record record;
        if (!read_record(&reader, &raw)) {
            return false;
        }
        if (raw.type != type || raw.class != CLASS_IN ||
            strcasecmp(raw.owner, answer->canonical) != 0) {
            continue;
        }
        if (!read_data(&reader, &raw, &record)) {
            return false;
        }
        if (answer->count == DNS_RECORD_LIMIT) {
            answer->more = true;
        } else {
            answer->records[answer->count++] = record;
        }
    }
    return true;
}
