/* What sessions record: complete, in order, and never falsified. */
#include "base/log.h"
#include "recorded.h"
#include "service/sessions/outbox.h"
#include "test.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* ---- on and off ---- */

TEST(without_record_there_is_no_recorder_and_its_calls_do_nothing)
{
    struct world world;
    struct outbox *outbox = (struct outbox *)&world;
    struct recorder *recorder = (struct recorder *)&world;
    struct gru_series *series;
    uint64_t n_recorded = 1, n_lost = 1;
    size_t n;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    ck_assert_ptr_null(world.service->recorder);
    ck_assert_ptr_null(world.context->outbox);
    expect_steps(&world, "s", 1, 1, 3);
    ck_assert_int_eq(recorder_create(&world.config, &recorder, &world.fault), STATUS_OK);
    ck_assert_ptr_null(recorder);
    ck_assert_int_eq(recorder_open_outbox(NULL, &outbox), STATUS_OK);
    ck_assert_ptr_null(outbox);
    recorder_begin(NULL);
    recorder_note(NULL, "m", "s", NULL, NULL, NULL);
    ck_assert_int_eq(recorder_note_deletion(NULL, "m", "s", &world.fault), STATUS_OK);
    recorder_close_outbox(NULL);
    ck_assert_int_eq(recorder_flush(NULL, &world.fault), STATUS_OK);
    ck_assert_int_eq(recorder_recover(NULL, world.service, &world.fault), STATUS_OK);
    recorder_figures(NULL, &n_recorded, &n_lost);
    ck_assert_uint_eq(n_recorded + n_lost, 0);
    ck_assert_int_eq(recorder_read(NULL, NULL, "m", INPUTS, JOB_SESSIONS,
                                   (const char *const[]){ "s" }, 1, 1000, &world.kept, &series, &n,
                                   &world.fault),
                     STATUS_RECORDING_OFF);
    recorder_free(NULL);
    char path[200];
    snprintf(path, sizeof path, "%s/recordings.db", world.data);
    ck_assert(!file_exists(path));
    world_done(&world);
}

TEST(each_reading_of_each_session_is_recorded_also_without_a_data_directory)
{
    enum { SESSIONS = 50 };
    for (int use_data = 0; use_data < 2; use_data++) {
        struct world world;
        start_recording(&world, use_data);
        for (uint64_t s = 0; s < SESSIONS; s++) {
            char id[32];
            snprintf(id, sizeof id, "s-%d", (int)s);
            expect_steps(&world, id, s, 1, 10 + s);
        }
        for (uint64_t s = 0; s < SESSIONS; s++) {
            char id[32];
            snprintf(id, sizeof id, "s-%d", (int)s);
            EXPECT_RECORDED(&world, id, { s, 1, 10 + s });
        }
        ck_assert_uint_eq(recorder_figure(&world, false),
                          SESSIONS * 10 + SESSIONS * (SESSIONS - 1) / 2);
        ck_assert_uint_eq(recorder_figure(&world, true), 0);
        world_done(&world);
    }
}

TEST(a_missing_value_is_recorded_as_missing)
{
    struct world world;
    start_recording(&world, true);
    const double x[3][INPUTS] = { { 1, NAN }, { NAN, NAN }, { NAN, 2 } };
    struct step step;
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(step_x(&world, "s", x[k], &step), STATUS_OK);
    }
    size_t n;
    const struct gru_series *series = recorded_by(&world, "s", &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(series->n_rows, 3);
    for (int k = 0; k < 3 * INPUTS; k++) {
        ck_assert(series->x[k] == x[k / INPUTS][k % INPUTS] ||
                  (isnan(series->x[k]) && isnan(x[k / INPUTS][k % INPUTS])));
    }
    world_done(&world);
}

static int64_t ask_recordings(const struct world *world, const char *sql)
{
    char path[200];
    sqlite3 *sqlite;
    sqlite3_stmt *prepared;
    snprintf(path, sizeof path, "%s/recordings.db", world->data);
    ck_assert_int_eq(sqlite3_open(path, &sqlite), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(sqlite, sql, -1, &prepared, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(prepared), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(prepared, 0);
    sqlite3_finalize(prepared);
    sqlite3_close(sqlite);
    return answer;
}

TEST(the_time_of_each_reading_is_recorded_if_it_has_one)
{
    struct world world;
    start_recording(&world, true);
    for (int k = 0; k < 6; k++) {
        double x[INPUTS];
        reading(1, (uint64_t)k + 1, x);
        arena_reset(&world.arena);
        struct step step = step_make(&world, "s", x);
        step.has_at = k % 3 != 2;
        step.at = 1700000000 + 0.5 * k;
        ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    }
    world_stop(&world);
    ck_assert_int_eq(ask_recordings(&world, "SELECT count(*) FROM readings AS r JOIN sessions AS s"
                                            " ON r.session = s.id WHERE s.session = 's' AND"
                                            " iif(r.n % 3 = 2, r.at IS NULL,"
                                            " r.at = 1700000000 + 0.5 * r.n)"),
                     6);
    world_start(&world);
    world_done(&world);
}

/* Recordings are of the readings as they came; a late one is none, and is not looked for after a
 * kill either. */
TEST(a_late_reading_moves_on_what_a_session_has_recorded)
{
    static const double times[] = { 10, 20, 40, 30, 50, 60 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.record = ROWS;
    world.config.amend = 1;
    world_start(&world);
    for (uint64_t k = 0; k < sizeof times / sizeof *times; k++) {
        double x[INPUTS];
        reading(1, k + 1, x);
        arena_reset(&world.arena);
        struct step step = step_make(&world, "s", x);
        step.has_at = step.may_amend = true;
        step.at = times[k];
        ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
        ck_assert_uint_eq(step.amended, k == 3 ? 3 : 0);
        if (k == 3) {
            flush_recorder(&world);
            ck_assert_int_eq(ask_recordings(&world, "SELECT last_step & 4294967295 FROM sessions"
                                                    " WHERE session = 's'"),
                             4);
        }
    }
    EXPECT_RECORDED(&world, "s", { 1, 1, 3 }, { 1, 5, 6 });
    world_done(&world);
}

TEST(what_is_no_step_of_its_own_is_not_recorded)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_overflows());
    world.config.record = ROWS;
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 2);
    double x[INPUTS];
    struct step step;
    ck_assert_int_ne(step_x(&world, "s", huge, &step), STATUS_OK);
    reading(1, 2, x);
    arena_reset(&world.arena);
    step = step_make(&world, "s", x); /* a repetition */
    step.has_seq = true;
    step.seq = 2;
    ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    step = step_make(&world, "s", x);
    step.has_seq = true;
    step.seq = 7;
    ck_assert_int_eq(step_take(&world, &step), STATUS_SEQUENCE_MISMATCH);
    expect_steps(&world, "s", 1, 3, 4);
    EXPECT_RECORDED(&world, "s", { 1, 1, 4 });
    ck_assert_uint_eq(recorder_figure(&world, false), 4);
    world_done(&world);
}

TEST(of_each_session_the_last_rows_are_kept)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.record = 20;
    world_start(&world);
    expect_steps(&world, "one-flush", 1, 1, 33);
    for (uint64_t number = 1; number <= 33; number++) {
        expect_steps(&world, "many", 2, number, number);
        flush_recorder(&world);
    }
    expect_steps(&world, "few", 3, 1, 20);
    EXPECT_RECORDED(&world, "one-flush", { 1, 14, 33 });
    EXPECT_RECORDED(&world, "many", { 2, 14, 33 });
    EXPECT_RECORDED(&world, "few", { 3, 1, 20 });
    world_done(&world);
}

/* ---- sessions that end, begin again, and are copied ---- */

TEST(a_deletion_forgets_what_was_recorded_before_and_nothing_else)
{
    struct world world;
    start_recording(&world, true);
    expect_steps(&world, "written", 1, 1, 5);
    expect_steps(&world, "other", 2, 1, 5);
    flush_recorder(&world);
    expect_steps(&world, "written", 1, 6, 9);
    expect_steps(&world, "noted", 3, 1, 5);
    delete_session(&world, "written");
    delete_session(&world, "noted");
    expect_steps(&world, "noted", 4, 1, 3);
    expect_nothing_recorded(&world, "written");
    EXPECT_RECORDED(&world, "noted", { 4, 1, 3 });
    EXPECT_RECORDED(&world, "other", { 2, 1, 5 });
    world_restart(&world);
    expect_nothing_recorded(&world, "written");
    EXPECT_RECORDED(&world, "noted", { 4, 1, 3 });
    ck_assert_int_eq(world_delete(&world, "nobody"), STATUS_SESSION_NOT_FOUND);
    world_done(&world);
}

TEST(what_an_expired_session_recorded_stays_until_it_is_deleted)
{
    struct world world;
    world_init(&world);
    world.config.record = ROWS;
    world.config.session_ttl = 10;
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 5);
    world_age(&world, "s", 20000);
    expect_fault(&world, "s", STATUS_SESSION_EXPIRED);
    EXPECT_RECORDED(&world, "s", { 1, 1, 5 });
    delete_session(&world, "s");
    expect_nothing_recorded(&world, "s");
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_SESSION_NOT_FOUND);
    expect_steps(&world, "s", 2, 1, 2);
    EXPECT_RECORDED(&world, "s", { 2, 1, 2 });
    world_done(&world);
}

TEST(a_session_that_begins_again_keeps_what_it_recorded_and_begins_a_new_sequence)
{
    struct world world;
    start_recording(&world, true);
    for (int flushed = 0; flushed < 2; flushed++) {
        const char *id = flushed ? "flushed" : "noted";
        expect_steps(&world, id, 1, 1, 6);
        if (flushed) {
            flush_recorder(&world);
        }
        put_session(&world, id, 0, 0);
        expect_steps(&world, id, 2, 1, 4);
        EXPECT_RECORDED(&world, id, { 1, 1, 6 }, { 2, 1, 4 });
    }
    world_done(&world);
}

TEST(a_session_that_was_put_never_goes_on_where_another_ended)
{
    struct world world;
    start_recording(&world, true);
    expect_steps(&world, "s", 1, 1, 6);
    put_session(&world, "s", 6, 1000000);
    expect_steps(&world, "s", 2, 7, 9);
    EXPECT_RECORDED(&world, "s", { 1, 1, 6 }, { 2, 7, 9 });
    world_done(&world);
}

TEST(an_evicted_session_keeps_what_it_recorded)
{
    struct world world;
    world_init(&world);
    world.config.record = ROWS;
    world.config.session_max = 2;
    world.config.session_full = CONFIG_EVICT;
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 5);
    world_age(&world, "s", 1000);
    expect_steps(&world, "b", 2, 1, 3);
    expect_steps(&world, "c", 3, 1, 3);
    ck_assert_uint_eq(world_pool(&world)->n_ended[TOMBSTONE_EVICTED], 1);
    EXPECT_RECORDED(&world, "s", { 1, 1, 5 });
    world_done(&world);
}

TEST(a_fork_records_from_its_own_first_step_on)
{
    struct world world;
    start_recording(&world, true);
    expect_steps(&world, "parent", 1, 1, 6);
    ck_assert_int_eq(session_fork(world.context, world_model(&world), "parent", "fork",
                                  &world.arena, &world.fault),
                     STATUS_OK);
    expect_nothing_recorded(&world, "fork");
    expect_steps(&world, "fork", 2, 7, 9);
    expect_steps(&world, "parent", 1, 7, 8);
    EXPECT_RECORDED(&world, "fork", { 2, 7, 9 });
    EXPECT_RECORDED(&world, "parent", { 1, 1, 8 });
    world_done(&world);
}

/* ---- what jobs read ---- */

TEST(a_job_reads_sessions_by_name_and_by_prefix)
{
    struct world world;
    start_recording(&world, true);
    struct gru_series *series;
    struct recorder *recorder = world.service->recorder;
    size_t n;
    expect_steps(&world, "a-1", 1, 1, 3);
    expect_steps(&world, "a-2", 2, 1, 4);
    expect_steps(&world, "a-3", 3, 1, 1); /* no sequence */
    expect_steps(&world, "b", 4, 1, 5);
    flush_recorder(&world);
    ck_assert_int_eq(recorder_read(recorder, NULL, "m", INPUTS, JOB_SESSIONS_PREFIX,
                                   (const char *const[]){ "a-" }, 1, 1000, &world.kept, &series, &n,
                                   &world.fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, 2);
    expect_series(&series[0], (struct part){ 1, 1, 3 });
    expect_series(&series[1], (struct part){ 2, 1, 4 });
    ck_assert_int_eq(recorder_read(recorder, NULL, "m", INPUTS, JOB_SESSIONS,
                                   (const char *const[]){ "b", "a-1" }, 2, 1000, &world.kept,
                                   &series, &n, &world.fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, 2);
    expect_series(&series[0], (struct part){ 4, 1, 5 });
    expect_series(&series[1], (struct part){ 1, 1, 3 });
    /* refused by name */
    ck_assert_int_eq(recorder_read(recorder, NULL, "m", INPUTS, JOB_SESSIONS,
                                   (const char *const[]){ "b", "nobody" }, 2, 1000, &world.kept,
                                   &series, &n, &world.fault),
                     STATUS_SESSION_NOT_FOUND);
    ck_assert_str_eq(world.fault.param, "training.sessions[1]");
    ck_assert_int_eq(recorder_read(recorder, NULL, "m", INPUTS, JOB_SESSIONS_PREFIX,
                                   (const char *const[]){ "c" }, 1, 1000, &world.kept, &series, &n,
                                   &world.fault),
                     STATUS_SESSION_NOT_FOUND);
    ck_assert_str_eq(world.fault.param, "training.sessions_prefix");
    ck_assert_int_eq(recorder_read(recorder, NULL, "other", INPUTS, JOB_SESSIONS,
                                   (const char *const[]){ "b" }, 1, 1000, &world.kept, &series, &n,
                                   &world.fault),
                     STATUS_SESSION_NOT_FOUND);
    /* the bound is one for all of them: 5 and 3 rows of 16 bytes */
    for (size_t most = 127; most <= 128; most++) {
        ck_assert_int_eq(recorder_read(recorder, NULL, "m", INPUTS, JOB_SESSIONS,
                                       (const char *const[]){ "b", "a-1" }, 2, most, &world.kept,
                                       &series, &n, &world.fault),
                         most < 128 ? STATUS_REQUEST_TOO_LARGE : STATUS_OK);
    }
    /* and so is the arena's */
    struct arena small;
    arena_init(&small, 64);
    ck_assert_int_eq(recorder_read(recorder, NULL, "m", INPUTS, JOB_SESSIONS,
                                   (const char *const[]){ "b" }, 1, 1000, &small, &series, &n,
                                   &world.fault),
                     STATUS_NO_MEMORY);
    arena_done(&small);
    world_done(&world);
}

TEST(readings_of_a_session_that_no_client_can_name_are_nobody_s)
{
    struct world world;
    start_recording(&world, true);
    struct gru_series *series;
    size_t n;
    expect_steps(&world, "s", 1, 1, 3);
    flush_recorder(&world);
    ck_assert_int_eq(recorder_read(world.service->recorder, NULL, "m", INPUTS, JOB_SESSIONS_PREFIX,
                                   (const char *const[]){ "" }, 1, 1000, &world.kept, &series, &n,
                                   &world.fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(recorder_figure(&world, false), 3);
    world_done(&world);
}

/* ---- overload and failures ---- */

/* Notes that nobody takes. */
static void note_wide(struct world *world, const char *session, uint64_t first, uint64_t last)
{
    enum { WIDE = 4096 };
    static const double x[WIDE];
    const struct recorder_row row = { .x = x, .n_inputs = WIDE };
    const struct record_life life = { .created_at_s = 1000 };
    struct record_copy copy = { .step = first };
    for (; copy.step <= last; copy.step++) {
        recorder_begin(world->context->outbox);
        recorder_note(world->context->outbox, "wide", session, &life, &copy, &row);
    }
}

TEST(beyond_the_bound_readings_are_dropped_and_counted_but_no_deletion_is)
{
    enum { NOTES = 6000 }; /* 16 KiB each */
    struct world world;
    start_recording(&world, false);
    struct outboxes *outboxes = world.context->outbox->all;
    expect_steps(&world, "s", 1, 1, 5);
    note_wide(&world, "flood", 1, NOTES);
    uint64_t n_lost = recorder_figure(&world, true);
    ck_assert_uint_gt(n_lost, 0);
    ck_assert_uint_lt(n_lost, NOTES);
    ck_assert_uint_le(outboxes->n_bytes, RECORDER_BACKLOG_MAX);
    expect_steps(&world, "t", 2, 1, 5000); /* some of which no longer fit: the steps do not mind */
    ck_assert_uint_gt(recorder_figure(&world, true), n_lost);
    delete_session(&world, "s");
    delete_session(&world, "t");
    ck_assert_uint_gt(outboxes->n_bytes, 0);
    flush_recorder(&world);
    ck_assert_uint_eq(outboxes->n_bytes, 0);
    ck_assert_uint_eq(recorder_figure(&world, false) + recorder_figure(&world, true),
                      5 + NOTES + 5000);
    expect_nothing_recorded(&world, "s");
    expect_nothing_recorded(&world, "t");
    expect_steps(&world, "t", 3, 1, 5);
    EXPECT_RECORDED(&world, "t", { 3, 1, 5 });
    world_done(&world);
}

TEST(a_dropped_reading_ends_a_sequence)
{
    enum { NOTES = 5000 };
    struct world world;
    start_recording(&world, false);
    expect_steps(&world, "s", 1, 1, 3);
    note_wide(&world, "flood", 1, NOTES);
    expect_steps(&world, "s", 1, 4, 3000);
    uint64_t n_lost = recorder_figure(&world, true);
    ck_assert_uint_gt(n_lost, NOTES - RECORDER_BACKLOG_MAX / (4096 * 4) + 100);
    flush_recorder(&world);
    expect_steps(&world, "s", 1, 3001, 3003);
    size_t n;
    const struct gru_series *series = recorded_by(&world, "s", &n);
    ck_assert_ptr_nonnull(series);
    ck_assert_uint_eq(n, 2);
    expect_series(&series[0], (struct part){ 1, 1, series[0].n_rows });
    expect_series(&series[1], (struct part){ 1, 3001, 3003 });
    world_done(&world);
}

TEST(a_session_whose_recording_cannot_be_forgotten_is_not_deleted)
{
    struct world world;
    start_recording(&world, false);
    expect_steps(&world, "s", 1, 1, 3);
    flush_recorder(&world);
    struct outboxes *outboxes = world.context->outbox->all;
    size_t n_bytes = outboxes->n_bytes;
    outboxes->n_bytes = SIZE_MAX / 2;
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_NO_MEMORY);
    outboxes->n_bytes = n_bytes;
    expect_steps(&world, "s", 1, 4, 6);
    EXPECT_RECORDED(&world, "s", { 1, 1, 6 });
    world_done(&world);
}

TEST(what_the_disk_refuses_is_kept_and_written_later)
{
    struct world world;
    start_recording(&world, true);
    expect_steps(&world, "s", 1, 1, 100);
    flush_recorder(&world);
    uint64_t number = 100;
    log_setup(LOG_ERROR + 1, LOG_TEXT); /* it is to say so */
    disk_limit(1);
    for (int k = 0; k < 3; k++) {
        expect_steps(&world, "s", 1, number + 1, number + 2000);
        number += 2000;
        ck_assert_int_ne(recorder_flush(world.service->recorder, &world.fault), STATUS_OK);
    }
    disk_limit(0);
    ck_assert_uint_eq(recorder_figure(&world, false), 100);
    EXPECT_RECORDED(&world, "s", { 1, 1, number });
    ck_assert_uint_eq(recorder_figure(&world, false), number);
    ck_assert_uint_eq(recorder_figure(&world, true), 0);
    world_done(&world);
}

TEST(what_was_noted_is_written_at_an_orderly_stop)
{
    struct world world;
    start_recording(&world, true);
    expect_steps(&world, "s", 1, 1, 100);
    world_restart(&world);
    ck_assert_uint_eq(recorder_figure(&world, false), 0);
    EXPECT_RECORDED(&world, "s", { 1, 1, 100 });
    world_done(&world);
}
