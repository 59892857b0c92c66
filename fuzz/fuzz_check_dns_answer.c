/* Answers of the DNS: the first byte chooses the type that was asked for. */
#include <stdint.h>
#include <stdlib.h>

#include "check/net/dns_answer.h"
#include "check/net/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_SRV};
    struct dns_answer answer;
    if (size == 0) {
        return 0;
    }
    enum dns_type type = types[data[0] % 3];
    const char *name = type == DNS_SRV ? "_matrix-fed._tcp.example.com" : "example.com";
    if (dns_answer_parse(data + 1, size - 1, name, type, &answer)) {
        for (size_t i = 0; i < answer.count; i++) {
            char text[IP_TEXT_SIZE];
            ip_address_text(&answer.records[i].address, text);
            ip_address_reach(&answer.records[i].address);
            free(text_printable(answer.records[i].target, DNS_NAME_SIZE));
        }
    }
    return 0;
}
