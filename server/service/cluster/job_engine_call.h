/* job_engine_call.h - what the files of the jobs in the engine (job_engine.h) share: calls, and
 * rows as names and values. */
#ifndef JOB_ENGINE_CALL_H
#define JOB_ENGINE_CALL_H

#include "cluster/cluster_library.h"
#include "cluster/cluster_reply.h"
#include "service/cluster/engine.h"
#include "store/job_rows.h"
#include "store/job_store_methods.h"

enum { JOB_NODE_BYTES = 16 };

struct job_engine {
    struct job_store store;
    struct engine *engine;
    char node[JOB_NODE_BYTES + 1]; /* this one, by a name that no other has or had */
    uint64_t n_uploads;
    int64_t at_work;      /* the job that was last looked at, 0: none */
    int64_t looked_at_ms; /* by clock_monotonic_ms */
};
static inline struct job_engine *job_engine_of(struct job_store *store)
{
    return (struct job_engine *)store; /* its first member */
}

/* What functions answer instead of a number that they give. */
enum {
    JOB_ENGINE_GONE = -1,
    JOB_ENGINE_ID_IS_THERE = -1,
    JOB_ENGINE_NO_UPLOAD = -2,
    JOB_ENGINE_HAS_ANOTHER = -3
};

/* ---- a call ---- */

/* Waits for an engine that is away for a moment. */
__attribute__((warn_unused_result)) enum status
job_engine_begin(struct job_engine *jobs, const char *function, struct fault *fault);
/* Between calls of one change that are many: this node stays heard of. */
__attribute__((warn_unused_result)) enum status job_engine_keep(struct job_engine *jobs,
                                                                struct fault *fault);
void job_engine_put_word(struct job_engine *jobs, const char *word);
void job_engine_put_node(struct job_engine *jobs, int64_t number); /* this one, and a job */
void job_engine_put_columns(struct job_engine *jobs, const struct query_columns *columns,
                            const void *record);
/* The same, and how many words they are before them. */
void job_engine_put_row(struct job_engine *jobs, const struct query_columns *columns,
                        const void *record);
/* The reply, which is valid until the next call. */
__attribute__((warn_unused_result)) enum status
job_engine_call(struct job_engine *jobs, const struct cluster_reply **ret_reply,
                struct fault *fault);
__attribute__((warn_unused_result)) enum status
job_engine_call_list(struct job_engine *jobs, const struct cluster_reply **ret_reply,
                     struct fault *fault);
__attribute__((warn_unused_result)) enum status
job_engine_call_number(struct job_engine *jobs, int64_t *ret_number, struct fault *fault);

/* ---- replies ---- */

/* What the engine has is none of grud's doing. */
enum status job_engine_damaged(struct fault *fault);
enum status job_engine_gone(struct fault *fault);
enum status job_engine_no_upload(struct fault *fault);
/* A time as nodes share it, of one by the steady clock; 0 stays 0. */
int64_t job_engine_time(int64_t steady_ms);
/* A list of names and values: columns that are there are set, others stay as they are. False: one
 * does not fit. */
__attribute__((warn_unused_result)) bool job_engine_get_columns(const struct cluster_reply *pairs,
                                                                const struct query_columns *columns,
                                                                void *record);
/* The value of that name; NULL: there is none. */
const struct cluster_reply *job_engine_find_value(const struct cluster_reply *pairs,
                                                  const char *name);
/* False: it is no whole number. */
__attribute__((warn_unused_result)) bool job_engine_get_number(const struct cluster_reply *reply,
                                                               int64_t *ret_number);
/* An entry of a stream: its id and its columns. */
__attribute__((warn_unused_result)) bool job_engine_get_row(const struct cluster_reply *entry,
                                                            const struct query_columns *columns,
                                                            int64_t *ret_id, void *record);

#endif
