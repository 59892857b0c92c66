/* What the headers of an answer say: Location, Cache-Control and Content-Type. */
#include <stdint.h>
#include <stdlib.h>

#include "check/findings/answers.h"
#include "check/findings/duration.h"
#include "check/net/follow.h"
#include "check/net/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = text_copy_part((const char *)data, size);
    bool other_scheme = false;
    char *url =
        follow_resolve("https://example.com/.well-known/matrix/server", text, &other_scheme);
    if (url && !other_scheme) {
        free(follow_resolve(url, text, &other_scheme));
    }
    free(url);
    long long max_age = answer_max_age(text);
    if (max_age < -1) {
        abort();
    }
    if (max_age >= 0) {
        free(duration_text(max_age));
    }
    answer_is_json_type(text);
    free(text);
    return 0;
}
