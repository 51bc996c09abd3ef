/* The copy of a data directory that `grud backup` makes while grud serves from it, and what a grud
 * that starts with the copy says. */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS = 8, STEPS_MAX = 20000, Y_SIZE = 24, BACKUPS = 6, LIMIT_SECONDS = 60 };

#define MODEL "/v1/models/steady"

/* What the clients know, in memory that they share with the test. */
struct known {
    _Atomic unsigned steps[SESSIONS]; /* acknowledged */
    _Atomic unsigned n_versions;      /* that were activated */
    char y[SESSIONS][STEPS_MAX][Y_SIZE];
};

static const char *const network[] = { "--inputs", "a", "--outputs", "a", "--layers", "9", NULL };

/* ---- clients ---- */

static void print_step(unsigned session, unsigned number, char path[96], char body[64])
{
    snprintf(path, 96, MODEL "/sessions/s%u/step", session);
    snprintf(body, 64, "{\"x\":[%u.5],\"seq\":%u}", (number * 7 + session) % 11, number);
}

/* The output, as it stands in the answer. */
static void read_y(const char *body, char y[Y_SIZE])
{
    const char *at = strstr(body, "\"y\":[");
    ck_assert_msg(at && sscanf(at, "\"y\":[%23[^]]", y) == 1, "%s", body);
}

static void step_for_ever(const struct daemon *daemon, struct known *known)
{
    for (unsigned number = 1; number < STEPS_MAX; number++) {
        for (unsigned k = 0; k < SESSIONS; k++) {
            char path[96], body[64];
            print_step(k, number, path, body);
            struct answer answer = request(daemon, "POST", path, body);
            ck_assert_msg(answer.code == 200, "%s", answer.body);
            read_y(answer.body, known->y[k][number]);
            atomic_store(&known->steps[k], number);
            answer_free(&answer);
        }
    }
}

/* Versions come, become the active one, and go. */
static void change_for_ever(const struct daemon *daemon, struct known *known)
{
    struct answer file = request(daemon, "GET", "/v1/models/busy/versions/1/file", NULL);
    ck_assert_int_eq(file.code, 200);
    for (unsigned number = 2;; number++) {
        char path[96];
        struct answer put = request_typed(daemon, "PUT", "/v1/models/busy",
                                          "application/octet-stream", file.body, file.n_body);
        ck_assert_msg(put.code == 201, "%s", put.body);
        answer_free(&put);
        snprintf(path, sizeof path, "/v1/models/busy/versions/%u/activate", number);
        expect(daemon, "POST", path, NULL, 200, NULL);
        atomic_store(&known->n_versions, number);
        snprintf(path, sizeof path, "/v1/models/busy/versions/%u", number - 1);
        expect(daemon, "DELETE", path, NULL, 204, NULL);
    }
}

static pid_t start_client(void (*client)(const struct daemon *daemon, struct known *known),
                          const struct daemon *daemon, struct known *known)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        client(daemon, known);
        _exit(0);
    }
    return pid;
}

static void end_client(pid_t pid)
{
    int status;
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status)); /* it had not failed */
}

/* ---- copies ---- */

static void wait_for_steps(struct known *known, unsigned number)
{
    const time_t end = time(NULL) + LIMIT_SECONDS;
    while (atomic_load(&known->steps[SESSIONS - 1]) < number) {
        ck_assert_msg(time(NULL) < end, "the clients do not get on");
        usleep(1000);
    }
}

static void back_up(const struct daemon *daemon, const struct daemon *other)
{
    char data[160], to[160], output[1024];
    snprintf(data, sizeof data, "%s/data", daemon->directory);
    snprintf(to, sizeof to, "%s/data", other->directory);
    int code = daemon_run((const char *const[]){ "backup", "--data", data, to, NULL }, output,
                          sizeof output);
    ck_assert_msg(code == 0, "%s", output);
    ck_assert_str_eq(output, "");
}

static void step_on(const struct daemon *other, const struct known *known, unsigned k,
                    unsigned number)
{
    char path[96], body[64], y[Y_SIZE];
    print_step(k, number, path, body);
    struct answer answer = request(other, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    read_y(answer.body, y);
    ck_assert_str_eq(y, known->y[k][number]);
    answer_free(&answer);
}

/* Each session goes on from a step of the time of the copy, with the next answers that it had. */
static void expect_sessions(const struct daemon *other, struct known *known,
                            const unsigned least[SESSIONS], const unsigned most[SESSIONS])
{
    for (unsigned k = 0; k < SESSIONS; k++) {
        char path[96];
        snprintf(path, sizeof path, MODEL "/sessions/s%u", k);
        struct answer answer = request(other, "GET", path, NULL);
        ck_assert_msg(answer.code == 200, "%s", answer.body);
        unsigned step = (unsigned)number_in(answer.body, "step");
        answer_free(&answer);
        ck_assert_msg(least[k] <= step && step <= most[k] + 1, "%u <= %u <= %u", least[k], step,
                      most[k] + 1);
        wait_for_steps(known, step + 3);
        for (unsigned number = step + 1; number <= step + 3; number++) {
            step_on(other, known, k, number);
        }
    }
}

static void note_steps(struct known *known, unsigned steps[SESSIONS])
{
    for (unsigned k = 0; k < SESSIONS; k++) {
        steps[k] = atomic_load(&known->steps[k]);
    }
}

static void expect_copy(const struct daemon *daemon, struct known *known, const char *jobs)
{
    unsigned least[SESSIONS], most[SESSIONS];
    struct daemon other = daemon_prepare();
    unsigned n_versions = atomic_load(&known->n_versions);
    note_steps(known, least);
    back_up(daemon, &other);
    note_steps(known, most);
    daemon_start_again(&other, NULL);
    expect(&other, "GET", "/readyz", NULL, 200, "{\"status\":\"ok\"}");
    expect_sessions(&other, known, least, most);
    struct answer busy = request(&other, "GET", "/v1/models/busy", NULL);
    ck_assert_msg(busy.code == 200 && number_in(busy.body, "active_version") >= n_versions, "%s",
                  busy.body);
    answer_free(&busy);
    struct answer answer = request(&other, "GET", "/v1/fine_tuning/jobs", NULL);
    ck_assert_int_eq(answer.code, 200);
    ck_assert_str_eq(answer.body, jobs);
    answer_free(&answer);
    daemon_stop(&other);
}

/* One that has ended. */
static struct answer make_job(const struct daemon *daemon)
{
    expect(daemon, "POST", "/v1/fine_tuning/jobs",
           "{\"model\":\"busy\",\"hyperparameters\":{\"n_epochs\":2},\"promotion\":{\"policy\":"
           "\"manual\"},\"training\":{\"series\":[{\"x\":[[1],[2],[3],[4],[5],[6],[7],[8],[9],[1],"
           "[2],[3],[4],[5],[6],[7],[8],[9]]}]},\"dry_run\":true}",
           202, NULL);
    for (time_t end = time(NULL) + LIMIT_SECONDS;;) {
        struct answer answer = request(daemon, "GET", "/v1/fine_tuning/jobs", NULL);
        if (strstr(answer.body, "\"succeeded\"")) {
            return answer;
        }
        ck_assert_msg(time(NULL) < end, "%s", answer.body);
        answer_free(&answer);
        usleep(20000);
    }
}

TEST(a_backup_under_load_is_of_its_time_and_whole)
{
    struct known *known =
        mmap(NULL, sizeof *known, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(known != MAP_FAILED);
    struct daemon daemon = daemon_start((const char *const[]){ "--record", "100", NULL });
    daemon_add_model(&daemon, "steady", network);
    daemon_add_model(&daemon, "busy", network);
    struct answer jobs = make_job(&daemon);
    pid_t clients[] = { start_client(step_for_ever, &daemon, known),
                        start_client(change_for_ever, &daemon, known) };
    for (unsigned k = 0; k < BACKUPS; k++) {
        wait_for_steps(known, 20 * (k + 1));
        expect_copy(&daemon, known, jobs.body);
    }
    end_client(clients[0]);
    end_client(clients[1]);
    answer_free(&jobs);
    daemon_stop(&daemon);
    munmap(known, sizeof *known);
}

/* ---- copies of a directory that nothing uses ---- */

TEST(a_directory_that_nothing_uses_may_be_copied_by_any_means)
{
    struct daemon daemon = daemon_start(NULL);
    daemon_add_model(&daemon, "steady", network);
    expect(&daemon, "POST", MODEL "/sessions/s0/step", "{\"x\":[1]}", 200, NULL);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    for (int k = 0; k < 2; k++) {
        char line[512];
        struct daemon other = daemon_prepare();
        if (k == 0) {
            snprintf(line, sizeof line, "cp -a %s/data %s/data", daemon.directory, other.directory);
        } else {
            snprintf(line, sizeof line, "tar -C %s -cf - data | tar -C %s -xf -", daemon.directory,
                     other.directory);
        }
        ck_assert_int_eq(system(line), 0); // NOLINT(cert-env33-c, concurrency-mt-unsafe): a test
        daemon_start_again(&other, NULL);
        daemon_kill(&other); /* the copy is as good after that */
        daemon_start_again(&other, NULL);
        expect(&other, "POST", MODEL "/sessions/s0/step", "{\"x\":[1],\"seq\":2}", 200,
               "\"step\":2");
        daemon_stop(&other);
    }
    daemon_remove(&daemon);
}

/* The way back from an upgrade of the daemon, and from a version of a model. */
TEST(a_copy_and_an_older_version_are_the_ways_back)
{
    struct daemon daemon = daemon_start(NULL);
    struct daemon other = daemon_prepare();
    daemon_add_model(&daemon, "steady", network);
    expect(&daemon, "POST", MODEL "/sessions/s0/step", "{\"x\":[1]}", 200, "\"version\":1");
    struct answer file = request(&daemon, "GET", MODEL "/versions/1/file", NULL);
    struct answer put =
        request_typed(&daemon, "PUT", MODEL, "application/octet-stream", file.body, file.n_body);
    ck_assert_int_eq(put.code, 201);
    back_up(&daemon, &other);
    expect(&daemon, "POST", MODEL "/versions/2/activate", NULL, 200, NULL);
    expect(&daemon, "POST", MODEL "/sessions/s0/step", "{\"x\":[1]}", 200, "\"version\":2");
    expect(&daemon, "POST", MODEL "/versions/1/activate", NULL, 200, "\"active_version\":1");
    expect(&daemon, "POST", MODEL "/sessions/s0/step", "{\"x\":[1]}", 200, "\"version\":1");
    answer_free(&file);
    answer_free(&put);
    daemon_stop(&daemon);
    daemon_start_again(&other, NULL);
    expect(&other, "GET", MODEL, NULL, 200, "\"active_version\":1");
    expect(&other, "POST", MODEL "/sessions/s0/step", "{\"x\":[1],\"seq\":2}", 200, "\"step\":2");
    daemon_stop(&other);
}

TEST(a_backup_that_cannot_be_made_says_why)
{
    struct daemon daemon = daemon_start(NULL);
    char data[160], to[160], copy[160], output[1024];
    snprintf(data, sizeof data, "%s/data", daemon.directory);
    snprintf(to, sizeof to, "%s/none/copy", daemon.directory);
    snprintf(copy, sizeof copy, "%s/copy", daemon.directory);
    const struct {
        const char *arguments[5];
        int code;
        const char *said;
    } cases[] = {
        { { "backup" }, 2, "usage: grud backup [OPTIONS] TO" },
        { { "backup", "--data", data }, 2, "its value is missing" },
        { { "backup", to }, 2, "Say --data DIR" },
        { { "backup", "--colour", "red", to }, 2, "no such option" },
        { { "backup", "--data", data, data }, 1, "is there already" },
        { { "backup", "--data", data, to }, 1, "No such file" },
        { { "backup", "--data", to, copy }, 1, "No such file" },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int code = daemon_run(cases[k].arguments, output, sizeof output);
        ck_assert_msg(code == cases[k].code && strstr(output, cases[k].said), "%zu: %d %s", k, code,
                      output);
    }
    strcat(copy, ".partial"); // NOLINT(clang-analyzer-security.insecureAPI.strcpy): it has room
    ck_assert_int_ne(access(copy, F_OK), 0);
    daemon_stop(&daemon);
}
