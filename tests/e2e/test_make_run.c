/* `make run` as a newcomer meets it: on a terminal, where Ctrl-C goes to make, to the demo's
 * scripts and to whatever else has not left their session. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SESSION "/v1/models/temperature/sessions/jfk"

enum { SHOWN_MAX = 1 << 16, END_MAX = 1500, WARM_UP = 1200 };

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

/* Another port than the one of a `make run` beside it. */
static unsigned free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* On the daemon's port, in its folder. */
static void exec_make(const struct daemon *daemon, const char *build)
{
    char sanitizer[300], data[192], port[16];
    snprintf(sanitizer, sizeof sanitizer, "SAN=%s", strrchr(build, '/') ? build + 6 : "");
    snprintf(data, sizeof data, "%s/demo", daemon->directory);
    snprintf(port, sizeof port, "%u", daemon->port);
    unsetenv("MAKEFLAGS");         // NOLINT(concurrency-mt-unsafe): the child of a fork
    unsetenv("GRUD_TEST_FIGURES"); // NOLINT(concurrency-mt-unsafe)
    setenv("DATA", data, 1);       // NOLINT(concurrency-mt-unsafe)
    setenv("PORT", port, 1);       // NOLINT(concurrency-mt-unsafe)
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

/* Asks until the answer has that. */
static struct answer await(const struct daemon *daemon, const char *path, const char *text)
{
    for (int waited = 0; waited < 600; waited++) {
        struct answer answer = request(daemon, "GET", path, NULL);
        ck_assert_int_eq(answer.code, 200);
        if (strstr(answer.body, text)) {
            return answer;
        }
        answer_free(&answer);
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    }
    ck_abort_msg("%s never has %s", path, text);
}

static void expect_shown(const struct daemon *daemon, const char *path, const char *text)
{
    struct answer answer = await(daemon, path, text);
    answer_free(&answer);
}

/* The page's address is the first that the demo itself says. */
static void expect_address_first(const struct daemon *daemon, const char *shown)
{
    char address[64];
    snprintf(address, sizeof address, "see it at  http://127.0.0.1:%u/#/temperature/jfk ",
             daemon->port);
    const char *at = strstr(shown, address), *ready = strstr(shown, " info ready ");
    ck_assert_msg(at && ready && at < ready, "%s", end_of(shown));
    expect(daemon, "GET", "/", NULL, 200, "<html");
}

/* The mean change from one of the replayed readings to the next: the error of "as it is now". */
static double persistence(size_t n)
{
    char line[100];
    double sum = 0, before = 0;
    FILE *file = fopen("examples/temperature/jfk.csv", "re");
    ck_assert(file && fgets(line, sizeof line, file));
    for (size_t k = 0; k < n; k++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
        const double now = strtod(strchr(line, ',') + 1, NULL);
        sum += k > 0 ? fabs(now - before) : 0;
        before = now;
    }
    fclose(file);
    return sum / (double)(n - 1);
}

/* The first number behind a text that is in the answer. */
static double number_behind(const struct answer *answer, const char *text)
{
    const char *at = strstr(answer->body, text);
    ck_assert_msg(at != NULL, "no %s in %s", text, answer->body);
    return strtod(at + strlen(text), NULL);
}

/* What the page has to show: fifty days at once, forecasts that beat persistence, and intervals
 * that hold as many readings as they say. A reading a second follows. */
static void expect_forecasts(const struct daemon *daemon)
{
    expect_shown(daemon, "/v1/models", "\"name\":\"temperature\"");
    expect_shown(daemon, "/v1/models/temperature/sessions?prefix=jfk", "\"session\":\"jfk\"");
    struct answer answer =
        await(daemon, SESSION, "\"level\":0.95,\"coverage\":[0."); /* it has begun */
    while (number_in(answer.body, "step") < WARM_UP) {
        answer_free(&answer);
        answer = request(daemon, "GET", SESSION, NULL);
    }
    const double step = number_in(answer.body, "step"),
                 skill = 1 - number_behind(&answer, "\"mae\":[") / persistence(WARM_UP),
                 coverage = number_behind(&answer, "\"level\":0.8,\"coverage\":[");
    answer_free(&answer);
    if (getenv("GRUD_TEST_FIGURES")) { // NOLINT(concurrency-mt-unsafe)
        printf("the demo: skill %.3f, coverage %.3f of 0.8\n", skill, coverage);
    }
    ck_assert_msg(skill > 0.1, "%g", skill);
    ck_assert_msg(coverage > 0.75 && coverage < 0.85, "%g", coverage);
    for (double now = step; now <= step;) {
        answer = request(daemon, "GET", SESSION, NULL);
        now = number_in(answer.body, "step");
        answer_free(&answer);
    }
}

/* What a button of the page does: what has been replayed was recorded, and enough to learn from. */
static void expect_promotion(const struct daemon *daemon)
{
    char path[128];
    struct answer answer =
        request(daemon, "POST", "/v1/fine_tuning/jobs",
                "{\"model\":\"temperature\",\"training\":{\"sessions\":[\"jfk\"]}}");
    ck_assert_int_eq(answer.code, 202);
    const char *id = strstr(answer.body, "ftjob-");
    snprintf(path, sizeof path, "/v1/fine_tuning/jobs/%.*s", (int)strcspn(id, "\""), id);
    answer_free(&answer);
    answer = await(daemon, path, "\"finished_at\":1");
    ck_assert_msg(strstr(answer.body, "\"state\":\"promoted\"") != NULL, "%s", answer.body);
    answer_free(&answer);
    expect_shown(daemon, "/v1/models/temperature", "\"active_version\":2");
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
    daemon.port = free_port();
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        exec_make(&daemon, build);
    }
    read_until(terminal, "(said)", shown); /* the head of the readings */
    expect_address_first(&daemon, shown);
    expect_forecasts(&daemon);
    expect_promotion(&daemon);
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
