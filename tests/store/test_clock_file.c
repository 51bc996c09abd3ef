#include "base/clock.h"
#include "base/digest.h"
#include "store/clock_file.h"
#include "store_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t year_s = 31536000, day_s = 86400;

/* This program's own clocks, in front of the C library's. */
static int64_t wall_set_s, booted_s; /* what the wall clock was set by, the time since boot */

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec += clock == CLOCK_REALTIME ? wall_set_s : clock == CLOCK_BOOTTIME ? booted_s : 0;
    return result;
}

/* The steady clock as a process sees it that is started now; what jumped, by the log's number. */
static int64_t next_start(const struct folder *data, int64_t *ret_jump_s)
{
    struct clock_file file;
    struct fault fault;
    ck_assert_int_eq(clock_file_open(data->path, &file, &fault), STATUS_OK);
    *ret_jump_s = clock_note_jump();
    int64_t now_ms = clock_steady_ms();
    clock_file_close(&file);
    return now_ms;
}

/* That the start finds the steady clock `passed_s` further than the last one. */
static void expect_passed(const struct folder *data, int64_t *steady_ms, int64_t passed_s,
                          int64_t jump_s)
{
    int64_t found_jump_s, now_ms = next_start(data, &found_jump_s);
    int64_t over_ms = now_ms - *steady_ms - passed_s * 1000;
    ck_assert_msg(over_ms >= -1 && over_ms < 60000, "off by %lld ms", (long long)over_ms);
    int64_t off_s = found_jump_s - jump_s;
    ck_assert_msg(off_s >= -60 && off_s <= 60, "a jump of %lld s", (long long)found_jump_s);
    *steady_ms = now_ms;
}

/* The file says that it is of another life of the machine. */
static void reboot(const struct folder *data)
{
    enum { BYTES = 80, BOOT_ID_AT = 40 };
    char path[PATH_MAX], bytes[BYTES];
    folder_path(data, "clock", path);
    FILE *file = fopen(path, "r+be");
    ck_assert(file && fread(bytes, 1, BYTES, file) == BYTES);
    bytes[BOOT_ID_AT] ^= 1;
    uint64_t check = digest_64(bytes + sizeof check, BYTES - sizeof check, 0);
    memcpy(bytes, &check, sizeof check);
    rewind(file);
    ck_assert(fwrite(bytes, 1, BYTES, file) == BYTES && fclose(file) == 0);
}

static void back_to_normal(struct folder *data)
{
    wall_set_s = 0;
    booted_s = 0;
    clock_set_steady(clock_wall_ms(), 0);
    folder_remove(data);
}

TEST(in_one_life_of_the_machine_the_time_between_is_known_whatever_the_wall_clock_says)
{
    struct folder data = data_make();
    int64_t jump_s, steady_ms = next_start(&data, &jump_s);
    static const int64_t sets_s[] = { 3 * 31536000, -50 * 31536000, 0, -86400, 10 };
    for (size_t k = 0; k < sizeof sets_s / sizeof *sets_s; k++) {
        int64_t before_s = wall_set_s;
        wall_set_s = sets_s[k];
        booted_s += 1000; /* the wall clock went on, too */
        wall_set_s += booted_s;
        expect_passed(&data, &steady_ms, 1000, wall_set_s - before_s - 1000);
    }
    back_to_normal(&data);
}

TEST(after_a_start_of_the_machine_a_plausible_wall_clock_tells_the_time_between)
{
    struct folder data = data_make();
    int64_t jump_s, steady_ms = next_start(&data, &jump_s);
    static const int64_t offs_s[] = { 0, 60, 86400, 89 * 86400 };
    for (size_t k = 0; k < sizeof offs_s / sizeof *offs_s; k++) {
        reboot(&data);
        booted_s = -(int64_t)(k + 1); /* it begins anew */
        wall_set_s += offs_s[k];
        expect_passed(&data, &steady_ms, offs_s[k], 0);
    }
    back_to_normal(&data);
}

TEST(after_a_start_of_the_machine_a_wall_clock_that_was_set_makes_nothing_older)
{
    struct folder data = data_make();
    int64_t jump_s, steady_ms = next_start(&data, &jump_s);
    const int64_t sets_s[] = { 3 * year_s, -3 * year_s, 91 * day_s, -3600, -56 * year_s };
    for (size_t k = 0; k < sizeof sets_s / sizeof *sets_s; k++) {
        reboot(&data);
        wall_set_s += sets_s[k];
        expect_passed(&data, &steady_ms, 0, sets_s[k]);
        /* A clock without a battery begins in 1970 and is set when the network is there. */
        wall_set_s -= sets_s[k];
        expect_passed(&data, &steady_ms, 0, -sets_s[k]);
    }
    back_to_normal(&data);
}

TEST(a_damaged_clock_begins_anew_by_the_wall_clock)
{
    struct folder data = data_make();
    int64_t jump_s, steady_ms = next_start(&data, &jump_s);
    text_write(&data, "clock", "damaged");
    clock_set_steady(clock_wall_ms(), 0); /* as a process begins */
    expect_passed(&data, &steady_ms, 0, 0);
    back_to_normal(&data);
}
