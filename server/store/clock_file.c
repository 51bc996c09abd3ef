#include "store/clock_file.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/refusal.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT = 1, WRITE_MS = 1000 };

/* As it lies in the file. */
struct kept_clock {
    uint64_t check; /* over what follows */
    uint64_t format;
    struct clock_state state;
    char boot_id[40];
};
_Static_assert(sizeof(struct kept_clock) == 80, "it lies on disk, in one sector");

static uint64_t check_of(const struct kept_clock *kept)
{
    return digest_64(&kept->format, sizeof *kept - offsetof(struct kept_clock, format), 0);
}

static bool is_sound(const struct kept_clock *kept)
{
    static const int64_t time_max_ms = INT64_C(1) << 53; /* so that no sum overflows */
    const struct clock_state *state = &kept->state;
    return kept->check == check_of(kept) && kept->format == FORMAT && state->steady_ms >= 0 &&
           state->steady_ms <= time_max_ms && state->boot_ms >= 0 &&
           state->boot_ms <= time_max_ms && state->wall_ahead_s >= -time_max_ms / 1000 &&
           state->wall_ahead_s <= time_max_ms / 1000;
}

/* One line that differs from one life of the machine to the next. */
static void read_boot_id(char boot_id[40])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, boot_id, 39) : -1;
    memset(boot_id + (n > 0 ? n : 0), 0, 40 - (size_t)(n > 0 ? n : 0));
    if (fd >= 0) {
        close(fd);
    }
}

/* What the steady clock is now. */
static int64_t go_on(const struct kept_clock *kept, const char *boot_id)
{
    static const int64_t off_max_ms = (int64_t)CLOCK_DAYS_OFF_MAX * 86400000;
    const struct clock_state *then = &kept->state;
    int64_t now_boot_ms = clock_read_state().boot_ms;
    if (boot_id[0] != '\0' && memcmp(boot_id, kept->boot_id, sizeof kept->boot_id) == 0 &&
        now_boot_ms >= then->boot_ms) {
        return then->steady_ms + (now_boot_ms - then->boot_ms);
    }
    int64_t off_ms = clock_wall_ms() - then->wall_ahead_s * 1000 - then->steady_ms;
    return off_ms >= 0 && off_ms <= off_max_ms ? then->steady_ms + off_ms : then->steady_ms;
}

static void keep(struct clock_file *file)
{
    struct kept_clock kept = { .format = FORMAT, .state = clock_read_state() };
    memcpy(kept.boot_id, file->boot_id, sizeof kept.boot_id);
    kept.check = check_of(&kept);
    bool written = pwrite(file->fd, &kept, sizeof kept, 0) == (ssize_t)sizeof kept;
    if (!written && !file->has_failed) {
        log_event(LOG_WARN, "clock_not_kept", LOG_STRING("reason", strerrordesc_np(errno)));
    }
    file->has_failed = !written;
    file->written_at_ms = clock_monotonic_ms();
}

enum status clock_file_open(const char *data, struct clock_file *ret_file, struct fault *fault)
{
    char path[PATH_MAX];
    struct clock_file file = CLOCK_FILE_NONE;
    struct kept_clock kept;
    if (!files_path_print(path, "%s/clock", data)) {
        return files_failed(fault, "use", data);
    }
    file.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ssize_t n = file.fd >= 0 ? pread(file.fd, &kept, sizeof kept, 0) : -1;
    if (n < 0) {
        enum status status = refusal_set(fault, "data", "open", path, REFUSAL_TO_KEEP, errno);
        if (file.fd >= 0) {
            close(file.fd);
        }
        return status;
    }
    read_boot_id(file.boot_id);
    if (n == (ssize_t)sizeof kept && is_sound(&kept)) {
        clock_set_steady(go_on(&kept, file.boot_id), kept.state.wall_ahead_s);
    } else if (n > 0) {
        log_event(LOG_WARN, "clock_damaged", LOG_STRING("file", path),
                  LOG_STRING("advice", "idle times go on by the wall clock"));
    }
    keep(&file);
    *ret_file = file;
    return STATUS_OK;
}

void clock_file_keep(struct clock_file *file, bool at_once)
{
    if (file->fd >= 0 && (at_once || clock_monotonic_ms() - file->written_at_ms >= WRITE_MS)) {
        keep(file);
    }
}

void clock_file_close(struct clock_file *file)
{
    if (file->fd >= 0) {
        keep(file);
        close(file->fd);
    }
    *file = CLOCK_FILE_NONE;
}
