/* What the pages show, run as it stands there: tests/checks/page_commands.py has the parts. */
#include "test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* NULL: looks for code that nothing runs. */
static void expect_work(const char *page)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        execl("tests/checks/page_commands.py", "page_commands.py", page, (char *)NULL);
        _exit(127);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
}

TEST(the_pages_have_no_code_that_nothing_runs)
{
    expect_work(NULL);
}

TEST(the_page_of_the_interface_works)
{
    expect_work("docs/API.md");
}

TEST(the_page_of_clusters_works)
{
    expect_work("docs/CLUSTER.md");
}

TEST(the_page_of_deploying_works)
{
    expect_work("docs/DEPLOYING.md");
}

TEST(the_page_of_evaluation_works)
{
    expect_work("docs/EVALUATION.md");
}

TEST(the_examples_work_in_each_language)
{
    expect_work("docs/EXAMPLES.md");
}

TEST(the_page_of_fine_tuning_works)
{
    expect_work("docs/FINE_TUNING.md");
}

TEST(the_page_for_beginners_works)
{
    expect_work("docs/GETTING_STARTED.md");
}

TEST(the_page_of_models_works)
{
    expect_work("docs/MODELS.md");
}

TEST(the_page_of_operating_works)
{
    expect_work("docs/OPERATING.md");
}

TEST(the_commands_of_the_page_on_rules_work)
{
    expect_work("docs/RULES.md");
}
