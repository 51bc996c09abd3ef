/* The commands of docs/GETTING_STARTED.md work as they stand there. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(the_commands_of_the_page_for_beginners_work)
{
    static const char *const options[] = { "--models", "examples/host-load", "--record", "1000",
                                           NULL };
    struct daemon daemon = daemon_start(options);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", daemon.port);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        execl("tests/checks/getting_started.sh", "getting_started.sh", url, (char *)NULL);
        _exit(127);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
    daemon_stop(&daemon);
}
