#include "job_changes.h"

#include "store_support.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

const double job_values[JOB_VALUES] = { 1, 2, 3 };
static const struct job_series series = { .series = { .x = job_values, .n_rows = JOB_VALUES },
                                          .x_width = 1 };
static const char *const sessions[] = { "a", "b" };

static enum status do_insert(struct job_store *jobs, struct fault *fault)
{
    struct job job = job_filled(50);
    return job_store_insert(
        jobs, &job, &(struct job_addition){ &series, 1, sessions, 2, NULL, NULL, NULL }, fault);
}

static enum status do_update(struct job_store *jobs, struct fault *fault)
{
    struct job job = job_filled(1);
    bool written;
    enum job_status now;
    job.number = 1;
    job.status = JOB_PAUSED;
    return job_store_update(jobs, &job, JOB_RUNNING, NULL, 0, &written, &now, fault);
}

static enum status do_put_series(struct job_store *jobs, struct fault *fault)
{
    const struct job_series twice[] = { series, series };
    return job_store_put_series(jobs, 1, twice, 2, fault);
}

static enum status do_forget(struct job_store *jobs, struct fault *fault)
{
    return job_store_forget_data(jobs, 1, fault);
}

static enum status do_event(struct job_store *jobs, struct fault *fault)
{
    struct job_event event = { .step = 5, .message = "event" };
    return job_store_add_event(jobs, 1, &event, fault);
}

static enum status do_checkpoint(struct job_store *jobs, struct fault *fault)
{
    struct job_checkpoint checkpoint = { .step = 6 };
    return job_store_add_checkpoint(jobs, 1, &checkpoint, job_values, sizeof job_values, fault);
}

static enum status do_lineage(struct job_store *jobs, struct fault *fault)
{
    const struct lineage lineage = { .model = "m", .version = 3 };
    return job_store_put_lineage(jobs, &lineage, fault);
}

static enum status do_delete_lineage(struct job_store *jobs, struct fault *fault)
{
    return job_store_delete_lineage(jobs, "m", 2, fault);
}

const struct job_change job_changes[N_JOB_CHANGES] = {
    { "insert", do_insert },         { "update", do_update },
    { "put_series", do_put_series }, { "forget_data", do_forget },
    { "add_event", do_event },       { "add_checkpoint", do_checkpoint },
    { "put_lineage", do_lineage },   { "delete_lineage", do_delete_lineage }
};

struct job_store *job_changes_prepare(const char *data)
{
    struct job_store *jobs = jobs_opened(data);
    struct fault fault;
    const struct lineage lineage = { .model = "m", .version = 2 };
    struct job job = job_filled(1);
    job.status = JOB_RUNNING;
    ck_assert_int_eq(
        job_store_insert(jobs, &job,
                         &(struct job_addition){ &series, 1, sessions, 2, NULL, NULL, NULL },
                         &fault),
        STATUS_OK);
    event_added(jobs, job.number, 1);
    checkpoint_added(jobs, job.number, 2, 500);
    ck_assert_int_eq(job_store_put_lineage(jobs, &lineage, &fault), STATUS_OK);
    return jobs;
}

static void sum_versions(void *context, const struct lineage *lineage)
{
    *(uint64_t *)context += lineage->version;
}

struct job_view job_view_of(struct job_store *jobs)
{
    static struct job all[4];
    struct job_view view;
    struct fault fault;
    struct arena arena;
    struct job_series *got_series;
    const char *const *got_sessions;
    struct job_event events[4];
    struct job_checkpoint checkpoints[4];
    void *state;
    bool has_more;
    const struct job_filter filter = { .status = -1 };
    memset(&view, 0, sizeof view); /* compared with memcmp */
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(job_store_list(jobs, &filter, 4, all, &view.n_jobs, &has_more, &fault),
                     STATUS_OK);
    view.status = all[view.n_jobs - 1].status;
    ck_assert_int_eq(job_store_read_series(jobs, 1, &arena, &got_series, &view.n_series, &fault),
                     STATUS_OK);
    ck_assert_int_eq(
        job_store_read_sessions(jobs, 1, &arena, &got_sessions, &view.n_sessions, &fault),
        STATUS_OK);
    ck_assert_int_eq(
        job_store_list_events(jobs, 1, 0, 4, events, &view.n_events, &has_more, &fault), STATUS_OK);
    ck_assert_int_eq(job_store_list_checkpoints(jobs, 1, 0, 4, checkpoints, &view.n_checkpoints,
                                                &has_more, &fault),
                     STATUS_OK);
    ck_assert_int_eq(job_store_read_state(jobs, 1, &state, &view.n_state, checkpoints, &fault),
                     STATUS_OK);
    free(state);
    ck_assert_int_eq(job_store_each_lineage(jobs, sum_versions, &view.versions, &fault), STATUS_OK);
    view.last_event = last_event(jobs);
    arena_done(&arena);
    return view;
}

void assert_changed(struct job_store *jobs, const struct job_view *before, bool changed,
                    const char *name)
{
    struct job_view after = job_view_of(jobs);
    ck_assert_msg((memcmp(&after, before, sizeof after) != 0) == changed, "%s %s", name,
                  changed ? "changed nothing" : "failed, but changed something");
}
