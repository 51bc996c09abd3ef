/* schemas_jobs.c - the tables of what is said of fine-tuning jobs; encode_job.c prints it. */
#include "codec/schema_examples.h"
#include "codec/schemas.h"
#include "store/job.h"
#include "store/job_events.h"

#define ONE_OF(list)     JSON_SCHEMA(STRING, .words = CHOICE_WORDS(list))
#define WORD(name, word) word "|"
#define OBJECT(table, ...)                                                                         \
    {                                                                                              \
        .type = JSON_SCHEMA_OBJECT, JSON_SCHEMA_FIELDS(table), __VA_ARGS__                         \
    }
#define IS(text) JSON_SCHEMA(STRING, .words = (text))

// clang-format off
static const struct field progress_fields[] = {
    SAID("epoch", &schema_count), SAID("n_epochs", JSON_SCHEMA(INTEGER, .is_nullable = true)),
    SAID("step", &schema_count), SAID("n_steps", JSON_SCHEMA(INTEGER, .is_nullable = true)),
};
static const struct json_schema progress_part = OBJECT(progress_fields);
static const struct field promotion_fields[] = {
    SAID("policy", ONE_OF(JOB_POLICIES)), SAID("state", ONE_OF(JOB_PROMOTIONS)),
    SAID("reason", &schema_text_or_null),
};
static const struct json_schema promotion_part = OBJECT(promotion_fields);
static const struct field error_fields[] = {
    SAID("code", &schema_text), SAID("message", &schema_text), SAID("param", &schema_text_or_null),
};
static const struct json_schema error_part = OBJECT(error_fields, .is_nullable = true,
    .help = "why the job has failed");

static const struct json_schema *const hyperparameters_forms[] = { &codec_hyperparameters_part };
static const struct field trial_fields[] = {
    SAID("kind", IS("network|persistence|seasonal_naive")), SAID("transform", &schema_transform),
    SAID("residual", &schema_flag),
    SAID("width", JSON_SCHEMA(INTEGER, .help = "of its gru layer; 0 of a naive forecast")),
    SAID("steps", &schema_count), SAID("horizon_loss", &schema_count),
    SAID("all_rows", JSON_SCHEMA(BOOLEAN,
         .help = "a part of the new version: one of the networks of the chosen kind that are trained on all rows")),
    SAID("state", ONE_OF(JOB_TRIAL_STATES)), SAID("n_epochs", &schema_count),
    SAID("best_epoch", &schema_count),
    SAID("error", JSON_SCHEMA(NUMBER, .is_nullable = true,
         .help = "of roll-outs over the validation part: the mean absolute scaled error")),
    SAID("chosen", &schema_flag),
};
static const struct json_schema trial_part = OBJECT(trial_fields, .name = "Trial");
static const struct field recipe_fields[] = {
    SAID("type", IS("auto")), SAID("horizon", &schema_recipe_horizon),
    SAID("trials", JSON_SCHEMA(ARRAY, .items = &trial_part)),
};
static const struct json_schema recipe_part = OBJECT(recipe_fields, .is_nullable = true,
    .help = "what a recipe has tried");

const struct json_schema schema_job_status = { .type = JSON_SCHEMA_STRING,
    .words = JOB_STATUS_TABLE(WORD), .help = "where the job stands" };
static const struct field job_fields[] = {
    SAID("id", &schema_job_id), SAID("object", IS("fine_tuning.job")),
    SAID("model", &schema_model_name), SAID("base_version", &schema_version),
    SAID("fine_tuned_version", &schema_version_or_null),
    SAID("status", &schema_job_status),
    SAID("created_at", &schema_seconds), SAID("started_at", &schema_seconds_or_null),
    SAID("finished_at", &schema_seconds_or_null), SAID("estimated_finish", &schema_seconds_or_null),
    SAID("progress", &progress_part),
    SAID("hyperparameters", JSON_SCHEMA(ANY_OF, JSON_SCHEMA_CHOICES(hyperparameters_forms), .is_nullable = true,
         .help = "null of a recipe, which has its own")),
    SAID("recipe", &recipe_part),
    SAID("seed", &schema_seed), SAID("metadata", &schema_metadata),
    SAID("trained_steps", &schema_count), SAID("metrics", &codec_losses_part),
    SAID("promotion", &promotion_part), SAID("error", &error_part),
    SAID("suffix", &schema_suffix), SAID("max_seconds", &schema_max_seconds),
    SAID("dry_run", &schema_dry_run),
    SAID("durable", JSON_SCHEMA(BOOLEAN, .help = "whether it outlives the process: `--data` is set")),
};
const struct json_schema codec_job_reply = OBJECT(job_fields, .name = "Job", .example = EXAMPLE_JOB);

#define LIST_FIELDS(item)                                                                          \
    SAID("object", IS("list")), SAID("data", JSON_SCHEMA(ARRAY, .items = (item))),                 \
    SAID("has_more", &schema_has_more)
static const struct field jobs_fields[] = { LIST_FIELDS(&codec_job_reply) };
const struct json_schema codec_jobs_reply = OBJECT(jobs_fields, .name = "JobList",
    .example = EXAMPLE_JOBS);

static const struct field event_data_fields[] = {
    SAID("step", &schema_count), SAID("epoch", &schema_count),
    SAID("train_loss", &schema_number_or_null), SAID("valid_loss", &schema_number_or_null),
    SAID("grad_norm", &schema_number_or_null), SAID("lr", &schema_number_or_null),
};
static const struct json_schema event_data_part = OBJECT(event_data_fields, .is_nullable = true);
static const struct field event_fields[] = {
    SAID("id", JSON_SCHEMA(STRING, .pattern = "^ftevent-[0-9]+$")),
    SAID("object", IS("fine_tuning.job.event")), SAID("created_at", &schema_seconds),
    SAID("level", ONE_OF(JOB_EVENT_LEVELS)), SAID("type", IS("message|metrics")),
    SAID("message", &schema_text), SAID("data", &event_data_part),
};
static const struct json_schema event_part = OBJECT(event_fields, .name = "Event");
static const struct field events_fields[] = { LIST_FIELDS(&event_part) };
const struct json_schema codec_events_reply = OBJECT(events_fields, .name = "EventList",
    .example = EXAMPLE_EVENTS,
    .as_events = "Server-Sent Events whose data are an Event each, live, until the job ends");

static const struct field checkpoint_losses_fields[] = {
    SAID("train_loss", &schema_number_or_null), SAID("valid_loss", &schema_number_or_null),
};
static const struct json_schema checkpoint_losses_part = OBJECT(checkpoint_losses_fields);
static const struct field checkpoint_fields[] = {
    SAID("id", JSON_SCHEMA(STRING, .pattern = "^ftckpt-[0-9]+$")),
    SAID("object", IS("fine_tuning.job.checkpoint")), SAID("created_at", &schema_seconds),
    SAID("fine_tuning_job_id", &schema_job_id), SAID("step_number", &schema_count),
    SAID("epoch", &schema_count), SAID("metrics", &checkpoint_losses_part),
};
static const struct json_schema checkpoint_part = OBJECT(checkpoint_fields, .name = "Checkpoint");
static const struct field checkpoints_fields[] = { LIST_FIELDS(&checkpoint_part) };
const struct json_schema codec_checkpoints_reply = OBJECT(checkpoints_fields, .name = "CheckpointList",
    .example = EXAMPLE_CHECKPOINTS);
// clang-format on
