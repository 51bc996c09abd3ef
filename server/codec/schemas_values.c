/* schemas_values.c - THE table of values: see schemas.h. */
#include "codec/schemas.h"
#include "codec/sources.h"
#include "service/service.h"
#include "store/job.h"
#include "store/rule.h"

#define EXACT_MAX   9007199254740992.0 /* integers up to 2^53 are doubles */
#define VERSION_MAX 4294967295.0
#define AT_MAX      1e11
#define ID_PATTERN  "^[A-Za-z0-9._~:-]{1,128}$"
#define NOT_READ    "taken as GET gives it, and not read"

#define VALUE(name, its_type, ...)                                                                 \
    const struct json_schema schema_##name = { .type = JSON_SCHEMA_##its_type, __VA_ARGS__ };
#define EITHER(...)                                                                                \
    .choices = (const struct json_schema *const[]){ __VA_ARGS__ },                                 \
    .n_choices = sizeof((const struct json_schema *const[]){ __VA_ARGS__ }) / sizeof(void *)

// clang-format off

/* ---- of any kind ---- */

VALUE(number, NUMBER)
VALUE(number_or_null, NUMBER, .is_nullable = true)
VALUE(any, ANY)
VALUE(flag, BOOLEAN)
VALUE(text, STRING)
VALUE(text_or_null, STRING, .is_nullable = true)
VALUE(count, INTEGER, .most = EXACT_MAX)
VALUE(seconds, NUMBER, .help = "Unix seconds", .example = "1763668800")
VALUE(seconds_or_null, NUMBER, .is_nullable = true, .help = "Unix seconds")
VALUE(has_more, BOOLEAN, .help = "whether there are more behind the last of these")

/* ---- names ---- */

VALUE(model_name, STRING, .pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", .example = "\"weather\"",
      .help = "the model's name")
VALUE(file_name, STRING, .pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$", .help = "a name")
VALUE(version, INTEGER, .least = 1, .most = VERSION_MAX, .example = "1",
      .help = "the number of a version of the model")
VALUE(version_wanted, INTEGER, .least = 1, .most = VERSION_MAX, .example = "1",
      .help = "a version of the model; left out: the active one")
VALUE(version_or_null, INTEGER, .least = 1, .most = VERSION_MAX, .is_nullable = true,
      .help = "the number of a version of the model")
VALUE(session_id, STRING, .pattern = ID_PATTERN, .example = "\"pump-7\"", .help = "the session's id")
VALUE(to, STRING, .pattern = ID_PATTERN, .example = "\"what-if\"", .help = "the id of the copy")
VALUE(session_ids, ARRAY, .items = &schema_session_id, .least = 1, .most = JOB_SESSIONS_MAX,
      .help = "what these sessions have recorded (--record), each named once")
VALUE(session_prefix, STRING, .pattern = "^[A-Za-z0-9._~:-]{0,128}$", .example = "\"pump-\"",
      .help = "what the sessions whose ids begin so have recorded (--record)")
VALUE(job_id, STRING, .pattern = "^[a-z0-9-]{1,31}$", .example = "\"ftjob-7xk2m9q4w8e3r5t1y6u0i2o4\"",
      .help = "the job's id")
VALUE(digest, STRING, .pattern = "^xxh3:[0-9a-f]{32}$", .example = "\"xxh3:c2f1a9d4b7e60835c2f1a9d4b7e60835\"",
      .help = "the digest of the version that the state belongs to")
VALUE(any_text, STRING, .help = NOT_READ)
VALUE(any_version, INTEGER, .most = EXACT_MAX, .help = NOT_READ)
VALUE(any_time, FLOAT, .is_nullable = true, .help = NOT_READ)
VALUE(passed_over, ANY, .help = NOT_READ)

/* ---- readings and forecasts ---- */

VALUE(float, FLOAT)
VALUE(float_or_null, FLOAT, .is_nullable = true)
VALUE(row, ARRAY, .items = &schema_float)
VALUE(row_or_null, ARRAY, .items = &schema_float_or_null)
VALUE(rows, ARRAY, .items = &schema_row)
VALUE(rows_or_null, ARRAY, .items = &schema_row_or_null)
static VALUE(named_row, OBJECT, .items = &schema_float_or_null)
VALUE(reading, ANY_OF, EITHER(&schema_row_or_null, &schema_named_row), .example = "[21.4,0.55]",
      .help = "one reading in raw units: an array in the order of the model's inputs, or an object "
              "by their names; `null`, or a name left out, is missing")
VALUE(readings, ARRAY, .items = &schema_reading, .help = "readings in their order, a row each")
VALUE(sequence, ARRAY, .items = &schema_reading, .least = 1, .example = "[[21.4,0.55],[21.5,0.54],[21.7,0.52]]",
      .help = "readings in their order, a row each; a request has up to --row-max")
VALUE(rewarm, ARRAY, .items = &schema_reading, .least = 1,
      .help = "readings to replay, if the state is another version's, or there is none")
VALUE(truth, ARRAY, .items = &schema_reading,
      .help = "what was true: a row of the outputs for each row of `x`; left out: the outputs' own "
              "inputs, shifted")
static VALUE(target, ANY_OF, EITHER(&schema_reading, &schema_float_or_null))
VALUE(targets, ARRAY, .items = &schema_target, .least = 1,
      .help = "a row for each row of `x`, or one, for the last; with `cross_entropy` class numbers; "
              "left out: the outputs' own inputs one step ahead")
VALUE(future, ARRAY, .items = &schema_reading,
      .help = "known values of the inputs that no output feeds, a row a step ahead")

/* ---- steps ---- */

VALUE(seq, INTEGER, .least = 1, .most = EXACT_MAX, .example = "1042",
      .help = "the number that this step must get. The same `seq` and `x` again are no second step: "
              "the last one gets the same answer, an earlier one whose reading is still kept gets "
              "`{\"session\",\"step\",\"repeated\":true}`. So a batch whose answer was lost may be "
              "sent again as it was. Any other `seq` is 409 with `expected`")
VALUE(begin, BOOLEAN,
      .help = "with `seq`: a session that is not there, or has made no step, begins at this `seq`, "
              "the device's own counter. Without it the first is 1")
VALUE(fill, BOOLEAN,
      .help = "with `seq`: the readings between the session's last one and this one were lost, and "
              "count as missing ones, up to `--gap-max`. All of them are taken or none; the outcome "
              "is that of sending `null`s one by one")
static VALUE(unix_at, NUMBER, .least = -AT_MAX, .most = AT_MAX)
static VALUE(text_at, STRING, .format = "date-time")
VALUE(at, ANY_OF, EITHER(&schema_unix_at, &schema_text_at), .example = "1763668800",
      .help = "the reading's own time: Unix seconds, or RFC 3339 text with an offset, "
              "`\"2026-11-21T10:00:00.25+01:00\"`. See [Time](#time)")
VALUE(last_row_at, ANY_OF, EITHER(&schema_unix_at, &schema_text_at),
      .help = "the time of the last row of `x`, for records: as `at` of a step")
VALUE(as, STRING, .words = "arrays|records",
      .help = "`\"records\"`: rows of forecasts with names and times. See [Records](#records)")
VALUE(late, STRING, .words = "amend",
      .help = "`\"amend\"`: a late or corrected reading is put in its place. See "
              "[Late readings](#late-readings)")
VALUE(amends_step, INTEGER, .least = 1, .most = EXACT_MAX,
      .help = "with `late`, without `at` and `seq`: the step whose reading this is")
VALUE(horizon, INTEGER, .least = 1, .limit = JSON_SCHEMA_HORIZON_MAX, .example = "12",
      .help = "how many rows to forecast, up to `--horizon-max`; the session's state is not touched "
              "by it")
static VALUE(offered_level, NUMBER, .limit = JSON_SCHEMA_LEVELS)
static VALUE(offered_levels, ARRAY, .items = &schema_offered_level, .least = 1)
VALUE(level, ANY_OF, EITHER(&schema_offered_level, &schema_offered_levels), .example = "0.9",
      .help = "prediction intervals of that coverage, or of several; those that `--interval-levels` "
              "offers, up to `--interval-horizon-max` steps ahead ([INTERVALS.md](INTERVALS.md))")
VALUE(p_value_or_null, FLOAT, .is_above_least = true, .most = 1, .is_nullable = true)
VALUE(anomaly, BOOLEAN, .example = "true",
      .help = "how unusual this reading was, given what was forecast for it "
              "([INTERVALS.md](INTERVALS.md#how-unusual-a-reading-is))")
VALUE(blend, BOOLEAN,
      .help = "`true`: the forecast is a mixture of the model's, persistence, the seasonal naive and a "
              "level, up to `--interval-horizon-max` steps ahead ([BLENDING.md](BLENDING.md))")
VALUE(crossing_output, STRING, .example = "\"temp\"", .help = "the name of an output")
VALUE(crossing_above, FLOAT, .example = "80", .help = "crossed by what is greater, in raw units")
VALUE(crossing_below, FLOAT, .help = "crossed by what is less")
VALUE(explain_output, STRING, .example = "\"temp\"",
      .help = "the name of an output; left out: the first")
VALUE(explain_ahead, INTEGER, .least = 1, .most = 4294967296.0, .example = "1",
      .help = "so many steps ahead; left out: 1")
VALUE(any_level, NUMBER, .most = 1, .is_above_least = true, .is_below_most = true, .example = "0.9",
      .help = "the coverage of the intervals that are judged")

/* ---- whole sequences ---- */

VALUE(return, STRING, .words = "all|last",
      .help = "an output for each row, which is the default, or for the last alone")
VALUE(season, INTEGER, .least = 1, .most = GRU_SEASON_MAX, .example = "24",
      .help = "rows of a season, for the seasonal naive forecast and for `mase`")

/* ---- sessions ---- */

VALUE(step_count, INTEGER, .most = EXACT_MAX, .example = "1042", .help = "how many steps the session has made")
VALUE(ttl, INTEGER, .most = 315360000, .is_nullable = true, .example = "300",
      .help = "seconds without a step after which the session ends; 0: never; null: as "
              "`--session-ttl` says")
VALUE(session_created_at, NUMBER, .least = -AT_MAX, .most = AT_MAX, .help = "Unix seconds")
VALUE(state, ARRAY, .items = &schema_row, .help = "the hidden state, a row a layer")
VALUE(last, ARRAY, .items = &schema_float_or_null, .help = "the last observed value of each input")
VALUE(last_y, ARRAY, .items = &schema_float_or_null,
      .help = "the model's last output; null before the first reading")
static VALUE(transform_values, ARRAY, .items = &schema_float_or_null)
VALUE(transforms, ARRAY, .items = &schema_transform_values,
      .help = "what the transform of each input remembers, and [] where it has none ([MODELS.md](MODELS.md#transforms)); left out, if none has one")
VALUE(kept_readings, ARRAY, .items = &schema_reading, .help = "the last readings, oldest first")
VALUE(last_at, NUMBER, .least = -253402387200.0, .most = 253402387200.0,
      .help = "the last reading's own time, in Unix seconds")
VALUE(filled, INTEGER, .most = SESSION_FILLED_MAX, .help = "how many missing readings were filled before this one")
VALUE(restarted, BOOLEAN, .help = "the gap before this reading was too long: the hidden state began anew")
VALUE(untimed, BOOLEAN, .help = "there was a reading without `at` since")
static VALUE(count_32, INTEGER, .most = 4294967295.0)
VALUE(counts, ARRAY, .items = &schema_count_32, .help = "a value an output")
static VALUE(measure, FLOAT, .most = JSON_SCHEMA_FLOAT_MAX, .is_nullable = true)
VALUE(measures, ARRAY, .items = &schema_measure, .help = "a value an output")
VALUE(calibration_format, INTEGER, .least = 1, .most = 3)
static VALUE(calibration_level, NUMBER, .most = 1, .is_above_least = true, .is_below_most = true)
VALUE(calibration_levels, ARRAY, .items = &schema_calibration_level, .least = 1, .most = INTERVAL_LEVELS_MAX,
      .help = "ascending")
VALUE(calibration_horizons, INTEGER, .least = 1, .most = SESSION_CALIBRATION_HORIZONS_MAX)
static VALUE(calibration_part, STRING, .words = TAIL_PART_WORDS)
VALUE(calibration_parts, ARRAY, .items = &schema_calibration_part, .help = "what it has beside the intervals")
VALUE(calibration_bytes, STRING, .help = "base64; [INTERVALS.md](INTERVALS.md) has the layout")

VALUE(means_format, INTEGER, .least = 1, .most = 1)
VALUE(means_season, INTEGER, .most = RECORD_HISTORY_MAX, .help = "that they are of; 0: none")
VALUE(means_bytes, STRING, .help = "base64; [EVALUATION.md](EVALUATION.md#of-live-sessions)")

/* ---- jobs ---- */

VALUE(fraction, NUMBER, .most = 1, .is_above_least = true, .is_below_most = true, .example = "0.2",
      .help = "the last part in time of each series; of whole series, where each has one target")
VALUE(policy, STRING, .words = CHOICE_WORDS(JOB_POLICIES),
      .help = "whether the job's version may become active by itself")
VALUE(min_relative_gain, NUMBER, .most = 1, .is_below_most = true,
      .help = "how much less the loss must be; 0.01 by default")
VALUE(must_beat_persistence, BOOLEAN, .help = "true by default")
VALUE(min_targets, INTEGER, .least = 1, .most = JOB_MIN_TARGETS_MAX, .help = "values of the validation, 30 by default")
VALUE(confidence, NUMBER, .most = 1, .is_below_most = true,
      .help = "that the gain is more than chance; 0.9 by default")
VALUE(seed, INTEGER, .most = EXACT_MAX, .example = "1",
      .help = "the same data, seed and hyper-parameters give the same weights, bit for bit")
VALUE(suffix, STRING, .is_nullable = true, .least = 1, .most = JOB_SUFFIX_MAX, .pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
      .help = "yours: kept and repeated; at most 64 bytes")
VALUE(metadata, OBJECT, .is_nullable = true, .items = &schema_passed_over, .example = "{\"line\":7}",
      .help = "yours: kept and repeated; at most 2048 bytes")
VALUE(max_seconds, INTEGER, .least = 1, .most = 2147483648.0, .is_nullable = true, .example = "600",
      .help = "of running; then it ends as after its last epoch; 60 by default of a recipe")
VALUE(recipe_horizon, INTEGER, .least = 1, .most = GRU_RECIPE_HORIZON_MAX, .example = "24",
      .help = "rows ahead that forecasts shall be good for; 12 by default")
VALUE(dry_run, BOOLEAN,
      .help = "checks everything, evaluates the base version, times a few steps, says what it would "
              "take; stores nothing")

/* ---- rules ---- */

VALUE(rule_name, STRING, .pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", .example = "\"late-pumps\"",
      .help = "the rule's name")
VALUE(rule_prefix, STRING, .pattern = "^[A-Za-z0-9._~:-]{0,128}$", .example = "\"pump-\"",
      .help = "the rule is for sessions whose ids begin so; left out or empty: for all of the model")
VALUE(rule_coverage, BOOLEAN, .example = "true",
      .help = "`true`: looks at how many of a session's last hundred readings, or so, were within the intervals "
              "of level 0.9 (or the nearest that `--interval-levels` offers) that were given for them one step "
              "before; once 100 were")
VALUE(rule_below, NUMBER, .most = 1, .is_above_least = true, .example = "0.8",
      .help = "with `coverage`: a lower share than this meets the condition")
VALUE(rule_anomaly, BOOLEAN, .example = "true",
      .help = "`true`: looks at how unusual each reading is, the `p_value` of `anomaly` in a step")
VALUE(rule_p_value, NUMBER, .most = 1, .is_above_least = true, .is_below_most = true, .example = "0.001",
      .help = "with `anomaly`: a reading with this p-value, or a smaller one, meets the condition")
VALUE(rule_probability, NUMBER, .most = 1, .is_above_least = true, .example = "0.8",
      .help = "with `crossing`: this probability, or a greater one, meets the condition")
VALUE(rule_output, STRING, .least = 1, .most = RULE_OUTPUT_MAX, .example = "\"temp\"", .help = "an output of the model that feeds an input")
VALUE(rule_threshold, FLOAT, .example = "80", .help = "in raw units; one of `above` and `below`")
VALUE(rule_horizon, INTEGER, .least = 1, .most = 24, .example = "12",
      .help = "steps ahead, up to `--interval-horizon-max`; 12 by default, or as far as the model looks without known future values")
VALUE(rule_for, INTEGER, .least = 1, .most = RULE_FOR_MAX, .example = "3",
      .help = "so many readings in a row must meet the condition; 1 by default. The first that does not ends it")
VALUE(rule_url, STRING, .least = 1, .most = RULE_URL_MAX, .format = "uri", .example = "\"https://example.org/hooks/grud\"",
      .help = "where to post; `https` or `http`, without a user. One of this machine or of a private network only "
              "with `--webhook-private yes`")
VALUE(rule_format, STRING, .words = CHOICE_WORDS(RULE_FORMATS),
      .help = "`\"json\"`, the default, or what Alertmanager takes at `/api/v2/alerts`. See [RULES.md](RULES.md)")
    // clang-format on
