/* job_store_methods.h - what a store of jobs (job_store.h) is to those that make one: a table of
 * functions, each as job_store.h, job_events.h, job_series.h and job_deletion.h have it. */
#ifndef JOB_STORE_METHODS_H
#define JOB_STORE_METHODS_H

#include "store/job_store.h"

typedef void job_close_method(struct job_store *jobs);
typedef enum status job_probe_method(struct job_store *jobs, struct fault *fault);
typedef enum status job_insert_method(struct job_store *jobs, struct job *job,
                                      const struct job_addition *addition, struct fault *fault);
typedef enum status job_find_method(struct job_store *jobs, const char *id, struct job *ret_job,
                                    struct fault *fault);
typedef enum status job_take_method(struct job_store *jobs, bool *ret_found, struct job *ret_job,
                                    struct fault *fault);
typedef enum status job_claim_method(struct job_store *jobs, int64_t number,
                                     enum job_status *ret_status, struct fault *fault);
typedef enum status job_release_method(struct job_store *jobs, int64_t number, struct fault *fault);
typedef enum status job_look_method(struct job_store *jobs, int64_t number,
                                    struct job_store_look *ret_look, struct fault *fault);
typedef enum status job_count_method(struct job_store *jobs, size_t n_by_status[JOB_N_STATUSES],
                                     struct fault *fault);
typedef enum status job_list_method(struct job_store *jobs, const struct job_filter *filter,
                                    size_t limit, struct job *ret_jobs, size_t *ret_n,
                                    bool *ret_has_more, struct fault *fault);
typedef enum status job_update_method(struct job_store *jobs, const struct job *job,
                                      enum job_status from, struct job_event *events,
                                      size_t n_events, bool *ret_written,
                                      enum job_status *ret_status, struct fault *fault);
typedef enum status job_confirm_method(struct job_store *jobs, struct fault *fault);
typedef enum status job_put_series_method(struct job_store *jobs, int64_t number,
                                          const struct job_series *series, size_t n,
                                          struct fault *fault);
typedef enum status job_read_series_method(struct job_store *jobs, int64_t number,
                                           struct arena *arena, struct job_series **ret_series,
                                           size_t *ret_n, struct fault *fault);
typedef enum status job_read_sessions_method(struct job_store *jobs, int64_t number,
                                             struct arena *arena, const char *const **ret_sessions,
                                             size_t *ret_n, struct fault *fault);
typedef enum status job_forget_data_method(struct job_store *jobs, int64_t number,
                                           struct fault *fault);
typedef enum status job_add_event_method(struct job_store *jobs, int64_t number,
                                         struct job_event *event, struct fault *fault);
typedef enum status job_list_events_method(struct job_store *jobs, int64_t number, int64_t after,
                                           size_t limit, struct job_event *ret_events,
                                           size_t *ret_n, bool *ret_has_more, struct fault *fault);
typedef enum status job_add_checkpoint_method(struct job_store *jobs, int64_t number,
                                              struct job_checkpoint *checkpoint, const void *state,
                                              size_t n, struct fault *fault);
typedef enum status job_read_state_method(struct job_store *jobs, int64_t number, void **ret_state,
                                          size_t *ret_n, struct job_checkpoint *ret_checkpoint,
                                          struct fault *fault);
typedef enum status job_list_checkpoints_method(struct job_store *jobs, int64_t number,
                                                int64_t after, size_t limit,
                                                struct job_checkpoint *ret_checkpoints,
                                                size_t *ret_n, bool *ret_has_more,
                                                struct fault *fault);
typedef enum status job_delete_ended_method(struct job_store *jobs, int64_t before_ms,
                                            bool *ret_found, enum job_status *ret_status,
                                            struct fault *fault);
typedef enum status job_give_back_method(struct job_store *jobs, bool *ret_has_more,
                                         struct fault *fault);

struct job_store_methods {
    job_close_method *close;
    job_probe_method *probe;
    job_insert_method *insert;
    job_find_method *find;
    job_take_method *take;
    job_claim_method *claim;
    job_release_method *release;
    job_look_method *look; /* NULL: no other process can change it */
    job_count_method *count;
    job_list_method *list;
    job_update_method *update;
    job_confirm_method *confirm; /* NULL: what a call has written is safe when it returns */
    job_put_series_method *put_series;
    job_read_series_method *read_series;
    job_read_sessions_method *read_sessions;
    job_forget_data_method *forget_data;
    job_add_event_method *add_event;
    job_list_events_method *list_events;
    job_add_checkpoint_method *add_checkpoint;
    job_read_state_method *read_state;
    job_list_checkpoints_method *list_checkpoints;
    job_delete_ended_method *delete_ended;
    job_give_back_method *give_back; /* NULL: there is nothing to give back */
};

/* The first member of a store. */
struct job_store {
    const struct job_store_methods *methods;
};

/* STATUS_QUEUE_FULL: a new job has no room (struct job_addition). */
__attribute__((warn_unused_result)) enum status
job_store_check_room(const size_t n_by_status[JOB_N_STATUSES], const size_t *most,
                     struct fault *fault);
/* A new job would not be alone (likewise). */
enum status job_store_refuse_another(const struct job *job, struct fault *fault);

#endif
