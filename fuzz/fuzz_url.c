/* URLs of documents and redirects. */
#include "fuzz.h"

#include "matrix/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct problem problem;

    if (url_check(text, false, &problem)) {
        MUST(url_check(text, true, &problem));
        MUST(!strchr(text, '?'));
    } else {
        fuzz_check_problem(&problem);
    }
    if (url_check(text, true, &problem)) {
        MUST(url_is_https(text) == (strncasecmp(text, "https:", 6) == 0));
        MUST(!strpbrk(text, " \t\r\n\"<>\\^`{|}#"));
    } else {
        fuzz_check_problem(&problem);
    }
    free(text);
    return 0;
}
