/* job_engine_data.h - what a job in the engine (job_engine.h) has beside its row: methods of the
 * store, and uploads. For job_engine.c. */
#ifndef JOB_ENGINE_DATA_H
#define JOB_ENGINE_DATA_H

#include "service/cluster/job_engine_call.h"

enum { JOB_UPLOAD_NAME_MAX = 40 };

/* The name of an upload that has the series; "": there are none. */
__attribute__((warn_unused_result)) enum status
job_engine_upload_series(struct job_engine *jobs, const struct job_series *series, size_t n,
                         char name[JOB_UPLOAD_NAME_MAX], struct fault *fault);

job_put_series_method job_engine_put_series;
job_read_series_method job_engine_read_series;
job_read_sessions_method job_engine_read_sessions;
job_forget_data_method job_engine_forget_data;
job_add_event_method job_engine_add_event;
job_list_events_method job_engine_list_events;
job_add_checkpoint_method job_engine_add_checkpoint;
job_read_state_method job_engine_read_state;
job_list_checkpoints_method job_engine_list_checkpoints;

#endif
