#include "base/sink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit.h"

static int standard_error;

/* Has standard error lead to `file`. */
static void lead_to(int file)
{
    standard_error = dup(STDERR_FILENO);
    assert_true(standard_error >= 0);
    assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
}

static void lead_back(void)
{
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
}

static bool put(const char *line)
{
    return sink_write(line, strlen(line));
}

/* As of a disk that is full for a while. The first test: no limit has been set. */
static void test_a_line_after_a_torn_one_begins_on_its_own(void **state)
{
    FILE *file = tmpfile();
    struct rlimit before, small;
    bool one, two, three;
    char text[64] = "";

    (void)state;
    assert_non_null(file);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 10, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    lead_to(fileno(file));
    setrlimit(RLIMIT_FSIZE, &small);
    one = put("0123456\n");
    two = put("abcdefg\n");
    three = put("hijklmn\n");
    setrlimit(RLIMIT_FSIZE, &before);
    put("next\n");
    lead_back();
    assert_true(one);
    assert_false(two);
    assert_false(three);
    rewind(file);
    assert_int_equal(fread(text, 1, sizeof(text) - 1, file), strlen("0123456\nab\nnext\n"));
    assert_string_equal(text, "0123456\nab\nnext\n");
    fclose(file);
}

static void test_a_full_pipe_takes_no_line_and_then_whole_ones(void **state)
{
    static char line[SINK_LINE_SIZE];
    size_t written = 0;
    bool after_reading;
    int pipes[2], flags;

    (void)state;
    memset(line, 'a', sizeof(line));
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    lead_to(pipes[1]);
    sink_limit_waiting(10);
    sink_limit_waiting(0);
    while (sink_write(line, sizeof(line))) {
        written += sizeof(line);
    }
    flags = fcntl(STDERR_FILENO, F_GETFL);
    after_reading = read(pipes[0], line, sizeof(line)) == sizeof(line) && sink_write(line, 100);
    lead_back();
    assert_true(written >= sizeof(line) && written % sizeof(line) == 0);
    assert_true(after_reading);
    assert_false(flags & O_NONBLOCK); /* which would be one for its other users, too */
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_after_a_torn_one_begins_on_its_own),
        cmocka_unit_test(test_a_full_pipe_takes_no_line_and_then_whole_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
