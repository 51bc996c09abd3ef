#include "engine.h"

#include "base/clock.h"
#include "scratch.h"
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MINUTE_MS = 60000, ARGUMENTS_MAX = ENGINE_OPTIONS_MAX + 16 };

/* Debian's redis-tools has the program of redis-server under another name, and no service that
 * would be started. */
static const char *const programs[] = { "redis-server", "valkey-server", "redis-check-rdb" };

static bool is_in_path(const char *name)
{
    char command[512];
    snprintf(command, sizeof command, "command -v %s >/dev/null", name);
    return system(command) == 0; /* NOLINT(concurrency-mt-unsafe): no other thread yet */
}

/* The program that somebody wants; NULL: any. */
static const char *chosen_program(void)
{
    const char *chosen = getenv("ENGINE"); /* NOLINT(concurrency-mt-unsafe): as above */
    return chosen && chosen[0] ? chosen : NULL;
}

static const char *find_program(void)
{
    const char *chosen = chosen_program();
    if (chosen) {
        return is_in_path(chosen) ? chosen : NULL;
    }
    for (size_t k = 0; k < sizeof programs / sizeof *programs; k++) {
        if (is_in_path(programs[k])) {
            return programs[k];
        }
    }
    return NULL;
}

bool engine_is_there(void)
{
    if (!find_program()) {
        printf("SKIPPED: there is no %s here (Debian's package redis-tools has redis-server)\n",
               chosen_program() ? chosen_program() : "redis-server");
        return false;
    }
    return true;
}

/* Debian's do. One that was built with TLS misses the certificate, which it is not given. */
bool engine_speaks_tls(void)
{
    char command[512];
    const char *chosen = chosen_program();
    if (!engine_is_there()) {
        return false;
    }
    snprintf(command, sizeof command,
             "%s --port 0 --tls-port 1 | grep -q 'Failed to configure TLS'", chosen ? chosen : "");
    const bool does = !chosen || system(command) == 0; /* NOLINT(concurrency-mt-unsafe) */
    if (!does) {
        printf("SKIPPED: %s was built without TLS\n", chosen);
    }
    return does;
}

unsigned port_find(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* -1: it takes none. */
static int connect_to(unsigned port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((in_port_t)port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The beginning of its reply. */
static void ask(const struct engine *engine, const char *line, char reply[512])
{
    int fd = connect_to(engine->port);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dprintf(fd, "%s\r\n", line), (int)strlen(line) + 2);
    const ssize_t n = recv(fd, reply, 511, 0);
    ck_assert_int_gt(n, 0);
    reply[n] = '\0';
    ck_assert_msg(reply[0] != '-', "%s: %s", line, reply);
    close(fd);
}

void engine_tell(const struct engine *engine, const char *line)
{
    char reply[512];
    ask(engine, line, reply);
}

bool engine_says(const struct engine *engine, const char *line, const char *words)
{
    char reply[512];
    ask(engine, line, reply);
    return strstr(reply, words) != NULL;
}

static void run(const struct engine *engine, const char *program)
{
    char port[8];
    const char *arguments[ARGUMENTS_MAX] = { strcmp(program, "redis-check-rdb") == 0
                                                 ? "redis-server"
                                                 : program,
                                             "--bind",
                                             "127.0.0.1",
                                             engine->is_tls ? "--tls-port" : "--port",
                                             port,
                                             "--dir",
                                             engine->folder,
                                             "--save",
                                             "" };
    size_t n = 9;
    if (engine->is_tls) {
        arguments[n++] = "--port";
        arguments[n++] = "0";
    }
    snprintf(port, sizeof port, "%u", engine->port);
    for (const char *const *option = engine->options; *option; option++) {
        arguments[n++] = *option;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)dup2(fd, STDOUT_FILENO);
    execvp(program, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

void engine_start_again(struct engine *engine)
{
    const char *program = find_program();
    const int64_t until_ms = clock_monotonic_ms() + MINUTE_MS;
    engine->pid = fork();
    ck_assert_int_ge(engine->pid, 0);
    if (engine->pid == 0) {
        run(engine, program);
    }
    int fd;
    while ((fd = connect_to(engine->port)) < 0) {
        ck_assert_msg(waitpid(engine->pid, NULL, WNOHANG) == 0, "the engine has ended");
        ck_assert_msg(clock_monotonic_ms() < until_ms, "the engine takes no connections");
        usleep(5000);
    }
    close(fd);
}

static struct engine start(const char *const *options, bool is_tls)
{
    struct engine engine = { .folder = folder_create(), .port = port_find(), .is_tls = is_tls };
    for (size_t n = 0; options && options[n]; n++) {
        ck_assert_uint_lt(n + 1, ENGINE_OPTIONS_MAX);
        engine.options[n] = options[n];
    }
    engine_start_again(&engine);
    return engine;
}

struct engine engine_start(const char *const *options)
{
    return start(options, false);
}

struct engine engine_start_tls(const char *const *options)
{
    return start(options, true);
}

void engine_kill(struct engine *engine)
{
    ck_assert_int_eq(kill(engine->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(engine->pid, NULL, 0), engine->pid);
}

void engine_end(struct engine *engine)
{
    engine_kill(engine);
    folder_remove(engine->folder);
}
