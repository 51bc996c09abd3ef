/* Shells complete command lines of grud. */
#include "test.h"

#include <stdlib.h>
#include <sys/wait.h>

TEST(shells_complete_command_lines)
{
    int status = system("tests/checks/completion.py"); // NOLINT(cert-env33-c): a test's own
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
}
