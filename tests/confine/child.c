#include "child.h"

#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

int in_child(int (*run)(const void *argument), const void *argument)
{
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        _exit(run(argument));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
