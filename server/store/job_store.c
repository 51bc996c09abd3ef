#include "store/job_store.h"

#include "store/job_deletion.h"
#include "store/job_store_methods.h"

enum status job_store_check_room(const size_t n_by_status[JOB_N_STATUSES], const size_t *most,
                                 struct fault *fault)
{
    const size_t n_waiting =
        n_by_status[JOB_VALIDATING] + n_by_status[JOB_QUEUED] + n_by_status[JOB_PAUSED];
    return !most || n_waiting < *most
               ? STATUS_OK
               : fault_set(fault, STATUS_QUEUE_FULL, NULL,
                           "%zu jobs wait already, those that are paused among them: as many as "
                           "--job-max allows",
                           n_waiting);
}

enum status job_store_refuse_another(const struct job *job, struct fault *fault)
{
    return fault_set(fault, STATUS_JOB_STATUS_CONFLICT, NULL,
                     "another job of model '%s' with this metadata is not over, or was created too "
                     "short a time ago",
                     job->model);
}

void job_store_close(struct job_store *jobs)
{
    if (jobs) {
        jobs->methods->close(jobs);
    }
}

enum status job_store_probe(struct job_store *jobs, struct fault *fault)
{
    return jobs->methods->probe(jobs, fault);
}

enum status job_store_insert(struct job_store *jobs, struct job *job,
                             const struct job_addition *addition, struct fault *fault)
{
    return jobs->methods->insert(jobs, job, addition, fault);
}

enum status job_store_find(struct job_store *jobs, const char *id, struct job *ret_job,
                           struct fault *fault)
{
    return jobs->methods->find(jobs, id, ret_job, fault);
}

enum status job_store_take(struct job_store *jobs, bool *ret_found, struct job *ret_job,
                           struct fault *fault)
{
    return jobs->methods->take(jobs, ret_found, ret_job, fault);
}

enum status job_store_claim(struct job_store *jobs, int64_t number, enum job_status *ret_status,
                            struct fault *fault)
{
    return jobs->methods->claim(jobs, number, ret_status, fault);
}

enum status job_store_release(struct job_store *jobs, int64_t number, struct fault *fault)
{
    return jobs->methods->release(jobs, number, fault);
}

bool job_store_is_shared(const struct job_store *jobs)
{
    return jobs->methods->look != NULL;
}

enum status job_store_look(struct job_store *jobs, int64_t number, struct job_store_look *ret_look,
                           struct fault *fault)
{
    return jobs->methods->look(jobs, number, ret_look, fault);
}

enum status job_store_count(struct job_store *jobs, size_t n_by_status[JOB_N_STATUSES],
                            struct fault *fault)
{
    return jobs->methods->count(jobs, n_by_status, fault);
}

enum status job_store_list(struct job_store *jobs, const struct job_filter *filter, size_t limit,
                           struct job *ret_jobs, size_t *ret_n, bool *ret_has_more,
                           struct fault *fault)
{
    return jobs->methods->list(jobs, filter, limit, ret_jobs, ret_n, ret_has_more, fault);
}

enum status job_store_update(struct job_store *jobs, const struct job *job, enum job_status from,
                             struct job_event *events, size_t n_events, bool *ret_written,
                             enum job_status *ret_status, struct fault *fault)
{
    return jobs->methods->update(jobs, job, from, events, n_events, ret_written, ret_status, fault);
}

enum status job_store_confirm(struct job_store *jobs, struct fault *fault)
{
    return jobs->methods->confirm ? jobs->methods->confirm(jobs, fault) : STATUS_OK;
}

enum status job_store_put_series(struct job_store *jobs, int64_t number,
                                 const struct job_series *series, size_t n, struct fault *fault)
{
    return jobs->methods->put_series(jobs, number, series, n, fault);
}

enum status job_store_read_series(struct job_store *jobs, int64_t number, struct arena *arena,
                                  struct job_series **ret_series, size_t *ret_n,
                                  struct fault *fault)
{
    return jobs->methods->read_series(jobs, number, arena, ret_series, ret_n, fault);
}

enum status job_store_read_sessions(struct job_store *jobs, int64_t number, struct arena *arena,
                                    const char *const **ret_sessions, size_t *ret_n,
                                    struct fault *fault)
{
    return jobs->methods->read_sessions(jobs, number, arena, ret_sessions, ret_n, fault);
}

enum status job_store_forget_data(struct job_store *jobs, int64_t number, struct fault *fault)
{
    return jobs->methods->forget_data(jobs, number, fault);
}

enum status job_store_add_event(struct job_store *jobs, int64_t number, struct job_event *event,
                                struct fault *fault)
{
    return jobs->methods->add_event(jobs, number, event, fault);
}

enum status job_store_list_events(struct job_store *jobs, int64_t number, int64_t after,
                                  size_t limit, struct job_event *ret_events, size_t *ret_n,
                                  bool *ret_has_more, struct fault *fault)
{
    return jobs->methods->list_events(jobs, number, after, limit, ret_events, ret_n, ret_has_more,
                                      fault);
}

enum status job_store_add_checkpoint(struct job_store *jobs, int64_t number,
                                     struct job_checkpoint *checkpoint, const void *state, size_t n,
                                     struct fault *fault)
{
    return jobs->methods->add_checkpoint(jobs, number, checkpoint, state, n, fault);
}

enum status job_store_read_state(struct job_store *jobs, int64_t number, void **ret_state,
                                 size_t *ret_n, struct job_checkpoint *ret_checkpoint,
                                 struct fault *fault)
{
    return jobs->methods->read_state(jobs, number, ret_state, ret_n, ret_checkpoint, fault);
}

enum status job_store_list_checkpoints(struct job_store *jobs, int64_t number, int64_t after,
                                       size_t limit, struct job_checkpoint *ret_checkpoints,
                                       size_t *ret_n, bool *ret_has_more, struct fault *fault)
{
    return jobs->methods->list_checkpoints(jobs, number, after, limit, ret_checkpoints, ret_n,
                                           ret_has_more, fault);
}

enum status job_store_delete_ended(struct job_store *jobs, int64_t before_ms, bool *ret_found,
                                   enum job_status *ret_status, struct fault *fault)
{
    return jobs->methods->delete_ended(jobs, before_ms, ret_found, ret_status, fault);
}

enum status job_store_give_back(struct job_store *jobs, bool *ret_has_more, struct fault *fault)
{
    if (!jobs->methods->give_back) {
        *ret_has_more = false;
        return STATUS_OK;
    }
    return jobs->methods->give_back(jobs, ret_has_more, fault);
}
