#include "store/job_rows.h"

#include "store/job_columns.h"
#include "store/job_events.h"
#include "store/job_lineage.h"
#include "json/json.h"

#include <string.h>

/* Reals and sizes of hyper-parameters are the library's to judge (gru_training_check); a choice is
 * an enum, so it is judged here. */
#define HYPER_MOST_SIZE(most)   0
#define HYPER_MOST_REAL(most)   0
#define HYPER_MOST_CHOICE(most) (most)
#define HYPER_OF(field, type, def, none, least, most, words)                                       \
    COLUMN_OF(job, hyper_##field, type, hyperparameters.field, HYPER_MOST_##type(most)),

#define COLUMN_OF_JOB(column, type, field, most)   COLUMN_OF(job, column, type, field, most),
#define COLUMN_OF_EVENT(column, type, field, most) COLUMN_OF(job_event, column, type, field, most),
#define COLUMN_OF_CHECKPOINT(column, type, field, most)                                            \
    COLUMN_OF(job_checkpoint, column, type, field, most),
#define COLUMN_OF_LINEAGE(column, type, field, most) COLUMN_OF(lineage, column, type, field, most),
#define COLUMNS(array)                                                                             \
    {                                                                                              \
        (array), sizeof(array) / sizeof *(array)                                                   \
    }

static const struct query_column of_job[] = { JOB_FIXED_COLUMNS(COLUMN_OF_JOB) GRU_HYPERPARAMETERS(
    HYPER_OF) JOB_STATUS_COLUMN(COLUMN_OF_JOB) JOB_LIFE_COLUMNS(COLUMN_OF_JOB) };
static const struct query_column of_job_life[] = { JOB_STATUS_COLUMN(COLUMN_OF_JOB)
                                                       JOB_LIFE_COLUMNS(COLUMN_OF_JOB) };
static const struct query_column of_event[] = { EVENT_COLUMNS(COLUMN_OF_EVENT) };
static const struct query_column of_checkpoint[] = { CHECKPOINT_COLUMNS(COLUMN_OF_CHECKPOINT) };
static const struct query_column of_lineage[] = { LINEAGE_COLUMNS(COLUMN_OF_LINEAGE) };

const struct query_columns job_columns = COLUMNS(of_job);
const struct query_columns job_life_columns = COLUMNS(of_job_life);
const struct query_columns event_columns = COLUMNS(of_event);
const struct query_columns checkpoint_columns = COLUMNS(of_checkpoint);
const struct query_columns lineage_columns = COLUMNS(of_lineage);

/* Replies have the metadata as they stand. */
static bool is_json_object(const char *text)
{
    struct json json;
    json_init(&json, text, strlen(text));
    return json_peek(&json) == JSON_OBJECT && json_skip(&json) && json_end(&json);
}

/* What a recipe tried is bytes to a store. */
static bool has_valid_trials(const struct job *job)
{
    bool is_valid = job->chosen_trial <= job->n_trials;
    for (int k = 0; is_valid && k < job->n_trials; k++) {
        is_valid = job_trial_is_valid(&job->trials[k]);
    }
    return is_valid;
}

bool job_row_is_valid(const struct job *job)
{
    return (job->metadata[0] == '\0' || is_json_object(job->metadata)) && has_valid_trials(job);
}
