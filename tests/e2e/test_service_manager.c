/* What a service manager such as systemd is told: when grud is ready, reloads and stops. */
#include "daemon.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 60 };

static struct sockaddr_un address = { .sun_family = AF_UNIX };

/* Its socket, which grud finds in the environment. */
static int begin_manager(void)
{
    const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/grud-manager-%d", getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    unlink(address.sun_path);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    return fd;
}

static void end_manager(int fd)
{
    unsetenv("NOTIFY_SOCKET");
    unlink(address.sun_path);
    close(fd);
}

/* Waits for a message that begins so. */
static void assert_told(int fd, const char *beginning)
{
    char message[256];
    ssize_t n = recv(fd, message, sizeof message - 1, 0);
    ck_assert_int_ge(n, 0);
    message[n] = '\0';
    ck_assert_msg(strncmp(message, beginning, strlen(beginning)) == 0, "%s: told %s", beginning,
                  message);
}

static void assert_no_more(int fd)
{
    char message[1];
    ck_assert_int_lt(recv(fd, message, sizeof message, MSG_DONTWAIT), 0);
}

TEST(a_service_manager_is_told_of_ready_reload_and_stop)
{
    int fd = begin_manager();
    struct daemon daemon = daemon_start(NULL);
    assert_told(fd, "READY=1");
    expect(&daemon, "GET", "/readyz", NULL, 200, NULL);
    ck_assert_int_eq(kill(daemon.pid, SIGHUP), 0);
    assert_told(fd, "RELOADING=1\nMONOTONIC_USEC=");
    assert_told(fd, "READY=1");
    assert_no_more(fd);
    daemon_stop(&daemon);
    assert_told(fd, "STOPPING=1");
    assert_no_more(fd);
    end_manager(fd);
}

TEST(a_start_that_fails_does_not_say_ready)
{
    int fd = begin_manager();
    struct daemon daemon = daemon_prepare();
    ck_assert_int_ne(
        daemon_try_start(&daemon, (const char *const[]){ "--models", "/nowhere", NULL }), -1);
    assert_no_more(fd);
    daemon_remove(&daemon);
    end_manager(fd);
}
