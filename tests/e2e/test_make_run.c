/* `make run` as a newcomer meets it: on a terminal, where Ctrl-C goes to make, to the demo's
 * scripts and to whatever else has not left their session. */
#include "daemon.h"
#include "test.h"

#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHOWN_MAX = 1 << 16, END_MAX = 1500 };

#define PROGRAM "grud"

/* The folder that the program under test was built in, build or build/SANITIZER; false: it is
 * another one, or something runs the program (valgrind, qemu). */
static bool find_build(char build[256])
{
    const char *path = getenv("GRUD"); // NOLINT(concurrency-mt-unsafe)
    snprintf(build, 256, "%s", path ? path : "build/" PROGRAM);
    char *slash = strrchr(build, '/');
    if (!slash || strcmp(slash + 1, PROGRAM) != 0) {
        return false;
    }
    *slash = '\0';
    return strcmp(build, "build") == 0 || strncmp(build, "build/", 6) == 0;
}

/* What the terminal showed last, as much as a message of the test may have. */
static const char *end_of(const char *shown)
{
    const size_t n = strlen(shown);
    return n > END_MAX ? shown + n - END_MAX : shown;
}

/* Another port than the one of a `make run` beside it, and another folder. */
static void exec_make(const struct daemon *daemon, const char *build)
{
    char sanitizer[300], data[192], port[16];
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &n) != 0) {
        _exit(126);
    }
    close(fd);
    snprintf(sanitizer, sizeof sanitizer, "SAN=%s", strrchr(build, '/') ? build + 6 : "");
    snprintf(data, sizeof data, "%s/demo", daemon->directory);
    snprintf(port, sizeof port, "%u", ntohs(address.sin_port));
    unsetenv("MAKEFLAGS");   // NOLINT(concurrency-mt-unsafe): the child of a fork
    setenv("DATA", data, 1); // NOLINT(concurrency-mt-unsafe)
    setenv("PORT", port, 1); // NOLINT(concurrency-mt-unsafe)
    execlp("make", "make", "run", sanitizer, (char *)NULL);
    _exit(127);
}

/* Reads the terminal until it shows that, or, for NULL, until it closes. */
static void read_until(int terminal, const char *text, char shown[SHOWN_MAX])
{
    size_t n = strlen(shown);
    while (!text || !strstr(shown, text)) {
        ssize_t more = read(terminal, shown + n, SHOWN_MAX - 1 - n);
        if (more <= 0) {
            ck_assert_msg(text == NULL, "no '%s' in: %s", text, end_of(shown));
            return;
        }
        n += (size_t)more;
        shown[n] = '\0';
    }
}

TEST(ctrl_c_ends_the_demo_with_a_clean_drain)
{
    static char shown[SHOWN_MAX];
    char build[256];
    int terminal, status;
    shown[0] = '\0';
    if (!find_build(build)) {
        printf("SKIPPED: the program under test is run by another one\n");
        return;
    }
    struct daemon daemon = daemon_prepare();
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        exec_make(&daemon, build);
    }
    read_until(terminal, "(said)", shown); /* the head of the readings */
    ck_assert_int_eq(write(terminal, "\3", 1), 1);
    read_until(terminal, NULL, shown);
    close(terminal);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "%s", end_of(shown));
    ck_assert_msg(strstr(shown, "info stopped synced=yes") != NULL, "%s", end_of(shown));
    ck_assert_msg(!strstr(shown, "stopping_at_once") && !strstr(shown, "***"), "%s", end_of(shown));
    /* Nobody's first sight of grud is an error: the end tells of all that clients got wrong. */
    ck_assert_msg(!strstr(shown, "client_errors"), "%s", shown);
    daemon_remove(&daemon);
}
