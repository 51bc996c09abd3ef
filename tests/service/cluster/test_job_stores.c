/* What every store of jobs does alike. */
#include "../../store/filled_jobs.h"
#include "base/arena.h"
#include "job_stores.h"
#include "store/job_deletion.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one job ---- */

TEST(every_field_of_a_job_is_kept)
{
    enum { N = 2 * JOB_N_STATUSES };
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        if (!stores_begin(&stores, k)) {
            return;
        }
        for (unsigned i = 0; i < N; i++) {
            struct job job = job_filled(i), found;
            ck_assert_int_eq(
                job_store_insert(stores.jobs, &job, &(struct job_addition){ 0 }, &fault),
                STATUS_OK);
            ck_assert_int_eq(job.number, i + 1);
            found = job_found(stores.jobs, job.id);
            assert_job_equal(&found, &job);
        }
        stores_end(&stores);
    }
}

TEST(an_id_is_given_once_and_an_unknown_one_is_not_found)
{
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        if (!stores_begin(&stores, k)) {
            return;
        }
        struct job job = job_inserted(stores.jobs, 1, JOB_QUEUED), twin = job;
        twin.number = 99;
        ck_assert_int_eq(job_store_insert(stores.jobs, &twin, &(struct job_addition){ 0 }, &fault),
                         STATUS_STORAGE_FAILED);
        ck_assert_int_eq(twin.number, 99);
        ck_assert_int_eq(job_store_find(stores.jobs, "ftjob-nowhere", &job, &fault),
                         STATUS_JOB_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(fault.message, "ftjob-nowhere"));
        stores_end(&stores);
    }
}

TEST(where_too_many_wait_a_job_is_refused)
{
    const size_t most = 2;
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        size_t n[JOB_N_STATUSES];
        if (!stores_begin(&stores, k)) {
            return;
        }
        struct job_event event = { .message = "created" };
        const struct job_addition addition = { .event = &event, .most = &most };
        struct job job = job_filled(1), other = job_filled(2);
        job_inserted(stores.jobs, 5, JOB_PAUSED);
        job_inserted(stores.jobs, 6, JOB_RUNNING);
        job.status = other.status = JOB_QUEUED;
        ck_assert_int_eq(job_store_insert(stores.jobs, &job, &addition, &fault), STATUS_OK);
        ck_assert_int_gt(event.id, 0);
        ck_assert_int_eq(last_event(stores.jobs), event.id);
        ck_assert_int_eq(job_store_insert(stores.jobs, &other, &addition, &fault),
                         STATUS_QUEUE_FULL);
        ck_assert_ptr_nonnull(strstr(fault.message, "2 jobs wait already"));
        ck_assert_int_eq(job_store_count(stores.jobs, n, &fault), STATUS_OK);
        ck_assert_uint_eq(n[JOB_QUEUED], 1);
        ck_assert_uint_eq(n[JOB_PAUSED], 1);
        ck_assert_uint_eq(n[JOB_RUNNING], 1);
        stores_end(&stores);
    }
}

TEST(a_job_that_is_to_be_alone_is_refused_beside_another)
{
    const int64_t then = 500000, before = then - 60000, later = then + 60000;
    const struct job_addition alone = { .alone_since_ms = &before },
                              alone_later = { .alone_since_ms = &later };
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        enum job_status now;
        bool written, found;
        size_t n[JOB_N_STATUSES];
        if (!stores_begin(&stores, k)) {
            return;
        }
        struct job job = job_filled(1), next = job_filled(2), other = job_filled(3);
        job.status = next.status = other.status = JOB_PAUSED;
        job.created_at_ms = next.created_at_ms = other.created_at_ms = then;
        memcpy(next.model, job.model, sizeof job.model);
        memcpy(next.metadata, job.metadata, sizeof job.metadata);
        ck_assert_int_eq(job_store_insert(stores.jobs, &job, &alone, &fault), STATUS_OK);
        ck_assert_int_eq(job_store_insert(stores.jobs, &next, &alone_later, &fault),
                         STATUS_JOB_STATUS_CONFLICT);
        ck_assert_ptr_nonnull(strstr(fault.message, "is not over"));
        ck_assert_int_eq(job_store_insert(stores.jobs, &other, &alone_later, &fault), STATUS_OK);
        job = job_found(stores.jobs, job.id);
        job.status = JOB_CANCELLED;
        job.finished_at_ms = then;
        ck_assert_int_eq(
            job_store_update(stores.jobs, &job, JOB_PAUSED, NULL, 0, &written, &now, &fault),
            STATUS_OK);
        ck_assert_int_eq(job_store_insert(stores.jobs, &next, &alone, &fault),
                         STATUS_JOB_STATUS_CONFLICT); /* not long enough ago */
        ck_assert_int_eq(job_store_insert(stores.jobs, &next, &alone_later, &fault), STATUS_OK);
        ck_assert_int_eq(job_store_count(stores.jobs, n, &fault), STATUS_OK);
        ck_assert_uint_eq(n[JOB_PAUSED], 2);
        next = job_found(stores.jobs, next.id);
        next.status = JOB_SUCCEEDED;
        next.finished_at_ms = then;
        ck_assert_int_eq(
            job_store_update(stores.jobs, &next, JOB_PAUSED, NULL, 0, &written, &now, &fault),
            STATUS_OK);
        for (found = true; found;) {
            ck_assert_int_eq(
                job_store_delete_ended(stores.jobs, INT64_MAX / 4, &found, &now, &fault),
                STATUS_OK);
        }
        next.status = JOB_QUEUED;
        ck_assert_int_eq(job_store_insert(stores.jobs, &next, &alone, &fault), STATUS_OK);
        stores_end(&stores);
    }
}

TEST(an_update_writes_its_life_and_events_or_nothing)
{
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        bool written;
        enum job_status now;
        struct job_event events[2] = { { .message = "it began" }, { .message = "and went on" } };
        if (!stores_begin(&stores, k)) {
            return;
        }
        struct job due = job_inserted(stores.jobs, 1, JOB_QUEUED);
        struct job changed = job_found(stores.jobs, due.id);
        job_fill_life(&changed, 5);
        changed.status = JOB_PAUSED;
        ck_assert_int_eq(
            job_store_update(stores.jobs, &changed, JOB_RUNNING, events, 2, &written, &now, &fault),
            STATUS_OK);
        ck_assert(!written);
        ck_assert_int_eq(now, JOB_QUEUED);
        ck_assert_int_eq(last_event(stores.jobs), 0);
        ck_assert_int_eq(
            job_store_update(stores.jobs, &changed, JOB_QUEUED, events, 2, &written, &now, &fault),
            STATUS_OK);
        ck_assert(written);
        ck_assert_int_eq(now, JOB_PAUSED);
        ck_assert_int_gt(events[1].id, events[0].id);
        ck_assert_int_eq(last_event(stores.jobs), events[1].id);
        job_fill_life(&due, 5);
        due.status = JOB_PAUSED;
        const struct job found = job_found(stores.jobs, due.id);
        assert_job_equal(&found, &due);
        changed.number = 77;
        ck_assert_int_eq(
            job_store_update(stores.jobs, &changed, JOB_PAUSED, NULL, 0, &written, &now, &fault),
            STATUS_JOB_NOT_FOUND);
        stores_end(&stores);
    }
}

/* ---- many ---- */

TEST(lists_are_of_a_model_or_a_status_and_come_in_pages)
{
    enum { N = 12, PAGE = 5 };
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        static struct job page[N];
        size_t n;
        bool has_more;
        if (!stores_begin(&stores, k)) {
            return;
        }
        for (unsigned i = 0; i < N; i++) { /* of the models model-0 to model-2 */
            job_inserted(stores.jobs, i, i % 2 ? JOB_QUEUED : JOB_SUCCEEDED);
        }
        struct job_filter filter = { .status = -1 };
        ck_assert_int_eq(job_store_list(stores.jobs, &filter, PAGE, page, &n, &has_more, &fault),
                         STATUS_OK);
        ck_assert(has_more && n == PAGE && page[0].number == N && page[4].number == N - 4);
        filter.after = page[4].id;
        ck_assert_int_eq(job_store_list(stores.jobs, &filter, N, page, &n, &has_more, &fault),
                         STATUS_OK);
        ck_assert(!has_more && n == N - PAGE && page[0].number == N - PAGE);
        filter = (struct job_filter){ .model = "model-1", .status = JOB_QUEUED };
        ck_assert_int_eq(job_store_list(stores.jobs, &filter, 1, page, &n, &has_more, &fault),
                         STATUS_OK);
        ck_assert(has_more && n == 1 && page[0].number == 8); /* of 1 and 7 */
        ck_assert_int_eq(job_store_list(stores.jobs, &filter, N, page, &n, &has_more, &fault),
                         STATUS_OK);
        ck_assert(!has_more && n == 2 && page[1].number == 2);
        filter = (struct job_filter){ .after = "ftjob-none", .status = -1 };
        ck_assert_int_eq(job_store_list(stores.jobs, &filter, N, page, &n, &has_more, &fault),
                         STATUS_JOB_NOT_FOUND);
        stores_end(&stores);
    }
}

TEST(the_next_job_is_the_oldest_that_runs_then_gathers_then_waits)
{
    static const enum job_status statuses[] = { JOB_QUEUED,     JOB_PAUSED,  JOB_VALIDATING,
                                                JOB_VALIDATING, JOB_RUNNING, JOB_SUCCEEDED };
    static const int64_t due[] = { 5, 3, 4, 1 };
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        struct job job;
        bool found, written;
        enum job_status now;
        if (!stores_begin(&stores, k)) {
            return;
        }
        for (unsigned i = 0; i < sizeof statuses / sizeof *statuses; i++) {
            job_inserted(stores.jobs, i, statuses[i]);
        }
        for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
            ck_assert_int_eq(job_store_take(stores.jobs, &found, &job, &fault), STATUS_OK);
            ck_assert(found);
            ck_assert_int_eq(job.number, due[i]);
            const enum job_status from = job.status;
            job.status = JOB_CANCELLED;
            ck_assert_int_eq(
                job_store_update(stores.jobs, &job, from, NULL, 0, &written, &now, &fault),
                STATUS_OK);
            ck_assert(written);
        }
        ck_assert_int_eq(job_store_take(stores.jobs, &found, &job, &fault), STATUS_OK);
        ck_assert(!found);
        stores_end(&stores);
    }
}

/* ---- what a job has ---- */

enum { ROWS = 70000, WIDTH = 3 };

static void expect_series(struct job_store *jobs, int64_t number, const struct job_series *due,
                          size_t n_due)
{
    struct arena arena;
    struct job_series *series;
    size_t n;
    struct fault fault;
    arena_init(&arena, SIZE_MAX);
    ck_assert_msg(job_store_read_series(jobs, number, &arena, &series, &n, &fault) == STATUS_OK,
                  "%s", fault.message);
    ck_assert_uint_eq(n, n_due);
    for (size_t k = 0; k < n; k++) {
        const struct gru_series *a = &series[k].series, *b = &due[k].series;
        ck_assert(series[k].is_validation == due[k].is_validation);
        ck_assert(a->is_continuation == b->is_continuation);
        ck_assert_uint_eq(series[k].x_width, due[k].x_width);
        ck_assert_uint_eq(a->n_rows, b->n_rows);
        ck_assert_mem_eq(a->x, b->x, b->n_rows * due[k].x_width * sizeof(double));
        ck_assert((a->y == NULL) == (b->y == NULL));
        if (b->y) {
            ck_assert_uint_eq(a->n_targets, b->n_targets);
            ck_assert_mem_eq(a->y, b->y, b->n_targets * due[k].y_width * sizeof(double));
        }
    }
    arena_done(&arena);
}

TEST(series_and_sessions_come_back_until_the_job_is_over)
{
    static double x[ROWS * WIDTH];
    static const double y[] = { 1, NAN, INFINITY, -0.0 };
    static const char *const ids[] = { "b", "a", "" };
    const struct job_series series[] = {
        { .series = { .x = x, .n_rows = ROWS }, .x_width = WIDTH },
        { .series = { .x = x, .n_rows = 2, .y = y, .n_targets = 2, .is_continuation = true },
          .x_width = 1,
          .y_width = 2,
          .is_validation = true },
    };
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        x[i] = 1.0 / (double)(i + 1);
    }
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        struct arena arena;
        const char *const *sessions;
        size_t n;
        bool found, written;
        enum job_status now;
        if (!stores_begin(&stores, k)) {
            return;
        }
        const struct job_addition addition = {
            .series = series, .n_series = 2, .sessions = ids, .n_sessions = 3
        };
        struct job job = job_filled(1);
        job.status = JOB_VALIDATING;
        ck_assert_int_eq(job_store_insert(stores.jobs, &job, &addition, &fault), STATUS_OK);
        expect_series(stores.jobs, job.number, series, 2);
        arena_init(&arena, SIZE_MAX);
        ck_assert_int_eq(
            job_store_read_sessions(stores.jobs, job.number, &arena, &sessions, &n, &fault),
            STATUS_OK);
        ck_assert_uint_eq(n, 3);
        for (size_t i = 0; i < n; i++) {
            ck_assert_str_eq(sessions[i], ids[i]);
        }
        ck_assert_int_eq(job_store_take(stores.jobs, &found, &job, &fault), STATUS_OK);
        ck_assert_int_eq(job_store_put_series(stores.jobs, job.number, &series[1], 1, &fault),
                         STATUS_OK);
        expect_series(stores.jobs, job.number, &series[1], 1);
        job.status = JOB_CANCELLED;
        ck_assert_int_eq(
            job_store_update(stores.jobs, &job, JOB_VALIDATING, NULL, 0, &written, &now, &fault),
            STATUS_OK);
        ck_assert_int_eq(job_store_forget_data(stores.jobs, job.number, &fault), STATUS_OK);
        expect_series(stores.jobs, job.number, NULL, 0);
        ck_assert_int_eq(
            job_store_read_sessions(stores.jobs, job.number, &arena, &sessions, &n, &fault),
            STATUS_OK);
        ck_assert_uint_eq(n, 0);
        arena_done(&arena);
        stores_end(&stores);
    }
}

TEST(events_come_in_their_order_and_end_with_the_job)
{
    const struct job_event due = { .created_at_ms = 1790000000123,
                                   .level = JOB_EVENT_WARN,
                                   .is_metrics = true,
                                   .message = "\"quoted\" and \xc3\xa4",
                                   .step = UINT64_MAX,
                                   .epoch = 3,
                                   .train_loss = 0.1,
                                   .valid_loss = NAN,
                                   .grad_norm = INFINITY,
                                   .learning_rate = 5e-324 };
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        struct job job;
        struct job_event events[4], event = due;
        bool found, has_more, written;
        enum job_status now;
        size_t n;
        if (!stores_begin(&stores, k)) {
            return;
        }
        job_inserted(stores.jobs, 1, JOB_RUNNING);
        ck_assert_int_eq(job_store_take(stores.jobs, &found, &job, &fault), STATUS_OK);
        for (size_t i = 0; i < 3; i++) {
            ck_assert_int_eq(job_store_add_event(stores.jobs, job.number, &event, &fault),
                             STATUS_OK);
        }
        ck_assert_int_eq(
            job_store_list_events(stores.jobs, job.number, 0, 2, events, &n, &has_more, &fault),
            STATUS_OK);
        ck_assert(n == 2 && has_more);
        ck_assert_str_eq(events[0].message, due.message);
        ck_assert_int_eq(events[0].created_at_ms, due.created_at_ms);
        ck_assert(events[0].level == due.level && events[0].is_metrics);
        ck_assert(events[0].step == due.step && events[0].epoch == due.epoch);
        assert_real_equal(events[0].train_loss, due.train_loss);
        assert_real_equal(events[0].valid_loss, due.valid_loss);
        assert_real_equal(events[0].grad_norm, due.grad_norm);
        assert_real_equal(events[0].learning_rate, due.learning_rate);
        ck_assert_int_eq(job_store_list_events(stores.jobs, job.number, events[1].id, 4, events, &n,
                                               &has_more, &fault),
                         STATUS_OK);
        ck_assert(n == 1 && !has_more && events[0].id == event.id);
        job.status = JOB_FAILED;
        ck_assert_int_eq(
            job_store_update(stores.jobs, &job, JOB_RUNNING, NULL, 0, &written, &now, &fault),
            STATUS_OK);
        ck_assert_int_eq(job_store_add_event(stores.jobs, job.number, &event, &fault), STATUS_OK);
        ck_assert_int_eq(event.id, 0);
        stores_end(&stores);
    }
}

TEST(the_last_state_is_kept_with_its_checkpoint)
{
    enum { BYTES = 3000001 };
    char *bytes = malloc(BYTES);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (char)(i * 2654435761U >> 13);
    }
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        struct job job;
        struct job_checkpoint checkpoint = { .step = 1, .valid_loss = NAN }, got[4];
        bool found, has_more;
        void *state;
        size_t n;
        if (!stores_begin(&stores, k)) {
            return;
        }
        job_inserted(stores.jobs, 1, JOB_RUNNING);
        ck_assert_int_eq(job_store_take(stores.jobs, &found, &job, &fault), STATUS_OK);
        ck_assert_int_eq(job_store_read_state(stores.jobs, job.number, &state, &n, got, &fault),
                         STATUS_OK);
        ck_assert(n == 0 && !state);
        for (unsigned i = 1; i <= 3; i++) {
            checkpoint.step = i;
            ck_assert_int_eq(job_store_add_checkpoint(stores.jobs, job.number, &checkpoint, bytes,
                                                      BYTES - i, &fault),
                             STATUS_OK);
        }
        ck_assert_int_eq(job_store_read_state(stores.jobs, job.number, &state, &n, got, &fault),
                         STATUS_OK);
        ck_assert_uint_eq(n, BYTES - 3);
        ck_assert_mem_eq(state, bytes, n);
        free(state);
        ck_assert(got[0].id == checkpoint.id && got[0].step == 3 && isnan(got[0].valid_loss));
        ck_assert_int_eq(
            job_store_list_checkpoints(stores.jobs, job.number, 0, 2, got, &n, &has_more, &fault),
            STATUS_OK);
        ck_assert(n == 2 && has_more && got[0].id == checkpoint.id && got[1].step == 2);
        ck_assert_int_eq(job_store_list_checkpoints(stores.jobs, job.number, got[1].id, 2, got, &n,
                                                    &has_more, &fault),
                         STATUS_OK);
        ck_assert(n == 1 && !has_more && got[0].step == 1);
        stores_end(&stores);
    }
    free(bytes);
}

TEST(those_that_ended_before_a_moment_are_deleted_with_all_they_have)
{
    for (int k = 0; k < N_JOB_STORES; k++) {
        struct stores stores;
        struct fault fault;
        bool found, written;
        enum job_status was, now;
        size_t n[JOB_N_STATUSES];
        if (!stores_begin(&stores, k)) {
            return;
        }
        for (unsigned i = 0; i < 3; i++) {
            struct job job = job_inserted(stores.jobs, i, JOB_QUEUED);
            job = job_found(stores.jobs, job.id);
            job.status = JOB_CANCELLED;
            job.finished_at_ms = 1000 * (int64_t)(i + 1);
            ck_assert_int_eq(
                job_store_update(stores.jobs, &job, JOB_QUEUED, NULL, 0, &written, &now, &fault),
                STATUS_OK);
        }
        job_inserted(stores.jobs, 7, JOB_QUEUED);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(job_store_delete_ended(stores.jobs, 3000, &found, &was, &fault),
                             STATUS_OK);
            ck_assert(found);
            ck_assert_int_eq(was, JOB_CANCELLED);
        }
        ck_assert_int_eq(job_store_delete_ended(stores.jobs, 3000, &found, &was, &fault),
                         STATUS_OK);
        ck_assert(!found);
        ck_assert_int_eq(job_store_count(stores.jobs, n, &fault), STATUS_OK);
        ck_assert_uint_eq(n[JOB_CANCELLED], 1);
        ck_assert_uint_eq(n[JOB_QUEUED], 1);
        ck_assert_int_eq(job_store_give_back(stores.jobs, &found, &fault), STATUS_OK);
        stores_end(&stores);
    }
}
