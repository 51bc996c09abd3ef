/*
 * schemas.h - the schemas of the API: what every value in a body or a reply is, and the objects
 * that routes take and give. Constant; any thread.
 *
 * The values are a table in schemas_values.c; rows of fields refer to them. An object is the table
 * of its fields: a body's stands in decode_*.c, beside what reads it, and a reply's in
 * schemas_replies.c and schemas_jobs.c. All of them end up in GET /openapi.json and in docs/API.md.
 */
#ifndef SCHEMAS_H
#define SCHEMAS_H

#include "codec/json_schema.h"

/* ---- values; private to the codec, but for those that paths and queries hold ---- */

extern const struct json_schema schema_model_name, schema_version, schema_session_id, schema_job_id,
    schema_job_status, schema_file_name;
extern const struct json_schema schema_version_wanted, schema_version_or_null, schema_digest,
    schema_any_text, schema_any_version, schema_any_time, schema_passed_over;
extern const struct json_schema schema_reading, schema_readings, schema_sequence, schema_rewarm,
    schema_truth, schema_targets, schema_future, schema_rows, schema_row, schema_row_or_null,
    schema_rows_or_null;
extern const struct json_schema schema_seq, schema_begin, schema_fill, schema_at, schema_late,
    schema_amends_step, schema_horizon, schema_level, schema_as, schema_last_row_at,
    schema_crossing_output, schema_crossing_above, schema_crossing_below, schema_any_level,
    schema_anomaly, schema_blend, schema_p_value_or_null, schema_return, schema_season, schema_to;
extern const struct json_schema schema_explain_output, schema_explain_ahead;
extern const struct json_schema schema_state, schema_last, schema_last_y, schema_transforms,
    schema_kept_readings, schema_step_count, schema_ttl, schema_session_created_at, schema_last_at,
    schema_filled, schema_restarted, schema_untimed, schema_counts, schema_measures;
extern const struct json_schema schema_calibration_format, schema_calibration_levels,
    schema_calibration_horizons, schema_calibration_parts, schema_calibration_bytes,
    schema_means_format, schema_means_season, schema_means_bytes;
extern const struct json_schema schema_fraction, schema_policy, schema_min_relative_gain,
    schema_must_beat_persistence, schema_min_targets, schema_confidence, schema_seed, schema_suffix,
    schema_metadata, schema_max_seconds, schema_dry_run, schema_recipe_horizon, schema_transform,
    schema_session_ids, schema_session_prefix;
extern const struct json_schema schema_number, schema_number_or_null, schema_float,
    schema_float_or_null, schema_flag, schema_any, schema_text, schema_text_or_null, schema_count,
    schema_seconds, schema_seconds_or_null, schema_has_more;

extern const struct json_schema schema_rule_name, schema_rule_prefix, schema_rule_coverage,
    schema_rule_below, schema_rule_for, schema_rule_url, schema_rule_format, schema_rule_anomaly,
    schema_rule_p_value, schema_rule_probability, schema_rule_output, schema_rule_threshold,
    schema_rule_horizon;

/* ---- bodies ---- */

extern const struct json_schema codec_step_body, codec_batch_step_body, codec_steps_body,
    codec_forecast_body, codec_predict_body, codec_evaluate_body, codec_session_body,
    codec_fork_body, codec_rule_body, codec_rule_crossing_part, codec_job_body, codec_no_body,
    codec_model_file;
/* Parts of them that have a table of their own. */
extern const struct json_schema codec_series_part, codec_hyperparameters_part, codec_recipe_part,
    codec_time_part, codec_calibration_part, codec_errors_part, codec_means_part,
    codec_training_part, codec_validation_part, codec_crossing_part, codec_explain_part,
    codec_explain_field;

/* ---- replies ---- */

extern const struct json_schema codec_error_reply, codec_health_reply, codec_readiness_reply,
    codec_metrics_reply, codec_index_reply, codec_openapi_reply, codec_page, codec_page_file;
extern const struct json_schema codec_model_reply, codec_models_reply;
extern const struct json_schema codec_step_reply, codec_steps_reply, codec_session_reply,
    codec_sessions_reply, codec_readings_reply, codec_session_events, codec_forecast_reply,
    codec_predict_reply, codec_evaluate_reply, codec_losses_part;
extern const struct json_schema codec_job_reply, codec_jobs_reply, codec_events_reply,
    codec_checkpoints_reply;
extern const struct json_schema codec_rule_reply, codec_rules_reply;

#endif
