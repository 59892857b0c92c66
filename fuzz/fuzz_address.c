/* Addresses to listen on: what is parsed is formatted as something that parses to the same. */
#include "fuzz.h"

#include "daemon/config/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct address address, again;
    struct problem problem;

    if (address_parse(text, &address, &problem)) {
        char formatted[ADDRESS_TEXT_SIZE];

        address_format(&address, formatted);
        MUST(address_parse(formatted, &again, &problem));
        MUST(address_equal(&address, &again));
        MUST(address_takes_free_port(&address) == address_takes_free_port(&again));
    } else {
        fuzz_check_problem(&problem);
    }
    free(text);
    return 0;
}
