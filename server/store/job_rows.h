/*
 * job_rows.h - which columns the rows of a store of jobs (job_store.h) have, whatever keeps them.
 * Constant; for the stores and their tests only.
 */
#ifndef JOB_ROWS_H
#define JOB_ROWS_H

#include "store/column.h"
#include "store/job.h"

#include <stdbool.h>

extern const struct query_columns job_columns,
    job_life_columns; /* all, and those that job_store_update writes */
extern const struct query_columns event_columns, checkpoint_columns, lineage_columns;

/* Of a job whose columns were read one by one. */
bool job_row_is_valid(const struct job *job);

#endif
