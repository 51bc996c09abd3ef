/* The commands of pages, and the examples in other languages, work as they stand there. */
#include "test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_work(const char *page, const char *heading)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        execl("tests/checks/page_commands.sh", "page_commands.sh", page, heading, (char *)NULL);
        _exit(127);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
}

TEST(a_model_is_trained_as_the_pages_say)
{
    expect_work("docs/MODELS.md", "## Training on a file");
    expect_work("docs/GETTING_STARTED.md", "## A model from a file of readings");
}

TEST(a_file_becomes_a_live_chart_as_the_page_says)
{
    expect_work("docs/GETTING_STARTED.md", "## From the file to a live chart");
}

TEST(a_file_is_forecast_as_the_page_says)
{
    expect_work("docs/MODELS.md", "## Forecasting a file");
}

TEST(a_file_is_judged_as_the_page_says)
{
    expect_work("docs/EVALUATION.md", "## Of a file");
}

TEST(the_examples_work_in_each_language)
{
    int status = system("tests/checks/examples_page.py"); // NOLINT(cert-env33-c): a test's own
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
}
