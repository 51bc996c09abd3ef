/* The wall clock is set by years, in either direction, while the service runs and between two
 * starts: nothing gets older or younger by that. */
#include "base/clock.h"
#include "base/digest.h"
#include "service/failing_system.h"
#include "service/jobs/job_support.h"
#include "service/sessions/recorded.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t sets_s[] = { 3 * 31536000, -3 * 31536000, 20 * 31536000, -40 * 31536000,
                                  86400,        -86400,        400,           -400 };
enum { SETS = sizeof sets_s / sizeof *sets_s };

/* What clients and operators see of the time of a session that is `idle_s` old. */
static void expect_idle(struct world *world, const char *session, int64_t idle_s)
{
    struct session shown = session_get(world, session);
    int64_t wall_ms = clock_wall_ms();
    int64_t off_ms = wall_ms - clock_wall_of(shown.row.last_seen_at_ms) - idle_s * 1000;
    ck_assert_msg(off_ms > -2000 && off_ms < 60000, "'%s' is shown as idle for %lld ms more",
                  session, (long long)off_ms);
    ck_assert_int_eq(shown.row.expires_at_ms - shown.row.last_seen_at_ms, 300000);
    ck_assert_int_le(shown.row.created_at_ms, clock_steady_ms());
}

static void expect_expired(struct world *world, const char *session, int64_t ago_s)
{
    long long ago;
    expect_fault(world, session, STATUS_SESSION_EXPIRED);
    const char *at = strstr(world->fault.message, "expired ");
    ck_assert(at && sscanf(at, "expired %lld s ago", &ago) == 1); // NOLINT(cert-err34-c)
    ck_assert_msg(ago >= ago_s && ago < ago_s + 60, "%s", world->fault.message);
}

/* One session is fresh, one has a minute left, one's time is over, and one's was over before. */
static void begin(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world->config.session_ttl = 300;
    world_start(world);
    expect_steps(world, "gone", 4, 1, 1);
    world_age(world, "gone", 301000);
    service_tick(world->service);
    expect_steps(world, "fresh", 1, 1, 3);
    expect_steps(world, "idle", 2, 1, 3);
    expect_steps(world, "over", 3, 1, 3);
    world_age(world, "idle", 240000);
    world_age(world, "over", 305000);
}

static void expect_unmoved(struct world *world)
{
    service_tick(world->service);
    service_tick(world->service);
    ck_assert_uint_eq(model_n_sessions(world_model(world)), 2);
    expect_idle(world, "fresh", 0);
    expect_idle(world, "idle", 240);
    expect_expired(world, "over", 5);
    expect_twin(world, "fresh", 1, 4);
}

static void end(struct world *world)
{
    set_back_s = 0;
    world_done(world);
    clock_set_steady(clock_wall_ms(), 0);
}

TEST(a_wall_clock_that_is_set_while_the_service_runs_changes_no_idle_time)
{
    for (size_t k = 0; k < SETS; k++) {
        struct world world;
        begin(&world);
        set_back_s = -sets_s[k];
        expect_unmoved(&world);
        expect_expired(&world, "gone", 1); /* a tombstone is as old as it is */
        end(&world);
    }
}

TEST(a_wall_clock_that_is_set_between_two_starts_changes_no_idle_time)
{
    for (size_t k = 0; k < SETS; k++) {
        struct world world;
        begin(&world);
        world_stop(&world);
        set_back_s = -sets_s[k];
        world_start(&world);
        expect_unmoved(&world);
        end(&world);
    }
}

/* The file of the clock says that it is of another life of the machine. */
static void reboot(const struct world *world)
{
    enum { BOOT_ID_AT = 40 };
    char path[160];
    snprintf(path, sizeof path, "%s/clock", world->data);
    struct bytes clock = file_load(path);
    char *bytes = clock.p;
    bytes[BOOT_ID_AT] ^= 1;
    uint64_t check = digest_64(bytes + sizeof check, clock.n - sizeof check, 0);
    memcpy(bytes, &check, sizeof check);
    file_store(path, clock.p, clock.n);
    free(clock.p);
}

TEST(a_wall_clock_that_is_set_while_the_machine_is_off_changes_no_idle_time)
{
    static const int64_t off_s[] = { 3 * 31536000, -3 * 31536000, 20 * 31536000, -40 * 31536000,
                                     -86400 };
    for (size_t k = 0; k < sizeof off_s / sizeof *off_s; k++) {
        struct world world;
        begin(&world);
        world_stop(&world);
        reboot(&world);
        set_back_s = -off_s[k];
        world_start(&world);
        expect_unmoved(&world);
        end(&world);
    }
}

/* Saved by one clock and restored by another, over and over. */
TEST(no_session_was_made_later_than_now)
{
    struct world world;
    begin(&world);
    for (size_t k = 0; k < SETS; k++) {
        int64_t made_ms = clock_wall_of(session_get(&world, "fresh").row.created_at_ms);
        set_back_s = -sets_s[k];
        service_tick(world.service);
        put_session(&world, "fresh", 1, clock_steady_of(made_ms));
        ck_assert_int_le(session_get(&world, "fresh").row.created_at_ms, clock_steady_ms());
        set_back_s = 0;
        service_tick(world.service);
    }
    end(&world);
}

/* Half a day off is half a day: the wall clock is believed as long as it is plausible. */
TEST(the_time_that_a_machine_was_off_counts)
{
    struct world world;
    begin(&world);
    world_stop(&world);
    reboot(&world);
    set_back_s = -43200;
    world_start(&world);
    service_tick(world.service);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
    expect_expired(&world, "fresh", 42900);
    expect_expired(&world, "over", 43205);
    end(&world);
}

/* What a release without a kept clock wrote, on a machine whose clock was ahead. */
TEST(a_session_that_was_seen_in_the_time_to_come_counts_as_seen_now)
{
    struct world world;
    begin(&world);
    world_age(&world, "idle", INT64_C(-3) * 31536000 * 1000);
    world_restart(&world);
    expect_idle(&world, "idle", 0);
    service_tick(world.service);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 2);
    end(&world);
}

TEST(the_least_recently_used_goes_first_wherever_the_wall_clock_is_set_to)
{
    enum { MOST = 3 };
    struct world world;
    world_init(&world);
    world.config.session_max = MOST;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    char id[32];
    for (int k = 0; k < SETS; k++) {
        set_back_s = -sets_s[k];
        service_tick(world.service);
        snprintf(id, sizeof id, "s%d", k);
        expect_steps(&world, id, (uint64_t)k, 1, 1);
        sleep_ms(2);
        if (k >= MOST) {
            snprintf(id, sizeof id, "s%d", k - MOST);
            expect_fault(&world, id, STATUS_SESSION_EVICTED);
        }
    }
    end(&world);
}

TEST(the_times_of_a_job_are_in_order_wherever_the_wall_clock_is_set_to)
{
    for (size_t k = 0; k < 4; k++) {
        struct world world;
        struct course course;
        course_init(&course);
        course_make_endless(&course);
        course.request.max_seconds = 1000;
        world_begin_course(&world, &course);
        struct job job = course_start(&world, &course.request);
        job_wait_steps(&world, job.id, 1);
        set_back_s = -sets_s[k];
        service_tick(world.service);
        job = job_wait_steps(&world, job.id, 50);
        int64_t wall_ms = clock_wall_ms();
        ck_assert_int_ge(job.started_at_ms, job.created_at_ms);
        ck_assert_int_ge(clock_wall_of(job.started_at_ms), wall_ms - 120000);
        ck_assert_int_le(clock_wall_of(job.started_at_ms), wall_ms + 2000);
        ck_assert_msg(job.status == JOB_RUNNING, "max_seconds by the wall clock");
        ck_assert(job.estimated_finish_ms == 0 || job.estimated_finish_ms >= job.started_at_ms);
        ck_assert_int_eq(job_cancel(world.context, job.id, &job, &world.fault), STATUS_OK);
        ck_assert_int_ge(job.finished_at_ms, job.started_at_ms);
        ck_assert_int_lt(job.finished_at_ms - job.started_at_ms, 120000);
        struct job_event events[64];
        size_t n = job_get_events(&world, job.id, events, 64);
        for (size_t e = 1; e < n; e++) {
            ck_assert_int_ge(events[e].created_at_ms, events[e - 1].created_at_ms);
        }
        world_stop_jobs(&world);
        end(&world);
    }
}
