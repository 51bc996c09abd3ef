/* SIGHUP: what can change changes, all of it or nothing. */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "/v1/models/torch-stacked"

static void write_config(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static int code_of_large_step(const struct daemon *daemon)
{
    enum { BYTES = 2000 };
    char body[BYTES + 1];
    memset(body, ' ', BYTES);
    body[BYTES] = '\0';
    memcpy(body, "{\"x\":[1,2,3,4,5]}", 17);
    struct answer answer = request(daemon, "POST", MODEL "/sessions/a/step", body);
    int code = answer.code;
    answer_free(&answer);
    return code;
}

static void wait_for_code(const struct daemon *daemon, int code)
{
    enum { PATIENCE_MS = 60000 };
    for (int ms = 0; code_of_large_step(daemon) != code; ms += 10) {
        ck_assert_int_lt(ms, PATIENCE_MS);
        usleep(10000);
    }
}

TEST(a_hangup_reads_the_configuration_again)
{
    char path[] = "/tmp/grud-reload-XXXXXX", log[8192];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_config(path, "body-max = 4000\n");
    struct daemon daemon = daemon_start((const char *const[]){ "--config", path, NULL });
    ck_assert_int_eq(code_of_large_step(&daemon), 200);
    write_config(path, "body-max = 1500\nsession-max = 7\n");
    ck_assert_int_eq(kill(daemon.pid, SIGHUP), 0);
    wait_for_code(&daemon, 413);
    daemon_wait_log(&daemon, "option_needs_restart option=session-max", log, sizeof log);
    daemon_wait_log(&daemon, "reloaded", log, sizeof log);
    write_config(path, "body-max = 4000\nbody_max = 1\n");
    ck_assert_int_eq(kill(daemon.pid, SIGHUP), 0);
    daemon_wait_log(&daemon, "reload_refused", log, sizeof log);
    ck_assert_ptr_nonnull(strstr(log, "there is no option 'body_max'"));
    ck_assert_int_eq(code_of_large_step(&daemon), 413);
    daemon_stop(&daemon);
    unlink(path);
}
