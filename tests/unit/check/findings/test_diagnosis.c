#include "base/array.h"
#include "check/findings/diagnosis.h"

#include <stdlib.h>

#include "unit.h"

static const struct diagnosis_context context = {.tls_name = "matrix.example.com"};

static struct fetch failed(enum fetch_outcome outcome)
{
    static char detail[] = "the library's words";

    return (struct fetch){
        .outcome = outcome,
        .address = {.family = AF_INET, .bytes = {192, 0, 2, 1}},
        .port = 8448,
        .detail = detail,
    };
}

/* The finding for a fetch, alone on its line. */
static void assert_finding(const struct fetch *fetch, enum finding_code code, enum mark mark)
{
    struct lines lines = {0};
    struct branch at = {.lines = &lines};
    assert_int_equal(diagnose_fetch(at, MARK_ERROR, fetch, &context), code);
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.items[0].code, code);
    assert_int_equal(lines.items[0].mark, mark);
    assert_int_equal(strncmp(lines.items[0].text, "192.0.2.1 port 8448: ", 21), 0);
    lines_clear(&lines);
}

static void test_every_outcome_has_its_finding(void **state)
{
    (void)state;
    static const struct {
        enum fetch_outcome outcome;
        enum finding_code code;
        enum mark mark;
    } all[] = {
        {FETCH_REFUSED, FINDING_CONNECTION_REFUSED, MARK_ERROR},
        {FETCH_NO_ROUTE, FINDING_NO_ROUTE, MARK_WARN},
        {FETCH_CONNECT_TIMEOUT, FINDING_CONNECTION_TIMEOUT, MARK_ERROR},
        {FETCH_CONNECT_FAILED, FINDING_CONNECTION_FAILED, MARK_ERROR},
        {FETCH_TLS_FAILED, FINDING_TLS_FAILED, MARK_ERROR},
        {FETCH_ANSWER_TIMEOUT, FINDING_ANSWER_TIMEOUT, MARK_ERROR},
        {FETCH_TOO_LARGE, FINDING_ANSWER_TOO_LARGE, MARK_ERROR},
        {FETCH_BROKEN, FINDING_ANSWER_BROKEN, MARK_ERROR},
    };
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        struct fetch fetch = failed(all[i].outcome);
        assert_finding(&fetch, all[i].code, all[i].mark);
    }
}

static void test_an_address_that_may_not_be_asked_is_told_by_its_reach(void **state)
{
    (void)state;
    struct fetch fetch = failed(FETCH_FORBIDDEN);
    fetch.reach = IP_PRIVATE;
    assert_finding(&fetch, FINDING_ADDRESS_PRIVATE, MARK_ERROR);
    fetch.reach = IP_LOCAL;
    assert_finding(&fetch, FINDING_ADDRESS_LOCAL, MARK_ERROR);
    /* Only this machine cannot tell. */
    fetch.reach = IP_OWN;
    assert_finding(&fetch, FINDING_ADDRESS_OWN, MARK_WARN);
    struct finding finding = diagnose_forbidden_url("https://a.example", IP_OWN);
    assert_int_equal(finding.mark, MARK_WARN);
    free(finding.text);
}

static void test_all_flaws_of_a_certificate_are_found(void **state)
{
    (void)state;
    struct fetch fetch = failed(FETCH_CERTIFICATE);
    fetch.certificate = (struct certificate_details){
        .seen = true, .self_signed = true, .wrong_name = true, .expired = true, .expires = 1};
    struct lines lines = {0};
    struct branch at = {.lines = &lines};
    assert_int_equal(diagnose_fetch(at, MARK_ERROR, &fetch, &context),
                     FINDING_CERTIFICATE_SELF_SIGNED);
    assert_int_equal(lines.count, 3);
    assert_int_equal(lines.items[1].code, FINDING_CERTIFICATE_NAME);
    assert_int_equal(lines.items[2].code, FINDING_CERTIFICATE_EXPIRED);
    lines_clear(&lines);
}

static void test_a_problem_is_split_into_what_is_wrong_and_what_to_do(void **state)
{
    (void)state;
    struct problem problem;
    problem_set(&problem, "\"a: b\" is wrong: write c");
    struct finding finding =
        diagnose_problem(FINDING_WELL_KNOWN_M_SERVER_INVALID, "m.server", &problem);
    assert_string_equal(finding.text, "m.server \"a: b\" is wrong");
    assert_string_equal(finding.hint, "write c");
    free(finding.text);
    free(finding.hint);
    problem_set(&problem, "is wrong");
    finding = diagnose_problem(FINDING_WELL_KNOWN_M_SERVER_INVALID, "m.server", &problem);
    assert_string_equal(finding.text, "m.server is wrong");
    assert_null(finding.hint);
    free(finding.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_outcome_has_its_finding),
        cmocka_unit_test(test_an_address_that_may_not_be_asked_is_told_by_its_reach),
        cmocka_unit_test(test_all_flaws_of_a_certificate_are_found),
        cmocka_unit_test(test_a_problem_is_split_into_what_is_wrong_and_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
