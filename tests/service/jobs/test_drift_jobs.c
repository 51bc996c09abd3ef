/* A model that drifts is told of, and fine-tuned from what its sessions recorded: seldom, one at a
 * time, and also across restarts. */
#include "../../store/filled_jobs.h"
#include "base/clock.h"
#include "job_support.h"
#include "service/job_database.h"
#include "service/jobs/drift_jobs.h"
#include "service/models/drift.h"
#include "service/service_private.h"
#include "store/job_store_methods.h"
#include "test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 60000, DAY_S = 86400 };

/* Readings of noise, so that nothing else matters for how far off forecasts are. */
static void step_on(struct world *world, uint64_t first, uint64_t last, double noise)
{
    for (uint64_t k = first; k <= last; k++) {
        double x[INPUTS];
        struct step step;
        reading(1, k, x);
        x[0] *= noise;
        ck_assert_int_eq(step_x(world, "s", x, &step), STATUS_OK);
    }
}

static struct drift_report report_of(struct world *world)
{
    struct drift_report report;
    const struct model *model = world_model(world);
    drift_read(model->drift, model->active->number, &report);
    return report;
}

static struct drift_report await_drift(struct world *world)
{
    struct drift_report report = report_of(world);
    for (int ms = 0; !report.is_drifting; ms += 10, report = report_of(world)) {
        ck_assert_int_lt(ms, PATIENCE_MS);
        sleep_ms(10);
    }
    return report;
}

/* The attempt at a job behind the one that was made then. */
static struct drift_report await_attempt(struct world *world, int64_t after_ms)
{
    struct drift_report report = report_of(world);
    for (int ms = 0; report.job.at_ms <= after_ms; ms += 10, report = report_of(world)) {
        ck_assert_int_lt(ms, PATIENCE_MS);
        sleep_ms(10);
    }
    return report;
}

static struct drift_report await_over(struct world *world)
{
    struct drift_report report = report_of(world);
    for (int ms = 0; !report.job.is_over; ms += 10, report = report_of(world)) {
        ck_assert_int_lt(ms, PATIENCE_MS);
        sleep_ms(10);
    }
    return report;
}

/* The job thread has looked at least twice. */
static void await_looks(void)
{
    sleep_ms(1500);
}

static size_t n_jobs(struct world *world)
{
    struct job jobs[8];
    size_t n;
    bool has_more;
    const struct job_filter filter = { .status = -1 };
    service_context_turn(world->context);
    ck_assert_int_eq(job_list(world->context, &filter, 8, jobs, &n, &has_more, &world->fault),
                     STATUS_OK);
    return n;
}

/* Without the job thread. */
static void begin_unwatched(struct world *world, int mode, size_t record)
{
    world_init(world);
    world_use_data(world);
    world->config.record = record;
    world->config.drift_fine_tune = mode;
    world->config.drift_interval_seconds = DAY_S;
    world_start(world);
}

static void begin(struct world *world, int mode, size_t record)
{
    begin_unwatched(world, mode, record);
    world_start_jobs(world);
}

/* A job has these to learn from. */
static void begin_recorded(struct world *world)
{
    begin_unwatched(world, CONFIG_DRIFT_PROPOSE, 1000);
    step_on(world, 1, 600, 10.0);
}

static void note_errors(struct world *world, size_t n, double error)
{
    enum { THREAD = 7 }; /* nobody else's */
    for (size_t k = 0; k < n; k++) {
        drift_note(world_model(world)->drift, THREAD, error, clock_steady_ms());
    }
}

/* Errors that become larger and are soon what they were. */
static void drift_and_return(struct world *world)
{
    note_errors(world, 600, 1.0);
    note_errors(world, 40, 5.0);
    note_errors(world, 1000, 1.0);
}

static void drift_away(struct world *world)
{
    step_on(world, 1, 600, 10.0);
    ck_assert(!report_of(world).is_drifting);
    step_on(world, 601, 800, 100.0);
}

static void let_seconds_pass(int64_t seconds)
{
    clock_set_steady(clock_steady_ms() + seconds * 1000, 0);
}

TEST(drift_is_told_and_nothing_more_where_no_job_is_wanted)
{
    struct world world;
    begin(&world, CONFIG_DRIFT_OFF, 1000);
    struct listener *listener = session_listen(world.context, "m", "", true);
    drift_away(&world);
    const struct drift_report report = await_drift(&world);
    await_looks();
    ck_assert_uint_ge(report.n_alarms[DRIFT_PAGE_HINKLEY] + report.n_alarms[DRIFT_ADWIN], 1);
    ck_assert_double_gt(report.ratio, 1.3);
    ck_assert_uint_eq(n_jobs(&world), 0);
    ck_assert_int_eq(report_of(&world).job.at_ms, 0);
    struct session_event *event = NULL;
    bool is_told = false;
    while (listener_take(listener, &event, 1) == 1) {
        is_told = is_told || event->is_drift;
        session_event_unref(event);
    }
    ck_assert(is_told);
    listener_close(listener);
    world_stop_jobs(&world);
    world_done(&world);
}

TEST(a_drifting_model_is_fine_tuned_at_most_once_in_the_interval)
{
    struct world world;
    begin(&world, CONFIG_DRIFT_PROPOSE, 1000);
    drift_away(&world);
    const struct drift_job first = await_attempt(&world, 0).job;
    struct job job = job_wait(&world, first.id, JOB_SUCCEEDED);
    ck_assert_str_eq(job.metadata, "{\"reason\":\"drift\"}");
    ck_assert_int_eq(job.policy, JOB_MANUAL);
    ck_assert_int_eq(job.source, JOB_SESSIONS_PREFIX);
    ck_assert_int_eq(first.next_ms - first.at_ms, DAY_S * INT64_C(1000));
    ck_assert_str_eq(await_over(&world).job.reason, "");
    ck_assert(report_of(&world).is_drifting); /* its version waits for somebody to activate it */
    await_looks();
    ck_assert_uint_eq(n_jobs(&world), 1);
    let_seconds_pass(DAY_S + 1);
    const struct drift_job second = await_attempt(&world, first.at_ms).job;
    ck_assert_str_ne(second.id, first.id);
    world_activate(&world, job.fine_tuned_version);
    ck_assert(!report_of(&world).is_drifting);
    world_stop_jobs(&world);
    world_done(&world);
}

TEST(drift_that_is_over_before_the_job_thread_looks_has_its_job)
{
    struct world world;
    begin_recorded(&world);
    drift_and_return(&world);
    world_start_jobs(&world);
    const struct drift_report report = await_attempt(&world, 0);
    ck_assert(!report.is_drifting);
    job_wait(&world, report.job.id, JOB_SUCCEEDED);
    await_looks();
    ck_assert_uint_eq(n_jobs(&world), 1);
    world_stop_jobs(&world);
    world_done(&world);
}

TEST(drift_that_is_over_before_the_interval_is_has_none)
{
    struct world world;
    begin_recorded(&world);
    drift_and_return(&world);
    world_start_jobs(&world);
    const struct drift_report first = await_attempt(&world, 0);
    job_wait(&world, first.job.id, JOB_SUCCEEDED);
    world_stop_jobs(&world);
    drift_and_return(&world);
    world_start_jobs(&world);
    await_looks();
    const struct drift_report second = report_of(&world);
    ck_assert_uint_gt(second.n_alarms[DRIFT_PAGE_HINKLEY] + second.n_alarms[DRIFT_ADWIN],
                      first.n_alarms[DRIFT_PAGE_HINKLEY] + first.n_alarms[DRIFT_ADWIN]);
    let_seconds_pass(DAY_S + 1);
    await_looks();
    ck_assert_uint_eq(n_jobs(&world), 1);
    world_stop_jobs(&world);
    world_done(&world);
}

TEST(a_job_that_found_no_place_is_made_up_for_also_when_drift_is_over)
{
    enum { MINUTE_S = 60 };
    struct world world;
    begin_recorded(&world);
    world.config.job_max = 0;
    drift_and_return(&world);
    world_start_jobs(&world);
    const struct drift_job refused = await_attempt(&world, 0).job;
    ck_assert_ptr_nonnull(strstr(refused.reason, "--job-max"));
    ck_assert_int_eq(refused.next_ms - refused.at_ms, MINUTE_S * INT64_C(1000));
    await_looks();
    ck_assert_int_eq(report_of(&world).job.at_ms, refused.at_ms);
    world_stop_jobs(&world);
    world.config.job_max = 1;
    let_seconds_pass(MINUTE_S + 1);
    world_start_jobs(&world);
    const struct drift_report report = await_attempt(&world, refused.at_ms);
    ck_assert(!report.is_drifting);
    job_wait(&world, report.job.id, JOB_SUCCEEDED);
    world_stop_jobs(&world);
    world_done(&world);
}

TEST(the_interval_is_kept_across_a_restart)
{
    struct world world;
    begin(&world, CONFIG_DRIFT_PROPOSE, 1000);
    drift_away(&world);
    const struct drift_job first = await_attempt(&world, 0).job;
    job_wait(&world, first.id, JOB_SUCCEEDED);
    world_stop_jobs(&world);
    world_restart(&world);
    world_start_jobs(&world);
    ck_assert(!report_of(&world).is_drifting); /* it is watched anew */
    step_on(&world, 1, 600, 10.0);
    await_looks();
    step_on(&world, 601, 900, 100.0);
    await_drift(&world);
    const struct drift_job found = await_over(&world).job;
    ck_assert_str_eq(found.id, first.id);
    ck_assert_int_eq(found.next_ms, first.next_ms);
    ck_assert_uint_eq(n_jobs(&world), 1);
    world_stop_jobs(&world);
    world_done(&world);
}

TEST(a_job_that_cannot_be_is_refused_once_with_the_reason)
{
    struct world world;
    begin(&world, CONFIG_DRIFT_AUTO, 0);
    drift_away(&world);
    const struct drift_job first = await_attempt(&world, 0).job;
    ck_assert_str_eq(first.id, "");
    ck_assert_ptr_nonnull(strstr(first.reason, "--record"));
    await_looks();
    ck_assert_int_eq(report_of(&world).job.at_ms, first.at_ms);
    ck_assert_uint_eq(n_jobs(&world), 0);
    let_seconds_pass(DAY_S + 1);
    ck_assert_str_eq(await_attempt(&world, first.at_ms).job.id, "");
    world_stop_jobs(&world);
    world_done(&world);
}

TEST(what_keeps_a_job_from_a_better_version_is_said)
{
    struct world world;
    begin(&world, CONFIG_DRIFT_AUTO, 3); /* far too few for the gate */
    drift_away(&world);
    await_attempt(&world, 0);
    const struct drift_job job = await_over(&world).job;
    ck_assert_str_ne(job.id, "");
    ck_assert_str_ne(job.reason, "");
    world_stop_jobs(&world);
    world_done(&world);
}

/* ---- a node of a cluster that another one is faster than ---- */

/* Until it inserts a job, it sees none: it has looked just before the other made one. */
static const struct job_store_methods *seeing;
static atomic_bool is_blind;

static enum status list_unless_blind(struct job_store *jobs, const struct job_filter *filter,
                                     size_t limit, struct job *ret_jobs, size_t *ret_n,
                                     bool *ret_has_more, struct fault *fault)
{
    if (atomic_load(&is_blind)) {
        *ret_n = 0;
        *ret_has_more = false;
        return STATUS_OK;
    }
    return seeing->list(jobs, filter, limit, ret_jobs, ret_n, ret_has_more, fault);
}

static enum status insert_and_see(struct job_store *jobs, struct job *job,
                                  const struct job_addition *addition, struct fault *fault)
{
    atomic_store(&is_blind, false);
    return seeing->insert(jobs, job, addition, fault);
}

TEST(where_another_node_was_faster_its_job_is_the_one)
{
    struct world world;
    struct job_store_methods methods;
    struct job others = job_filled(1);
    begin_recorded(&world);
    struct job_store *jobs = world.service->job_database->jobs;
    others.status = JOB_PAUSED;
    others.created_at_ms = clock_steady_ms();
    snprintf(others.model, sizeof others.model, "m");
    snprintf(others.metadata, sizeof others.metadata, DRIFT_JOBS_METADATA);
    ck_assert_int_eq(job_store_insert(jobs, &others, &(struct job_addition){ 0 }, &world.fault),
                     STATUS_OK);
    seeing = jobs->methods;
    methods = *seeing;
    methods.list = list_unless_blind;
    methods.insert = insert_and_see;
    jobs->methods = &methods;
    atomic_store(&is_blind, true);
    drift_and_return(&world);
    world_start_jobs(&world);
    const struct drift_job attempt = await_attempt(&world, 0).job;
    ck_assert(!atomic_load(&is_blind));
    ck_assert_str_eq(attempt.id, others.id);
    ck_assert_int_eq(attempt.at_ms, others.created_at_ms);
    ck_assert_str_eq(attempt.reason, "");
    ck_assert_uint_eq(n_jobs(&world), 1);
    world_stop_jobs(&world);
    jobs->methods = seeing;
    world_done(&world);
}
