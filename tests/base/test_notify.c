#include "base/log.h"
#include "base/notify.h"
#include "scratch.h"
#include "test.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager: a socket with this name ('@': an abstract one), which the environment names.
 */
static int begin_manager(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t n = strlen(name);
    ck_assert_uint_lt(n, sizeof address.sun_path);
    memcpy(address.sun_path, name, n);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void end_manager(int fd)
{
    unsetenv("NOTIFY_SOCKET");
    close(fd);
}

static void assert_told(int fd, const char *message)
{
    char told[256];
    ssize_t n = recv(fd, told, sizeof told - 1, MSG_DONTWAIT);
    ck_assert_int_ge(n, 0);
    told[n] = '\0';
    ck_assert_str_eq(told, message);
}

static void assert_no_more(int fd)
{
    char told[1];
    ck_assert_int_lt(recv(fd, told, sizeof told, MSG_DONTWAIT), 0);
}

static void live(void)
{
    notify_open();
    notify_ready();
    notify_reloading(1234567890123);
    notify_ready();
    notify_stopping();
}

static void assert_life_is_told(int fd)
{
    assert_told(fd, "READY=1");
    assert_told(fd, "RELOADING=1\nMONOTONIC_USEC=1234567890123");
    assert_told(fd, "READY=1");
    assert_told(fd, "STOPPING=1");
    assert_no_more(fd);
}

/* What was logged meanwhile; from malloc. */
static char *live_logged(void)
{
    struct capture capture = capture_begin(STDERR_FILENO);
    log_setup(LOG_INFO, false);
    live();
    return capture_end(&capture);
}

TEST(a_manager_at_a_path_is_told)
{
    char *folder = folder_create(), *path = path_in(folder, "notify");
    int fd = begin_manager(path);
    live();
    assert_life_is_told(fd);
    end_manager(fd);
    free(path);
    folder_remove(folder);
}

TEST(a_manager_with_an_abstract_name_is_told)
{
    char name[64];
    snprintf(name, sizeof name, "@grud-test-notify-%d", getpid());
    int fd = begin_manager(name);
    live();
    assert_life_is_told(fd);
    end_manager(fd);
}

TEST(nothing_is_told_after_stopping)
{
    char *folder = folder_create(), *path = path_in(folder, "notify");
    int fd = begin_manager(path);
    live();
    notify_ready();
    assert_life_is_told(fd);
    end_manager(fd);
    free(path);
    folder_remove(folder);
}

TEST(without_a_manager_nothing_happens)
{
    unsetenv("NOTIFY_SOCKET");
    char *logged = live_logged();
    ck_assert_str_eq(logged, "");
    free(logged);
}

TEST(a_manager_that_is_gone_is_logged_and_forgiven)
{
    char *folder = folder_create(), *path = path_in(folder, "notify");
    end_manager(begin_manager(path));
    setenv("NOTIFY_SOCKET", path, 1);
    char *logged = live_logged();
    ck_assert_msg(strstr(logged, " warn notify_failed message=\"READY=1\" "
                                 "reason=\"Connection refused\"\n") != NULL,
                  "%s", logged);
    ck_assert_msg(strstr(logged, " message=\"STOPPING=1\" ") != NULL, "%s", logged);
    free(logged);
    unsetenv("NOTIFY_SOCKET");
    free(path);
    folder_remove(folder);
}

/* The last one is too long by one byte. */
TEST(an_address_of_another_kind_is_logged_once_and_forgiven)
{
    char too_long[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[0] = '/';
    too_long[sizeof too_long - 1] = '\0';
    const char *const names[] = { "", "vsock:2:1234", "notify", "@", too_long };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        setenv("NOTIFY_SOCKET", names[k], 1);
        char *logged = live_logged();
        const char *first = strstr(logged, " warn notify_failed ");
        ck_assert_msg(first != NULL, "'%s': %s", names[k], logged);
        ck_assert_msg(!strstr(first + 1, " warn notify_failed "), "'%s': %s", names[k], logged);
        free(logged);
    }
    unsetenv("NOTIFY_SOCKET");
}
