#include "check/findings/findings.h"

#include <stdlib.h>

#include "check/net/text.h"
#include "unit.h"

static void test_every_code_has_a_name_of_its_own_and_a_hint(void **state)
{
    (void)state;
    for (enum finding_code code = FINDING_NONE + 1; code < FINDING_COUNT; code++) {
        assert_non_null(finding_code_name(code));
        assert_non_null(finding_code_hint(code));
        for (enum finding_code other = FINDING_NONE + 1; other < code; other++) {
            assert_string_not_equal(finding_code_name(code), finding_code_name(other));
        }
    }
    assert_null(finding_code_name(FINDING_NONE));
}

static void test_a_finding_has_its_codes_mark_and_hint_unless_it_brings_its_own(void **state)
{
    (void)state;
    struct lines lines = {0};
    struct branch at = {.lines = &lines, .depth = 2};
    branch_add_finding(at, (struct finding){
                               .code = FINDING_SRV_DEPRECATED,
                               .text = text_format("plain"),
                           });
    branch_add_finding(branch_below(at), (struct finding){
                                             .code = FINDING_SRV_DEPRECATED,
                                             .mark = MARK_ERROR,
                                             .text = text_format("special"),
                                             .hint = text_format("do this"),
                                         });
    assert_int_equal(lines.count, 2);
    assert_int_equal(lines.items[0].mark, MARK_WARN);
    assert_string_equal(lines.items[0].hint, finding_code_hint(FINDING_SRV_DEPRECATED));
    assert_int_equal(lines.items[0].depth, 2);
    assert_int_equal(lines.items[1].mark, MARK_ERROR);
    assert_string_equal(lines.items[1].hint, "do this");
    assert_int_equal(lines.items[1].depth, 3);
    lines_clear(&lines);
}

static void test_lines_are_moved_in_order_and_the_worst_is_known(void **state)
{
    (void)state;
    struct lines lines = {0};
    struct lines more = {0};
    assert_int_equal(lines_worst(&lines), MARK_NOTE);
    branch_add((struct branch){.lines = &lines}, MARK_GOOD, "%s", "first");
    branch_add((struct branch){.lines = &more}, MARK_WARN, "%s", "second");
    lines_append(&lines, &more);
    assert_int_equal(more.count, 0);
    assert_int_equal(lines.count, 2);
    assert_string_equal(lines.items[1].text, "second");
    assert_int_equal(lines_worst(&lines), MARK_WARN);
    lines_clear(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_name_of_its_own_and_a_hint),
        cmocka_unit_test(test_a_finding_has_its_codes_mark_and_hint_unless_it_brings_its_own),
        cmocka_unit_test(test_lines_are_moved_in_order_and_the_worst_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
