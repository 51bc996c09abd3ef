/* What a running job says of itself: which events there are of a slice, when progress is written
 * down, and when the job learns that it is no longer running. No threads: the progress is made up.
 */
#include "service/jobs/job_run_report.h"

#include "base/clock.h"
#include "service/job_database.h"
#include "service/jobs/job_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EVENTS = 50, LONG_AGO_MS = 100000 };

struct report {
    struct world world;
    struct course course;
    struct job job;
    struct job_thread job_thread;
    struct job_run run;
};

/* A job that has just begun to run. A dry run: it saves no checkpoints, for which there would have
 * to be a trainer. */
static void begin(struct report *report, uint64_t max_seconds)
{
    struct world *world = &report->world;
    world_init(world);
    world_start(world);
    course_init(&report->course);
    report->course.request.dry_run = true;
    report->course.request.max_seconds = max_seconds;
    report->job = course_start(world, &report->course.request);
    report->job.status = JOB_RUNNING;
    enum job_status now;
    ck_assert_int_eq(job_database_change(world->service->job_database, &report->job, JOB_QUEUED,
                                         NULL, 0, &now, &world->fault),
                     STATUS_OK);
    report->job_thread = (struct job_thread){ .service = world->service,
                                              .job_database = world->service->job_database,
                                              .context = world->context };
    int64_t now_ms = clock_monotonic_ms();
    report->run = (struct job_run){ .job_thread = &report->job_thread,
                                    .job = &report->job,
                                    .progress = { .n_epochs = 30,
                                                  .n_steps = 300,
                                                  .step_loss = 2,
                                                  .train_loss = 1,
                                                  .valid_loss = 0.5,
                                                  .valid_by_base = NAN,
                                                  .baseline_valid_loss = NAN,
                                                  .persistence_valid_loss = NAN },
                                    .interruptions =
                                        atomic_load(&world->service->job_database->interruptions),
                                    .began_at_ms = now_ms,
                                    .last_written_at_ms = now_ms,
                                    .last_reported_at_ms = now_ms,
                                    .last_saved_at_ms = now_ms,
                                    .last_paced_at_ms = now_ms };
}

static void end(struct report *report)
{
    world_done(&report->world);
}

/* Of a slice that came so far, that long after the last report. */
static void report_after(struct report *report, int64_t ms, size_t epoch, size_t step)
{
    report->run.progress.epoch = epoch;
    report->run.progress.step = step;
    report->run.last_written_at_ms = report->run.last_reported_at_ms = clock_monotonic_ms() - ms;
    ck_assert(job_run_report(&report->run));
}

static void report_slice(struct report *report, size_t epoch, size_t step)
{
    report_after(report, 0, epoch, step);
}

/* All, and the last of them. */
static size_t count_events(struct report *report, struct job_event *ret_last)
{
    size_t n_all = 0, n;
    bool has_more = true;
    for (int64_t after = 0; has_more; n_all += n) {
        struct job_event events[EVENTS];
        struct job job;
        ck_assert_int_eq(job_events(report->world.context, report->job.id, after, EVENTS, &job,
                                    events, &n, &has_more, &report->world.fault),
                         STATUS_OK);
        if (n > 0) {
            after = events[n - 1].id;
            *ret_last = events[n - 1];
        }
    }
    return n_all;
}

static struct job stored(struct report *report)
{
    return job_get(&report->world, report->job.id);
}

/* ---- events ---- */

TEST(each_epoch_is_reported_once_with_its_losses)
{
    struct report report;
    struct job_event event;
    begin(&report, 0);
    size_t n = count_events(&report, &event);
    for (size_t epoch = 1; epoch <= 5; epoch++) {
        report_slice(&report, epoch, 10 * epoch);
        report_slice(&report, epoch, 10 * epoch + 3);
        ck_assert_uint_eq(count_events(&report, &event), n + epoch);
        ck_assert(event.is_metrics && event.epoch == epoch && event.step == 10 * epoch);
        ck_assert(event.train_loss == 1 && event.valid_loss == 0.5);
        ck_assert_ptr_null(strstr(event.message, "base version"));
    }
    end(&report);
}

TEST(an_epoch_says_by_what_it_is_judged)
{
    struct report report;
    struct job_event event;
    begin(&report, 0);
    report.run.progress.valid_by_base = 0.75;
    report_slice(&report, 1, 10);
    (void)count_events(&report, &event);
    ck_assert_msg(strstr(event.message, "epoch 1 of ") &&
                      strstr(event.message, ", valid loss 0.5, 0.75 of the base version's (median"),
                  "%s", event.message);
    end(&report);
}

TEST(within_an_epoch_there_are_metrics_once_a_second_and_only_of_further_steps)
{
    struct report report;
    struct job_event event;
    begin(&report, 0);
    size_t n = count_events(&report, &event);
    report_slice(&report, 0, 5);
    ck_assert_uint_eq(count_events(&report, &event), n);
    int64_t now_ms = clock_monotonic_ms();
    report_after(&report, LONG_AGO_MS, 0, 6);
    ck_assert_int_ge(report.run.last_reported_at_ms, now_ms);
    ck_assert_uint_eq(count_events(&report, &event), n + 1);
    ck_assert(event.is_metrics && event.step == 6 && event.train_loss == 2);
    ck_assert(isnan(event.valid_loss));
    report_after(&report, LONG_AGO_MS, 0, 6);
    report_slice(&report, 0, 7);
    ck_assert_uint_eq(count_events(&report, &event), n + 1);
    end(&report);
}

TEST(of_many_epochs_about_a_thousand_are_reported_and_the_last)
{
    enum { EPOCHS = 3500 };
    struct report report;
    struct job_event event;
    begin(&report, 0);
    size_t n = count_events(&report, &event);
    report.run.progress.n_epochs = EPOCHS + 1;
    for (size_t epoch = 1; epoch <= EPOCHS + 1; epoch++) {
        report_slice(&report, epoch, epoch);
    }
    ck_assert_uint_eq(count_events(&report, &event) - n, EPOCHS / 3 + 1);
    ck_assert_uint_eq(event.epoch, EPOCHS + 1);
    end(&report);
}

TEST(an_epoch_that_is_the_last_by_early_stopping_is_reported)
{
    struct report report;
    struct job_event event;
    begin(&report, 0);
    report.run.progress.n_epochs = 1000000;
    size_t n = count_events(&report, &event);
    report_slice(&report, 7, 7);
    ck_assert_uint_eq(count_events(&report, &event), n);
    report.run.progress.stopped_early = true;
    report_slice(&report, 8, 8);
    ck_assert_uint_eq(count_events(&report, &event), n + 1);
    end(&report);
}

TEST(the_baseline_is_told_once_with_persistence_if_there_is_one)
{
    for (int has_persistence = 0; has_persistence < 2; has_persistence++) {
        struct report report;
        struct job_event event;
        begin(&report, 0);
        size_t n = count_events(&report, &event);
        report_slice(&report, 0, 0);
        ck_assert_uint_eq(count_events(&report, &event), n);
        report.run.progress.baseline_valid_loss = 0.25;
        report.run.progress.persistence_valid_loss = has_persistence ? 0.75 : NAN;
        report.run.info.n_valid_targets = 12;
        report_slice(&report, 0, 0);
        report_slice(&report, 0, 0);
        ck_assert_uint_eq(count_events(&report, &event), n + 1);
        ck_assert_str_eq(event.message,
                         has_persistence
                             ? "baseline loss 0.25, persistence 0.75 on 12 validation targets"
                             : "baseline loss 0.25 on 12 validation targets");
        end(&report);
    }
}

TEST(skipped_steps_are_warned_of_by_how_many_more_there_are)
{
    struct report report;
    struct job_event event;
    begin(&report, 0);
    report.run.progress.n_skipped = 3;
    report_slice(&report, 1, 10);
    count_events(&report, &event);
    ck_assert_int_eq(event.level, JOB_EVENT_WARN);
    ck_assert_ptr_nonnull(strstr(event.message, "3 steps up to the end of epoch 1 "));
    report_slice(&report, 2, 20);
    count_events(&report, &event);
    ck_assert_int_eq(event.level, JOB_EVENT_INFO);
    report.run.progress.n_skipped = 7;
    report_slice(&report, 3, 30);
    count_events(&report, &event);
    ck_assert_ptr_nonnull(strstr(event.message, "4 steps up to the end of epoch 3 "));
    end(&report);
}

/* ---- progress ---- */

TEST(progress_is_written_a_few_times_a_second_and_at_once_with_an_event)
{
    struct report report;
    begin(&report, 0);
    report_slice(&report, 0, 5);
    ck_assert_uint_eq(stored(&report).step, 0);
    int64_t now_ms = clock_monotonic_ms();
    report_after(&report, LONG_AGO_MS, 0, 6);
    ck_assert_int_ge(report.run.last_written_at_ms, now_ms);
    ck_assert_uint_eq(stored(&report).step, 6);
    report_slice(&report, 0, 7);
    ck_assert_uint_eq(stored(&report).step, 6);
    report_slice(&report, 1, 10);
    struct job job = stored(&report);
    ck_assert(job.step == 10 && job.epoch == 1 && job.n_steps == 300);
    ck_assert(job.metrics.train_loss == 1 && job.metrics.valid_loss == 0.5);
    end(&report);
}

TEST(the_time_that_a_job_ran_adds_up_over_its_runs)
{
    struct report report;
    begin(&report, 0);
    report.run.ran_ms = 5000;
    report.run.began_at_ms -= LONG_AGO_MS;
    uint64_t ms = job_run_ms(&report.run);
    ck_assert(ms >= 5000 + LONG_AGO_MS && ms < 5000 + 2 * LONG_AGO_MS);
    end(&report);
}

/* Whether the estimate is that many ms from now, give or take what the test itself takes. */
static void expect_estimate(struct report *report, int64_t from_now_ms)
{
    report->run.last_written_at_ms -= LONG_AGO_MS;
    ck_assert(job_run_report(&report->run));
    int64_t ms = stored(report).estimated_finish_ms - clock_steady_ms();
    ck_assert_msg(ms <= from_now_ms && ms > from_now_ms - LONG_AGO_MS / 2, "%lld", (long long)ms);
}

TEST(the_end_is_estimated_from_the_pace_and_never_after_the_time_that_a_job_has)
{
    struct report report;
    begin(&report, 0);
    report_after(&report, LONG_AGO_MS, 0, 0);
    ck_assert_int_eq(stored(&report).estimated_finish_ms, 0); /* no pace yet */
    report.run.step_ms = 1000;
    report.run.paced_step = report.run.progress.step = 100;
    expect_estimate(&report, 200 * 1000);
    report.run.progress.step = report.run.paced_step = 400; /* more than there were to be */
    expect_estimate(&report, 0);
    end(&report);

    begin(&report, 150);
    report.run.step_ms = 1000;
    expect_estimate(&report, 150 * 1000);
    report.run.ran_ms = 1000 * 1000;
    expect_estimate(&report, 0);
    end(&report);
}

/* ---- interruptions ---- */

TEST(a_job_learns_at_its_next_report_that_it_no_longer_runs)
{
    static const struct {
        enum status (*verb)(struct service_context *context, const char *id, struct job *ret_job,
                            struct fault *fault);
        enum job_status status;
    } verbs[] = { { job_pause, JOB_PAUSED }, { job_cancel, JOB_CANCELLED } };
    for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++) {
        struct report report;
        struct job job;
        begin(&report, 0);
        report_slice(&report, 0, 5);
        ck_assert_int_eq(
            verbs[k].verb(report.world.context, report.job.id, &job, &report.world.fault),
            STATUS_OK);
        report.run.progress.step = 6; /* nothing else is due */
        ck_assert(!job_run_report(&report.run));
        ck_assert_int_eq(report.job.status, verbs[k].status);
        ck_assert_int_eq(stored(&report).status, verbs[k].status);
        end(&report);
    }
}

TEST(a_job_that_is_left_paused_keeps_its_progress_and_one_that_is_over_is_left_alone)
{
    struct report report;
    struct job job;
    begin(&report, 0);
    report.run.step_ms = 1000;
    report.run.progress.step = 9;
    ck_assert_int_eq(job_pause(report.world.context, report.job.id, &job, &report.world.fault),
                     STATUS_OK);
    job_run_leave(&report.run, JOB_PAUSED);
    job = stored(&report);
    ck_assert(job.status == JOB_PAUSED && job.step == 9 && job.estimated_finish_ms == 0);
    ck_assert_int_eq(job_cancel(report.world.context, report.job.id, &job, &report.world.fault),
                     STATUS_OK);
    report.run.progress.step = 10;
    job_run_leave(&report.run, JOB_CANCELLED);
    ck_assert_uint_eq(stored(&report).step, 9);
    end(&report);
}

/* Its status is read again from the database, whatever it was believed to be. */
TEST(a_job_that_is_resumed_or_cancelled_while_it_is_left_stays_so)
{
    static const enum job_status believed[] = { JOB_PAUSED, JOB_RUNNING };
    for (size_t k = 0; k < 2; k++) {
        struct report report;
        struct job job;
        begin(&report, 0);
        report.run.progress.step = 9;
        ck_assert_int_eq(job_cancel(report.world.context, report.job.id, &job, &report.world.fault),
                         STATUS_OK);
        job_run_leave(&report.run, believed[k]);
        ck_assert_int_eq(stored(&report).status, JOB_CANCELLED);
        end(&report);
    }
    struct report report;
    begin(&report, 0);
    report.run.progress.step = 9;
    job_run_leave(&report.run, JOB_PAUSED); /* it was paused and resumed: it is running */
    struct job job = stored(&report);
    ck_assert(job.status == JOB_RUNNING && job.step == 9);
    end(&report);
}
