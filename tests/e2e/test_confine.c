/* A daemon that gives up root's rights, and system calls. */
#include "daemon.h"
#include "test.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOMEBODY "nobody" /* on every system */

/* The line of the process' status that begins with that. */
static void read_status(const struct daemon *daemon, const char *name, char line[256])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    bool found = false;
    while (!found && fgets(line, 256, file)) {
        found = strncmp(line, name, strlen(name)) == 0;
    }
    fclose(file);
    ck_assert_msg(found, "no %s", name);
}

static void expect_owner(const struct daemon *daemon, const char *file, uid_t owner)
{
    char path[192];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", daemon->directory, file);
    ck_assert_msg(stat(path, &status) == 0, "no %s", path);
    ck_assert_uint_eq(status.st_uid, owner);
}

TEST(root_binds_and_somebody_serves)
{
    char expected[256], line[256], log[8192], models[192];
    if (geteuid() != 0) {
        printf("SKIPPED: only root can become somebody else\n");
        return;
    }
    const struct passwd *user = getpwnam(SOMEBODY);
    struct daemon daemon = daemon_prepare();
    ck_assert_int_eq(chown(daemon.directory, user->pw_uid, user->pw_gid),
                     0); /* for the port file */
    snprintf(models, sizeof models, "%s/models", daemon.directory);
    ck_assert_int_eq(mkdir(models, 0755), 0);
    const char *const options[] = { "--user", SOMEBODY, "--models", models, NULL };
    daemon_start_again(&daemon, options);
    snprintf(expected, sizeof expected, "Uid:\t%u\t%u\t%u\t%u\n", user->pw_uid, user->pw_uid,
             user->pw_uid, user->pw_uid);
    read_status(&daemon, "Uid:", line);
    ck_assert_str_eq(line, expected);
    read_status(&daemon, "CapEff:", line);
    ck_assert_str_eq(line, "CapEff:\t0000000000000000\n");
    read_status(&daemon, "NoNewPrivs:", line);
    ck_assert_str_eq(line, "NoNewPrivs:\t1\n");
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers", "8", NULL });
    expect(&daemon, "POST", "/v1/models/pump/sessions/a/step", "{\"x\":[1]}", 200, NULL);
    expect(&daemon, "GET", "/metrics", NULL, 200, "\nprocess_open_fds ");
    expect(&daemon, "GET", "/metrics", NULL, 200, "\nprocess_threads ");
    expect_owner(&daemon, "data", user->pw_uid);
    expect_owner(&daemon, "data/sessions/pump.pool", user->pw_uid);
    expect_owner(&daemon, "data/models/pump/1.safetensors", user->pw_uid);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_wait_log(&daemon, "stopped synced=yes", log, sizeof log);
    ck_assert_ptr_null(strstr(log, "running_as_root"));
    daemon_start_again(&daemon, options);
    expect(&daemon, "GET", "/v1/models/pump/sessions/a", NULL, 200, "\"step\":1");
    daemon_stop(&daemon);
}

TEST(a_user_that_cannot_be_is_a_wrong_configuration)
{
    char output[4096];
    ck_assert_int_eq(daemon_run((const char *const[]){ "--listen", "127.0.0.1:0", "--user",
                                                       "no-such-user", NULL },
                                output, sizeof output),
                     2);
    ck_assert_ptr_nonnull(strstr(output, "there is no user 'no-such-user'"));
}

/* By a sanitizer or valgrind, which make calls of their own, or qemu-user, which has no filters. */
static bool is_watched(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return getenv("BELOW"); // NOLINT(concurrency-mt-unsafe): nothing changes the environment
#endif
}

TEST(the_filter_is_on_when_it_is_asked_for)
{
    char line[256], log[1 << 15];
    struct daemon daemon = daemon_start((const char *const[]){ "--seccomp", "no", NULL });
    read_status(&daemon, "Seccomp:", line);
    if (line[9] != '0' || is_watched()) {
        puts("the_filter_is_on_when_it_is_asked_for: SKIPPED, below another filter or a watcher of "
             "grud");
    } else {
        ck_assert_int_eq(daemon_end(&daemon), 0);
        daemon_start_again(&daemon, (const char *const[]){ "--seccomp", "yes", NULL });
        read_status(&daemon, "Seccomp:", line);
        ck_assert_str_eq(line, "Seccomp:\t2\n");
    }
    if (geteuid() == 0) {
        daemon_wait_log(&daemon, "running_as_root", log, sizeof log);
    }
    daemon_stop(&daemon);
}
