#include "base/notify.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGE_MAX = 64, PATIENCE_SECONDS = 5 /* with a manager that does not read */ };

static struct {
    int fd; /* -1: there is no one to tell */
    struct sockaddr_un address;
    socklen_t n_address;
} manager = { .fd = -1 };

static void log_failure(const char *what, int error)
{
    log_event(LOG_WARN, "notify_failed", LOG_STRING("message", what),
              LOG_STRING("reason", strerrordesc_np(error)));
}

/* A path, or '@' and an abstract name. Other kinds (vsock) belong to virtual machines. Returns 0 or
 * errno. */
static int read_address(const char *name)
{
    size_t n = strlen(name);
    if (name[0] != '/' && name[0] != '@') {
        return EAFNOSUPPORT;
    }
    if (n < 2 || n >= sizeof manager.address.sun_path) {
        return EINVAL;
    }
    manager.address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(manager.address.sun_path, name, n);
    manager.n_address = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (name[0] == '@') {
        manager.address.sun_path[0] = '\0';
    } else {
        manager.n_address++; /* the NUL */
    }
    return 0;
}

void notify_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET"); // NOLINT(concurrency-mt-unsafe): nobody sets any
    const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
    if (!name) {
        return;
    }
    int error = read_address(name);
    if (error == 0) {
        manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        error = manager.fd < 0 ? errno : 0;
    }
    if (error != 0) {
        log_failure(name, error);
        return;
    }
    setsockopt(manager.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static void tell(const char *message)
{
    if (manager.fd >= 0 &&
        sendto(manager.fd, message, strlen(message), MSG_NOSIGNAL,
               (const struct sockaddr *)&manager.address, manager.n_address) < 0) {
        log_failure(message, errno);
    }
}

void notify_ready(void)
{
    tell("READY=1");
}

void notify_reloading(int64_t monotonic_us)
{
    char message[MESSAGE_MAX];
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, monotonic_us);
    tell(message);
}

void notify_stopping(void)
{
    tell("STOPPING=1");
    if (manager.fd >= 0) {
        close(manager.fd);
        manager.fd = -1;
    }
}
