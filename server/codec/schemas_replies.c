/* schemas_replies.c - the tables of replies: system, models, sessions, forecasts. What prints them
 * is in encode_*.c. */
#include "codec/schema_examples.h"
#include "codec/schemas.h"
#include "service/service.h"

#define ONE_OF(list, ...)   JSON_SCHEMA(STRING, .words = CHOICE_WORDS(list), __VA_ARGS__)
#define LIST_OF(its_schema) JSON_SCHEMA(ARRAY, .items = (its_schema))
#define OBJECT(table, ...)                                                                         \
    {                                                                                              \
        .type = JSON_SCHEMA_OBJECT, JSON_SCHEMA_FIELDS(table), __VA_ARGS__                         \
    }

// clang-format off

/* ---- errors ---- */

static const struct field error_fields[] = {
    SAID("code", JSON_SCHEMA(STRING, .pattern = "^[a-z_]+$", .help = "stable")),
    SAID("message", JSON_SCHEMA(STRING, .help = "what was wrong and what was expected")),
    SAID("param", JSON_SCHEMA(STRING, .is_nullable = true, .help = "the path of the field: `x[3]`")),
    MAYBE("expected", JSON_SCHEMA(INTEGER, .most = 9007199254740992.0,
          .help = "of `sequence_mismatch`: the number of the next step")),
    MAYBE("last_at", JSON_SCHEMA(NUMBER, .help = "of `late_reading`: the time of the session's last reading")),
};
static const struct json_schema error_part = OBJECT(error_fields);
static const struct field error_reply_fields[] = { SAID("error", &error_part) };
const struct json_schema codec_error_reply = OBJECT(error_reply_fields, .name = "Error",
    .example = "{\"error\":{\"code\":\"session_expired\",\"message\":\"session 'pump-7' expired 40 s "
               "ago (ttl 300 s)\",\"param\":\"session\"}}");

/* ---- system ---- */

static const struct field health_fields[] = { SAID("status", JSON_SCHEMA(STRING, .words = "ok")) };
const struct json_schema codec_health_reply = OBJECT(health_fields, .name = "Health",
    .example = "{\"status\":\"ok\"}");

static const struct field unserved_fields[] = {
    SAID("model", &schema_text),
    SAID("version", JSON_SCHEMA(INTEGER, .is_nullable = true, .least = 1, .most = 4294967295.0,
         .help = "null: all of the model")),
    SAID("reason", &schema_text),
};
static const struct json_schema unserved_part = OBJECT(unserved_fields);
static const struct field readiness_fields[] = {
    SAID("status", JSON_SCHEMA(STRING, .words = "ok|degraded")),
    MAYBE("reason", JSON_SCHEMA(STRING, .help = "why it is degraded")),
    MAYBE("models", JSON_SCHEMA(ARRAY, .items = &unserved_part, .help = "which cannot be served")),
};
const struct json_schema codec_readiness_reply = OBJECT(readiness_fields, .name = "Readiness",
    .example = "{\"status\":\"ok\"}");

const struct json_schema codec_metrics_reply = { .type = JSON_SCHEMA_STRING, .name = "Metrics",
    .help = "Prometheus' text format, version 0.0.4" };

static const struct field index_route_fields[] = {
    SAID("method", &schema_text), SAID("path", &schema_text), SAID("summary", &schema_text),
};
static const struct json_schema index_route_part = OBJECT(index_route_fields);
static const struct field index_fields[] = {
    SAID("name", JSON_SCHEMA(STRING, .words = "grud")),
    SAID("version", &schema_text),
    SAID("routes", LIST_OF(&index_route_part)),
};
const struct json_schema codec_index_reply = OBJECT(index_fields, .name = "Index",
    .example = "{\"name\":\"grud\",\"version\":\"" GRU_VERSION "\",\"routes\":[{\"method\":\"GET\","
               "\"path\":\"/v1/models\",\"summary\":\"all models\"}]}");

const struct json_schema codec_openapi_reply = { .type = JSON_SCHEMA_OBJECT, .name = "OpenApi",
    .items = &schema_any, .help = "an OpenAPI 3.1 document",
    .example = "{\"openapi\":\"3.1.0\"}" };

const struct json_schema codec_page = { .type = JSON_SCHEMA_STRING, .name = "Page",
    .help = "the page, for a browser" };
const struct json_schema codec_page_file = { .type = JSON_SCHEMA_STRING, .name = "PageFile",
    .help = "a script, a style or a picture of the page" };

/* ---- models ---- */

static const struct field loss_fields[] = {
    SAID("train_loss", &schema_number_or_null), SAID("valid_loss", &schema_number_or_null),
    SAID("baseline_valid_loss", JSON_SCHEMA(NUMBER, .is_nullable = true, .help = "the base version's")),
    SAID("persistence_valid_loss", &schema_number_or_null),
    MAYBE("train_accuracy", &schema_number_or_null), MAYBE("valid_accuracy", &schema_number_or_null),
};
const struct json_schema codec_losses_part = OBJECT(loss_fields, .name = "Losses",
    .help = "means over targets, in the network's own units; null: there is none yet");

static const struct field version_fields[] = {
    SAID("version", &schema_version), SAID("created_at", &schema_seconds),
    SAID("parent", JSON_SCHEMA(INTEGER, .is_nullable = true, .least = 1, .most = 4294967295.0,
         .help = "the version that it was trained from")),
    SAID("job", JSON_SCHEMA(STRING, .is_nullable = true, .help = "the job that made it")),
    SAID("digest", &schema_digest),
    SAID("parameters", JSON_SCHEMA(INTEGER, .help = "how many weights it has")),
    SAID("verified", JSON_SCHEMA(BOOLEAN, .help = "it gave the answers of the selftest in its file; false: the file has none")),
    SAID("metrics", JSON_SCHEMA(ANY_OF, .choices = (const struct json_schema *const[]){ &codec_losses_part },
         .n_choices = 1, .is_nullable = true)),
};
static const struct json_schema version_part = OBJECT(version_fields, .name = "Version");

#define VARIABLE                                                                                   \
    SAID("name", &schema_text), SAID("unit", &schema_text), SAID("mean", &schema_number),          \
    SAID("std", &schema_number)
static const struct field season_fields[] = {
    SAID("seasonal_difference", JSON_SCHEMA(INTEGER, .least = 1, .most = GRU_TRANSFORM_SEASON_MAX)),
};
static const struct field level_fields[] = {
    SAID("level", JSON_SCHEMA(NUMBER, .least = 0, .most = 1, .is_above_least = true)),
    SAID("scale", JSON_SCHEMA(BOOLEAN)),
};
static const struct json_schema season_part = OBJECT(season_fields),
                                level_part = OBJECT(level_fields);
static const struct json_schema *const transforms[] = {
    JSON_SCHEMA(STRING, .words = "none|difference"), &season_part, &level_part,
};
const struct json_schema schema_transform = { .type = JSON_SCHEMA_ANY_OF,
    JSON_SCHEMA_CHOICES(transforms),
    .help = "what the network sees of it ([MODELS.md](MODELS.md#transforms))" };
static const struct field input_fields[] = { VARIABLE, SAID("transform", &schema_transform) };
static const struct field output_fields[] = { VARIABLE,
    SAID("feeds", JSON_SCHEMA(STRING, .is_nullable = true, .help = "the input whose next value it forecasts")),
};
static const struct json_schema input_part = OBJECT(input_fields), output_part = OBJECT(output_fields);
static const struct field layer_fields[] = {
    SAID("cell", ONE_OF(GRU_LAYER_KINDS)),
    SAID("reset", JSON_SCHEMA(STRING, .is_nullable = true, .words = CHOICE_WORDS(GRU_RESETS))),
    SAID("input_size", &schema_count), SAID("hidden_size", &schema_count),
};
static const struct json_schema layer_part = OBJECT(layer_fields);
static const struct field drift_job_fields[] = {
    SAID("at", &schema_seconds),
    SAID("job", JSON_SCHEMA(STRING, .is_nullable = true, .help = "its id; null: it was refused")),
    SAID("reason", JSON_SCHEMA(STRING, .is_nullable = true, .help = "why it made no better version; null: it has, or is not over")),
};
static const struct json_schema drift_job_part = OBJECT(drift_job_fields);
static const struct field drift_fields[] = {
    SAID("state", JSON_SCHEMA(STRING, .words = "none|drifting")),
    SAID("ratio", JSON_SCHEMA(NUMBER, .is_nullable = true,
         .help = "recent errors of forecasts as a multiple of usual ones; null: too few have come")),
    SAID("alarms", JSON_SCHEMA(INTEGER, .help = "since grud started")),
    SAID("detected_at", JSON_SCHEMA(NUMBER, .is_nullable = true, .help = "the last of them")),
    SAID("detector", JSON_SCHEMA(STRING, .is_nullable = true, .words = CHOICE_WORDS(DRIFT_DETECTORS),
         .help = "that told it")),
    SAID("statistic", JSON_SCHEMA(NUMBER, .is_nullable = true,
         .help = "page_hinkley: the sum of what errors were too large, in usual ones; adwin: errors since the change as a multiple of those before")),
    SAID("last_job", JSON_SCHEMA(ANY_OF, .choices = (const struct json_schema *const[]){ &drift_job_part },
         .n_choices = 1, .is_nullable = true, .help = "that drift was to start (--drift-fine-tune)")),
};
static const struct json_schema drift_part = OBJECT(drift_fields, .name = "Drift",
    .help = "whether forecasts have become worse ([DRIFT.md](DRIFT.md))");
static const struct field model_fields[] = {
    SAID("name", &schema_model_name),
    SAID("active_version", JSON_SCHEMA(INTEGER, .least = 1, .most = 4294967295.0,
         .help = "the one that requests use which name none")),
    SAID("versions", LIST_OF(&version_part)),
    SAID("inputs", LIST_OF(&input_part)), SAID("outputs", LIST_OF(&output_part)),
    SAID("layers", LIST_OF(&layer_part)), SAID("activation", ONE_OF(GRU_ACTIVATIONS)),
    SAID("horizon_capable", JSON_SCHEMA(BOOLEAN, .help = "whether it can look more than a step ahead")),
    SAID("sessions", JSON_SCHEMA(INTEGER, .help = "how many it has")),
    SAID("residual", JSON_SCHEMA(BOOLEAN, .help = "whether outputs are changes of the inputs that they feed")),
    SAID("steps", JSON_SCHEMA(INTEGER, .least = 1, .most = 4294967295.0, .help = "that it forecasts at once")),
    SAID("missing", ONE_OF(GRU_MISSING_POLICIES, .help = "what a missing reading becomes")),
    SAID("interval_seconds", JSON_SCHEMA(NUMBER, .is_nullable = true, .help = "between readings")),
    SAID("season", JSON_SCHEMA(INTEGER, .is_nullable = true, .least = 1, .most = GRU_SEASON_MAX,
         .help = "readings in a season")),
    SAID("drift", &drift_part),
};
const struct json_schema codec_model_reply = OBJECT(model_fields, .name = "Model",
    .example = EXAMPLE_MODEL);
static const struct field models_fields[] = { SAID("models", LIST_OF(&codec_model_reply)) };
const struct json_schema codec_models_reply = OBJECT(models_fields, .name = "ModelList",
    .example = EXAMPLE_MODELS);
const struct json_schema codec_model_file = { .type = JSON_SCHEMA_STRING, .name = "ModelFile",
    .format = "binary", .help = "a safetensors file ([MODELS.md](MODELS.md))" };

/* ---- steps and forecasts ---- */

static const struct field record_fields[] = {
    SAID("time", JSON_SCHEMA(NUMBER, .is_nullable = true,
         .help = "when the row's reading would come; null: the model has no `interval_seconds`")),
    SAID("ahead", JSON_SCHEMA(INTEGER, .help = "the row's number, from 1")),
};
static const struct json_schema record_part = OBJECT(record_fields, .name = "Record",
    .items = &schema_float_or_null, .help = "with `\"as\":\"records\"`; the other members are the outputs");
static const struct json_schema *const row_forms[] = { &schema_row_or_null, &record_part };
static const struct json_schema forecast_row = { .type = JSON_SCHEMA_ANY_OF, JSON_SCHEMA_CHOICES(row_forms) };
static const struct json_schema bound_rows = { .type = JSON_SCHEMA_ARRAY, .items = &forecast_row };

static const struct field interval_fields[] = {
    SAID("level", JSON_SCHEMA(NUMBER, .most = 1, .is_above_least = true, .is_below_most = true)),
    SAID("lower", &bound_rows), SAID("upper", &bound_rows),
    SAID("coverage", JSON_SCHEMA(ARRAY, .items = &schema_number_or_null,
         .help = "of the intervals so far, a value a step ahead")),
    SAID("observed", JSON_SCHEMA(ARRAY, .items = &schema_count, .help = "of how many that is")),
    SAID("saturated", &schema_flag),
};
static const struct json_schema interval_part = OBJECT(interval_fields, .name = "Interval",
    .help = "rows are steps ahead; bounds are null while there is nothing to calibrate from");
static const struct json_schema weight_part = { .type = JSON_SCHEMA_NUMBER, .most = 1 };
static const struct field weight_fields[] = {
    SAID("model", &weight_part), SAID("persistence", &weight_part),
    MAYBE("seasonal_naive", &weight_part), SAID("level", &weight_part),
};
static const struct json_schema weights_part = OBJECT(weight_fields,
    .help = "the means over the outputs and steps ahead of this reply; their sum is 1");
static const struct field blend_fields[] = { SAID("weights", &weights_part) };
static const struct json_schema blend_part = OBJECT(blend_fields, .name = "Blend",
    .help = "with `blend`: what the forecast is mixed of, and its intervals belong to");
static const struct json_schema forecast_rows = { .type = JSON_SCHEMA_ARRAY, .items = &forecast_row,
    .help = "a row a step ahead, in raw units" };

static const struct field anomaly_fields[] = {
    SAID("p_value", JSON_SCHEMA(FLOAT, .is_above_least = true, .most = 1,
         .help = "of readings that are as all others were, a share p has a p-value of at most p")),
    MAYBE("by_output", JSON_SCHEMA(OBJECT, .items = &schema_p_value_or_null,
         .help = "of each output, where there are several whose truth comes")),
};
static const struct json_schema anomaly_part = OBJECT(anomaly_fields, .name = "Anomaly", .is_nullable = true,
    .help = "null while there is nothing to compare with");
static const struct field crossing_fields[] = {
    SAID("ahead", JSON_SCHEMA(INTEGER, .is_nullable = true, .least = 1, .most = 4294967295.0,
         .help = "the first step ahead at which the forecast itself crosses it; null: none")),
    SAID("probability", JSON_SCHEMA(NUMBER, .is_nullable = true, .most = 1,
         .help = "that it will have been crossed by the last step ahead; null: there is nothing to calibrate from")),
    SAID("by_horizon", JSON_SCHEMA(ARRAY, .items = &schema_number_or_null, .is_nullable = true,
         .help = "that it will have been crossed by each step ahead")),
};
static const struct json_schema crossing_part = OBJECT(crossing_fields, .name = "CrossingReply");
static const struct field contribution_fields[] = {
    SAID("name", &schema_text), SAID("contribution", JSON_SCHEMA(NUMBER, .help = "in raw units of the output")),
};
static const struct json_schema contribution_part = OBJECT(contribution_fields);
static const struct field explanation_fields[] = {
    SAID("output", &schema_text), SAID("ahead", &schema_count),
    SAID("value", JSON_SCHEMA(NUMBER, .help = "the forecast")),
    SAID("baseline", JSON_SCHEMA(NUMBER, .help = "what it would be if each input had been at its mean")),
    SAID("state", JSON_SCHEMA(NUMBER, .help = "what the readings before the kept ones have brought")),
    SAID("inputs", LIST_OF(&contribution_part)),
    SAID("residual", JSON_SCHEMA(NUMBER, .help = "what is left over")),
};
static const struct json_schema explanation_part = OBJECT(explanation_fields, .name = "Explanation",
    .help = "`value` is the sum of all others");

static const struct field step_fields[] = {
    SAID("session", &schema_session_id),
    SAID("step", &schema_step_count),
    MAYBE("version", &schema_version),
    MAYBE("y", JSON_SCHEMA(ARRAY, .items = &schema_float,
          .help = "the model's output for this reading in raw units: its forecast of the next one")),
    MAYBE("forecast", &forecast_rows),
    MAYBE("missing", JSON_SCHEMA(ARRAY, .items = &schema_text, .help = "inputs that were filled")),
    MAYBE("filled", &schema_filled),
    MAYBE("restarted", &schema_restarted),
    MAYBE("amended", JSON_SCHEMA(INTEGER, .most = 9007199254740992.0, .help = "the step that was amended")),
    MAYBE("intervals", LIST_OF(&interval_part)),
    MAYBE("anomaly", &anomaly_part),
    MAYBE("blend", &blend_part),
    MAYBE("crossing", &crossing_part),
    MAYBE("explanation", &explanation_part),
    MAYBE("repeated", JSON_SCHEMA(BOOLEAN, .help = "the reading was taken before; there is no `y`")),
};
const struct json_schema codec_step_reply = OBJECT(step_fields, .name = "StepReply",
    .example = "{\"session\":\"pump-7\",\"step\":1042,\"version\":1,\"y\":[21.5],\"forecast\":[[21.5],[21.7]]}");
static const struct json_schema step_result = { .type = JSON_SCHEMA_ANY_OF,
    .choices = (const struct json_schema *const[]){ &codec_step_reply, &codec_error_reply }, .n_choices = 2 };
static const struct field steps_fields[] = { SAID("results", LIST_OF(&step_result)) };
const struct json_schema codec_steps_reply = OBJECT(steps_fields, .name = "StepsReply",
    .example = EXAMPLE_STEPS_REPLY,
    .as_lines = "a line for each line of the body: a StepReply, or an Error");

static const struct field forecast_fields[] = {
    SAID("session", &schema_session_id), SAID("step", &schema_step_count),
    SAID("version", &schema_version), SAID("forecast", &forecast_rows),
    MAYBE("intervals", LIST_OF(&interval_part)), MAYBE("blend", &blend_part),
    MAYBE("crossing", &crossing_part), MAYBE("explanation", &explanation_part),
};
const struct json_schema codec_forecast_reply = OBJECT(forecast_fields, .name = "ForecastReply",
    .example = EXAMPLE_FORECAST_REPLY);

#define PREDICTED                                                                                  \
    MAYBE("y", &schema_rows), MAYBE("forecast", &forecast_rows),                                   \
    MAYBE("intervals", LIST_OF(&interval_part))
static const struct field predicted_fields[] = { PREDICTED };
static const struct json_schema predicted_part = OBJECT(predicted_fields);
static const struct field predict_fields[] = {
    SAID("model", &schema_model_name), SAID("version", &schema_version), PREDICTED,
    MAYBE("results", JSON_SCHEMA(ARRAY, .items = &predicted_part, .help = "with `instances`: one each")),
};
const struct json_schema codec_predict_reply = OBJECT(predict_fields, .name = "PredictReply",
    .example = EXAMPLE_PREDICT_REPLY);

#define FIGURE(name, word) SAID(word, &schema_number_or_null),
#define FIGURES                                                                                    \
    SAID("n", &schema_count), ERROR_MEASURE_TABLE(FIGURE) SAID("n_intervals", &schema_count)
static const struct field by_horizon_fields[] = { SAID("ahead", &schema_count), FIGURES };
static const struct field by_output_fields[] = { SAID("output", &schema_text), FIGURES };
static const struct json_schema by_horizon_part = OBJECT(by_horizon_fields),
                                by_output_part = OBJECT(by_output_fields);
static const struct field evaluate_fields[] = {
    SAID("model", &schema_model_name), SAID("version", &schema_version),
    SAID("windows", JSON_SCHEMA(INTEGER, .help = "rows that forecasts were made from")),
    SAID("horizon", &schema_count),
    SAID("season", JSON_SCHEMA(INTEGER, .is_nullable = true)),
    SAID("level", JSON_SCHEMA(NUMBER, .is_nullable = true)),
    FIGURES,
    SAID("by_horizon", LIST_OF(&by_horizon_part)), SAID("by_output", LIST_OF(&by_output_part)),
};
const struct json_schema codec_evaluate_reply = OBJECT(evaluate_fields, .name = "EvaluateReply",
    .example = EXAMPLE_EVALUATE_REPLY,
    .help = "[EVALUATION.md](EVALUATION.md) has the formulas");

/* ---- sessions ---- */

#define SESSION_ROW                                                                                \
    SAID("session", &schema_session_id), SAID("step", &schema_step_count),                         \
    SAID("version", &schema_version), SAID("created_at", &schema_seconds),                         \
    SAID("last_seen_at", &schema_seconds), SAID("expires_at", &schema_seconds_or_null)
static const struct field session_row_fields[] = { SESSION_ROW,
    MAYBE("model", JSON_SCHEMA(STRING, .help = "in a list of all models")),
};
static const struct json_schema session_row_part = OBJECT(session_row_fields, .name = "SessionRow");
static const struct field sessions_fields[] = {
    SAID("sessions", LIST_OF(&session_row_part)), SAID("has_more", &schema_has_more),
    MAYBE("next", JSON_SCHEMA(STRING, .help = "what the next page is `after`, if there is one")),
};
const struct json_schema codec_sessions_reply = OBJECT(sessions_fields, .name = "SessionList",
    .example = EXAMPLE_SESSIONS);

static const struct field reading_fields[] = {
    SAID("step", &schema_step_count),
    SAID("at", JSON_SCHEMA(NUMBER, .is_nullable = true, .help = "its own time, in Unix seconds; null: not known")),
    SAID("x", JSON_SCHEMA(ARRAY, .items = &schema_float_or_null, .help = "null: missing")),
    SAID("y", JSON_SCHEMA(ARRAY, .items = &schema_float_or_null, .is_nullable = true,
         .help = "what had been forecast for it one step before; null: nothing, or it is not known")),
};
static const struct json_schema reading_part = OBJECT(reading_fields, .name = "Reading");
static const struct field readings_fields[] = {
    SAID("readings", JSON_SCHEMA(ARRAY, .items = &reading_part, .help = "newest last")),
    SAID("has_more", JSON_SCHEMA(BOOLEAN, .help = "whether there are older ones")),
};
const struct json_schema codec_readings_reply = OBJECT(readings_fields, .name = "ReadingList",
    .example = EXAMPLE_READINGS);

const struct json_schema codec_session_events = { .type = JSON_SCHEMA_STRING, .name = "SessionEvent",
    .help = "a step that was made, or the end of the session",
    .as_events = "Server-Sent Events: `step` with each StepReply and its `x` and `at`, `end` when the "
                 "session goes; the id is the number of the step" };

static const struct field told_fields[] = {
    SAID("mean_width", &schema_measures), SAID("interval_score", &schema_measures),
    SAID("pinball", &schema_measures),
};
static const struct json_schema told_part = OBJECT(told_fields);
static const struct field level_errors_fields[] = {
    SAID("level", &schema_number),
    SAID("coverage", LIST_OF(&schema_number_or_null)), SAID("recent_coverage", LIST_OF(&schema_number_or_null)),
    SAID("observed", LIST_OF(&schema_count)), SAID("width", &schema_rows_or_null),
    SAID("mean_width", &schema_measures), SAID("interval_score", &schema_measures),
    SAID("pinball", &schema_measures), SAID("recent", &told_part),
};
static const struct json_schema level_errors_part = OBJECT(level_errors_fields);
#define MORE_MEASURES                                                                                      \
    MAYBE("smape", &schema_measures), MAYBE("mase", &schema_measures), MAYBE("rse", &schema_measures),     \
    MAYBE("corr", LIST_OF(&schema_number_or_null)),                                                        \
    MAYBE("skill_vs_persistence", LIST_OF(&schema_number_or_null)),                                        \
    MAYBE("skill_vs_seasonal_naive", LIST_OF(&schema_number_or_null))
static const struct field recent_errors_fields[] = {
    SAID("mae", &schema_measures), SAID("rmse", &schema_measures), MORE_MEASURES,
};
static const struct json_schema recent_errors_part = OBJECT(recent_errors_fields,
    .help = "the same, of the last hundred or so");
static const struct field errors_fields[] = {
    SAID("n", &schema_counts), SAID("mae", &schema_measures), SAID("rmse", &schema_measures),
    MORE_MEASURES, MAYBE("recent", &recent_errors_part), MAYBE("recent_mae", &schema_rows_or_null),
    MAYBE("intervals", LIST_OF(&level_errors_part)), MAYBE("means", &codec_means_part),
};
static const struct json_schema errors_part = OBJECT(errors_fields,
    .help = "of its forecasts, a value an output; `recent_mae` and `intervals` by step ahead "
            "([EVALUATION.md](EVALUATION.md#of-live-sessions))");
static const struct field session_fields[] = {
    SESSION_ROW,
    SAID("state", &schema_state), SAID("digest", &schema_digest), SAID("ttl", &schema_ttl),
    SAID("time", &codec_time_part), SAID("last", &schema_last), SAID("y", &schema_last_y),
    MAYBE("transforms", &schema_transforms),
    SAID("readings", &schema_kept_readings), SAID("errors", &errors_part),
    SAID("calibration", &codec_calibration_part),
};
const struct json_schema codec_session_reply = OBJECT(session_fields, .name = "Session",
    .example = EXAMPLE_SESSION);
// clang-format on
