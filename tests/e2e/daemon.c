#include "daemon.h"

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MODELS "tests/fixtures/golden"

enum { ARGUMENTS_MAX = 40, READY_MS = 60000, LOG_MS = 60000 };

static const char *program(void)
{
    const char *path =
        getenv("GRUD"); // NOLINT(concurrency-mt-unsafe): nothing changes the environment
    return path ? path : "build/grud";
}

static void nap_ms(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

/* ---- the process ---- */

static void exec_grud(const char **arguments, int output)
{
    dup2(output, STDERR_FILENO);
    dup2(output, STDOUT_FILENO);
    /* No test needs a port that something else may have, and a machine that is busy with other
     * tests is no reason to refuse a request; flags have the last word. */
    setenv("GRUD_LISTEN", "127.0.0.1:0", 0); // NOLINT(concurrency-mt-unsafe): the child of a fork
    setenv("GRUD_QUEUE_MS", "60000", 0);     // NOLINT(concurrency-mt-unsafe)
    execv(program(), (char *const *)(void *)arguments);
    _exit(127);
}

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* -1: it is ready; else the code that it ended with. */
static int await_ready(struct daemon *daemon)
{
    char port_file[160];
    snprintf(port_file, sizeof port_file, "%s/port", daemon->directory);
    for (int waited = 0; waited < READY_MS; waited += 5) {
        int status;
        FILE *file = fopen(port_file, "r");
        if (file) {
            ck_assert_int_eq(fscanf(file, "%u", &daemon->port),
                             1); // NOLINT(cert-err34-c): our own file
            fclose(file);
            return -1;
        }
        if (waitpid(daemon->pid, &status, WNOHANG) != 0) {
            return exit_code(status);
        }
        nap_ms(5);
    }
    ck_abort_msg("grud was not ready after %d ms", READY_MS);
}

void daemon_wait_ready(struct daemon *daemon)
{
    int code = await_ready(daemon);
    ck_assert_msg(code == -1, "grud ended with %d before it was ready: see %s/log", code,
                  daemon->directory);
}

void daemon_spawn(struct daemon *daemon, const char *const *options)
{
    char data[160], port_file[160], log[160];
    snprintf(data, sizeof data, "%s/data", daemon->directory);
    snprintf(port_file, sizeof port_file, "%s/port", daemon->directory);
    snprintf(log, sizeof log, "%s/log", daemon->directory);
    unlink(port_file);
    /* A test is to fail for its own reasons: on a busy machine a request may wait for long, and is
     * served. */
    const char *arguments[ARGUMENTS_MAX] = { program(), "--listen",   "127.0.0.1:0", "--models",
                                             MODELS,    "--data",     data,          "--port-file",
                                             port_file, "--queue-ms", "60000" };
    for (size_t n = 11; options && *options; n++) {
        ck_assert_uint_lt(n, ARGUMENTS_MAX - 1);
        arguments[n] = *options++;
    }
    int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_ge(output, 0);
    int ends[2];
    char none;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    daemon->pid = fork();
    ck_assert_int_ge(daemon->pid, 0);
    if (daemon->pid == 0) {
        exec_grud(arguments, output);
    }
    close(output);
    close(ends[1]);
    while (read(ends[0], &none, 1) <
           0) { /* until it has become grud: signals mean something else before */
    }
    close(ends[0]);
}

int daemon_try_start(struct daemon *daemon, const char *const *options)
{
    daemon_spawn(daemon, options);
    return await_ready(daemon);
}

void daemon_start_again(struct daemon *daemon, const char *const *options)
{
    daemon_spawn(daemon, options);
    daemon_wait_ready(daemon);
}

struct daemon daemon_prepare(void)
{
    struct daemon daemon = { .pid = 0 };
    snprintf(daemon.directory, sizeof daemon.directory, "/tmp/grud-e2e-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(daemon.directory));
    return daemon;
}

struct daemon daemon_start(const char *const *options)
{
    struct daemon daemon = daemon_prepare();
    daemon_start_again(&daemon, options);
    return daemon;
}

void daemon_kill(struct daemon *daemon)
{
    ck_assert_int_eq(kill(daemon->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(daemon->pid, NULL, 0), daemon->pid);
}

int daemon_wait(struct daemon *daemon)
{
    int status;
    ck_assert_int_eq(waitpid(daemon->pid, &status, 0), daemon->pid);
    return exit_code(status);
}

int daemon_end(struct daemon *daemon)
{
    ck_assert_int_eq(kill(daemon->pid, SIGTERM), 0);
    return daemon_wait(daemon);
}

static int remove_one(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)file;
    (void)type;
    (void)walk;
    return remove(path);
}

static void show_log(const struct daemon *daemon)
{
    char path[160], line[512];
    snprintf(path, sizeof path, "%s/log", daemon->directory);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        fputs(line, stderr);
    }
    if (file) {
        fclose(file);
    }
}

void daemon_wait_log(const struct daemon *daemon, const char *text, char *log, size_t size)
{
    char path[160];
    snprintf(path, sizeof path, "%s/log", daemon->directory);
    for (int waited = 0; waited < LOG_MS; waited += 5) {
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        if (fseek(file, -(long)(size - 1), SEEK_END) != 0) {
            rewind(file);
        }
        log[fread(log, 1, size - 1, file)] = '\0';
        fclose(file);
        if (strstr(log, text)) {
            return;
        }
        nap_ms(5);
    }
    ck_abort_msg("the log does not say '%s': %s", text, log);
}

void daemon_remove(const struct daemon *daemon)
{
    ck_assert_int_eq(nftw(daemon->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void daemon_stop(struct daemon *daemon)
{
    int code = daemon_end(daemon);
    if (code != 0) {
        show_log(daemon);
    }
    ck_assert_int_eq(code, 0);
    daemon_remove(daemon);
}

int daemon_run(const char *const *options, char *output, size_t size)
{
    const char *arguments[ARGUMENTS_MAX] = { program() };
    int ends[2], status;
    for (size_t n = 1; options[n - 1]; n++) {
        ck_assert_uint_lt(n, ARGUMENTS_MAX - 1);
        arguments[n] = options[n - 1];
    }
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        exec_grud(arguments, ends[1]);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t more; n + 1 < size && (more = read(ends[0], output + n, size - 1 - n)) > 0;) {
        n += (size_t)more;
    }
    output[n] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return exit_code(status);
}

/* ---- requests ---- */

int client_connect(const struct daemon *daemon)
{
    return client_open(daemon->port);
}

int client_ask(const struct daemon *daemon, const char *path, const char *headers)
{
    int fd = client_connect(daemon);
    client_send_head(fd, "GET", path, headers, NULL, 0);
    return fd;
}

struct answer request_typed(const struct daemon *daemon, const char *method, const char *path,
                            const char *type, const void *body, size_t n)
{
    const char *some_type = type ? type : "application/json";
    int fd = client_connect(daemon);
    client_send_request(fd, method, path, NULL, body ? some_type : NULL, body, n);
    struct answer answer = client_read(fd);
    close(fd);
    return answer;
}

struct answer request(const struct daemon *daemon, const char *method, const char *path,
                      const char *body)
{
    return request_typed(daemon, method, path, NULL, body, body ? strlen(body) : 0);
}

void expect(const struct daemon *daemon, const char *method, const char *path, const char *body,
            int code, const char *text)
{
    struct answer answer = request(daemon, method, path, body);
    ck_assert_msg(answer.code == code, "%s %s %.200s: %d instead of %d: %.300s", method, path,
                  body ? body : "", answer.code, code, answer.body ? answer.body : "(closed)");
    ck_assert_msg(!text || (answer.body && strstr(answer.body, text)),
                  "%s %s %.200s: no '%s' in %.600s", method, path, body ? body : "", text,
                  answer.body);
    answer_free(&answer);
}

void daemon_add_model(const struct daemon *daemon, const char *name, const char *const *options)
{
    const char *arguments[ARGUMENTS_MAX] = { "init" };
    char file[192], path[192], output[4096];
    size_t n = 1;
    snprintf(file, sizeof file, "%s/%s.safetensors", daemon->directory, name);
    for (; *options && n < ARGUMENTS_MAX - 3; n++) {
        arguments[n] = *options++;
    }
    arguments[n] = "-o";
    arguments[n + 1] = file;
    int code = daemon_run(arguments, output, sizeof output);
    ck_assert_msg(code == 0, "%s", output);
    FILE *stream = fopen(file, "rb");
    struct stat status;
    ck_assert(stream && fstat(fileno(stream), &status) == 0);
    char *bytes = malloc((size_t)status.st_size);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)status.st_size, stream), (size_t)status.st_size);
    fclose(stream);
    snprintf(path, sizeof path, "/v1/models/%s", name);
    struct answer answer = request_typed(daemon, "PUT", path, "application/octet-stream", bytes,
                                         (size_t)status.st_size);
    ck_assert_msg(answer.code == 201, "%s", answer.body);
    answer_free(&answer);
    free(bytes);
}

double number_in(const char *json, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    ck_assert_msg(at != NULL, "no %s in %.300s", key, json);
    return strtod(at + strlen(key) + strspn(at + strlen(key), "["), NULL);
}
