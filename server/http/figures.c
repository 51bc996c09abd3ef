/* figures.c - see figures.h. */
#include "http/figures.h"

#include "cluster/cluster_counts.h"
#include "http/figures_cluster.h"
#include "http/figures_rules.h"
#include "http/figures_scores.h"
#include "http/figures_service.h"
#include "http/figures_workers.h"

#define BY_SERVICE(field) .where = COUNTED_BY_SERVICE, .at = offsetof(struct service_figures, field)
#define BY_WORKERS(field) .where = COUNTED_BY_WORKERS, .at = offsetof(struct metrics, field)
#define BY_KERNEL(field)  .where = COUNTED_BY_KERNEL, .at = offsetof(struct process, field)
#define BY(function)      .where = COUNTED_BY_PUT, .put = (function)
#define BY_SUM(function, field)                                                                    \
    .where = COUNTED_BY_PUT, .put = (function), .at = offsetof(struct error_sums, field)
#define BY_HISTOGRAM(function, field)                                                              \
    .where = COUNTED_BY_PUT, .put = (function), .at = offsetof(struct metrics, field)
#define OF_CLUSTER(function) BY(function), .is_of_cluster = true
#define BY_CLUSTER(function, field)                                                                \
    OF_CLUSTER(function), .at = offsetof(struct cluster_counts, field)
#define BY_MEASURE(function, measure) .where = COUNTED_BY_PUT, .put = (function), .at = (measure)

#define OUTPUT      "model, output"
#define OUTPUT_OVER "model, output, over"
#define LEVEL       "model, output, level"
#define LEVEL_OVER  "model, output, level, over"

// clang-format off
const struct figure figures_table[] = {
    { "grud_build_info", FIGURE_GAUGE, "", "version, commit, kernels",
      "1, with what was built, and the instructions that it runs on.", BY(figures_put_build) },
    { "grud_models", FIGURE_GAUGE, "", "", "Models that are served.", BY(figures_put_models) },
    { "grud_model_active_version", FIGURE_GAUGE, "", "model", "The version that requests use.",
      BY(figures_put_versions) },
    { "grud_model_unserved", FIGURE_GAUGE, "", "model, version",
      "1 for each model, or version of one, that is there and cannot be served.",
      BY(figures_put_unserved) },
    { "grud_degraded", FIGURE_GAUGE, "", "",
      "1 while something keeps grud from all that it should do.", BY(figures_put_degraded) },
    { "grud_trouble", FIGURE_GAUGE, "", "what", "What that is: 1 for each state that applies.",
      BY(figures_put_degraded_states) },

    { "grud_steps_total", FIGURE_COUNTER, "", "",
      "Steps answered, those that had been made before among them.", BY_SERVICE(n_steps) },
    { "grud_repeated_readings_total", FIGURE_COUNTER, "", "",
      "Steps that had been made before, by their `seq` or `at`: they were answered, and not made again.",
      BY_SERVICE(n_repeated_readings) },
    { "grud_late_readings_total", FIGURE_COUNTER, "", "outcome",
      "Readings older than their session's last one: refused, too old to be put in their place, or amended.",
      BY(figures_put_late) },
    { "grud_filled_readings_total", FIGURE_COUNTER, "", "",
      "Readings that never came, and count as missing ones.", BY_SERVICE(n_filled_readings) },
    { "grud_sequence_rows_total", FIGURE_COUNTER, "", "",
      "Rows of whole sequences that were run, by predictions and back-tests.",
      BY_SERVICE(n_sequence_rows) },
    { "grud_forecast_rows_total", FIGURE_COUNTER, "", "", "Rows forecast ahead.",
      BY_SERVICE(n_forecast_rows) },

    { "grud_forecast_errors_total", FIGURE_COUNTER, "", OUTPUT,
      "Readings that were compared with what had been forecast for them one step before.",
      BY_SUM(figures_put_errors, n) },
    { "grud_forecast_absolute_error_total", FIGURE_COUNTER, "", OUTPUT,
      "Sum of how far those forecasts were off.", BY_SUM(figures_put_errors, absolute.sum) },
    { "grud_forecast_squared_error_total", FIGURE_COUNTER, "", OUTPUT,
      "Sum of the squares of how far they were off.", BY_SUM(figures_put_errors, squared.sum) },
    { "grud_forecast_symmetric_error_total", FIGURE_COUNTER, "", OUTPUT,
      "Sum of how far they were off, in percent of half of reading and forecast together.",
      BY_SUM(figures_put_errors, symmetric.sum) },
    { "grud_persistence_absolute_error_total", FIGURE_COUNTER, "", OUTPUT,
      "Sum of how far off the reading before would have been as a forecast.",
      BY_SUM(figures_put_errors, persistence.absolute.sum) },
    { "grud_forecast_mae", FIGURE_GAUGE, "", OUTPUT_OVER,
      "Mean absolute error; over recent ones: half of what counts is each worker's last 69.",
      BY_MEASURE(figures_put_errors, ERROR_MAE) },
    { "grud_forecast_rmse", FIGURE_GAUGE, "", OUTPUT_OVER, "Root of the mean square error.",
      BY_MEASURE(figures_put_errors, ERROR_RMSE) },
    { "grud_forecast_smape", FIGURE_GAUGE, "", OUTPUT_OVER,
      "Symmetric mean absolute percentage error, from 0 to 200.",
      BY_MEASURE(figures_put_errors, ERROR_SMAPE) },
    { "grud_forecast_mase", FIGURE_GAUGE, "", OUTPUT_OVER,
      "Mean absolute error, in mean changes over a season, or between two readings.",
      BY_MEASURE(figures_put_errors, ERROR_MASE) },
    { "grud_forecast_rse", FIGURE_GAUGE, "", OUTPUT_OVER,
      "Root of squared errors over the squares about the mean.",
      BY_MEASURE(figures_put_errors, ERROR_RSE) },
    { "grud_forecast_corr", FIGURE_GAUGE, "", OUTPUT_OVER,
      "Correlation of readings and forecasts.", BY_MEASURE(figures_put_errors, ERROR_CORR) },
    { "grud_forecast_skill_vs_persistence", FIGURE_GAUGE, "", OUTPUT_OVER,
      "1: perfect; 0: as good as the reading before; below 0: worse than that.",
      BY_MEASURE(figures_put_errors, ERROR_SKILL_VS_PERSISTENCE) },
    { "grud_forecast_skill_vs_seasonal_naive", FIGURE_GAUGE, "", OUTPUT_OVER,
      "The same against the reading one season before, of models that say their season.",
      BY_MEASURE(figures_put_errors, ERROR_SKILL_VS_SEASONAL_NAIVE) },
    { "grud_drifting", FIGURE_GAUGE, "", "model",
      "1 while the errors of a model's forecasts are larger than they were.",
      BY(figures_put_drifting) },
    { "grud_drift_alarms_total", FIGURE_COUNTER, "", "model, detector",
      "Times that a detector has found them so.", BY(figures_put_drift_alarms) },
    { "grud_drift_error_ratio", FIGURE_GAUGE, "", "model",
      "Recent errors of a model's forecasts as a multiple of usual ones.",
      BY(figures_put_drift_ratio) },

    { "grud_interval_level", FIGURE_GAUGE, "", "level",
      "The share of readings that intervals of this level are to hold: the label as a number.",
      BY(figures_put_levels) },
    { "grud_forecast_intervals_total", FIGURE_COUNTER, "", LEVEL,
      "Prediction intervals one step ahead whose reading has come.",
      BY_SUM(figures_put_intervals, n_intervals) },
    { "grud_forecast_intervals_covered_total", FIGURE_COUNTER, "", LEVEL,
      "Intervals that held their reading.", BY_SUM(figures_put_intervals, n_covered) },
    { "grud_forecast_intervals_width_total", FIGURE_COUNTER, "", LEVEL,
      "Sum of the widths of intervals.", BY_SUM(figures_put_intervals, width.sum) },
    { "grud_forecast_intervals_score_total", FIGURE_COUNTER, "", LEVEL,
      "Sum of the interval scores of intervals.",
      BY_SUM(figures_put_intervals, interval_score.sum) },
    { "grud_forecast_coverage", FIGURE_GAUGE, "", LEVEL_OVER,
      "Share of the intervals that held their reading.",
      BY_MEASURE(figures_put_intervals, ERROR_COVERAGE) },
    { "grud_forecast_mean_width", FIGURE_GAUGE, "", LEVEL_OVER, "Mean width of the intervals.",
      BY_MEASURE(figures_put_intervals, ERROR_MEAN_WIDTH) },
    { "grud_forecast_interval_score", FIGURE_GAUGE, "", LEVEL_OVER,
      "Mean width, with what readings outside cost; less is better.",
      BY_MEASURE(figures_put_intervals, ERROR_INTERVAL_SCORE) },
    { "grud_forecast_pinball", FIGURE_GAUGE, "", LEVEL_OVER,
      "Mean of the quantile losses of both bounds.",
      BY_MEASURE(figures_put_intervals, ERROR_PINBALL) },

    { "grud_sessions", FIGURE_GAUGE, "", "model", "Live sessions.", BY(figures_put_sessions) },
    { "grud_session_bytes", FIGURE_GAUGE, "bytes", "",
      "What the sessions of all models take, in memory and in their files.",
      BY_SERVICE(n_session_bytes) },
    { "grud_sessions_created_total", FIGURE_COUNTER, "", "", "Sessions created.",
      BY_SERVICE(n_sessions_created) },
    { "grud_sessions_deleted_total", FIGURE_COUNTER, "", "", "Sessions ended by a client.",
      BY_SERVICE(n_sessions_deleted) },
    { "grud_sessions_expired_total", FIGURE_COUNTER, "", "", "Sessions ended by their time to live.",
      BY_SERVICE(n_sessions_expired) },
    { "grud_sessions_evicted_total", FIGURE_COUNTER, "", "", "Sessions ended to make room.",
      BY_SERVICE(n_sessions_evicted) },
    { "grud_sessions_restarted_total", FIGURE_COUNTER, "", "",
      "Times that a session's hidden state began anew, because too much was missing before a reading.",
      BY_SERVICE(n_sessions_restarted) },
    { "grud_sessions_rewarmed_total", FIGURE_COUNTER, "", "", "Sessions brought to another version.",
      BY_SERVICE(n_rewarmed) },
    { "grud_sessions_damaged_total", FIGURE_COUNTER, "", "", "Sessions found damaged on disk.",
      BY_SERVICE(n_sessions_damaged) },
    { "grud_sessions_stepped_back_total", FIGURE_COUNTER, "", "",
      "Sessions that went on from an earlier step, because a later one was not whole on disk.",
      BY_SERVICE(n_sessions_stepped_back) },
    { "grud_sessions_readings_lost_total", FIGURE_COUNTER, "", "",
      "Sessions that lost some of their kept readings on disk.", BY_SERVICE(n_readings_lost) },
    { "grud_sessions_exposed_total", FIGURE_COUNTER, "", "",
      "Steps that were written over one that was being synced, for want of room beside it.",
      BY_SERVICE(n_copies_exposed) },
    { "grud_syncs_total", FIGURE_COUNTER, "", "", "Syncs of session files.", BY_SERVICE(n_syncs) },
    { "grud_sync_failures_total", FIGURE_COUNTER, "", "", "Syncs that the disk refused.",
      BY_SERVICE(n_failed_syncs) },

    { "grud_rules", FIGURE_GAUGE, "", "", "Rules on sessions.", BY(figures_put_rules) },
    { "grud_rule_sessions", FIGURE_GAUGE, "", "model, rule, state",
      "Sessions in which a rule fires, or is about to: some readings met its condition, and not yet enough.",
      BY(figures_put_rule_sessions) },
    { "grud_rule_sessions_left_out_total", FIGURE_COUNTER, "", "",
      "Readings that met a rule's condition and were not counted, because rules had found as many sessions as they may.",
      BY(figures_put_rule_sessions_left_out) },
    { "grud_webhooks_total", FIGURE_COUNTER, "", "outcome",
      "Posts of rules' webhooks: delivered, failed and to be tried again, refused, or given up after a day.",
      BY(figures_put_webhooks) },

    { "grud_jobs", FIGURE_GAUGE, "", "status", "Fine-tuning jobs that are kept, by status.",
      BY(figures_put_jobs) },
    { "grud_jobs_ended_total", FIGURE_COUNTER, "", "status", "Fine-tuning jobs that have ended, by how.",
      BY(figures_put_jobs_ended) },
    { "grud_training_steps_total", FIGURE_COUNTER, "", "",
      "Updates of weights, tried by fine-tuning jobs.", BY_SERVICE(n_training_steps) },
    { "grud_training_seconds_total", FIGURE_COUNTER, "seconds", "",
      "Time that fine-tuning jobs have trained.", BY(figures_put_training_time) },
    { "grud_recorded_readings_total", FIGURE_COUNTER, "", "", "Readings recorded for fine-tuning.",
      BY_SERVICE(n_recorded) },
    { "grud_recordings_lost_total", FIGURE_COUNTER, "", "",
      "Readings that came faster than they could be recorded.", BY_SERVICE(n_recordings_lost) },

    { "grud_http_requests_total", FIGURE_COUNTER, "", "route, method, code",
      "Requests answered; with no route: those whose path is none.", BY(figures_put_requests) },
    { "grud_http_requests_aborted_total", FIGURE_COUNTER, "", "", "Requests whose client hung up.",
      BY_WORKERS(n_aborted) },
    { "grud_http_refused_total", FIGURE_COUNTER, "", "kind",
      "Requests and connections turned away, by what there was too much of.",
      BY(figures_put_refusals) },
    { "grud_http_request_duration_seconds", FIGURE_HISTOGRAM, "seconds", "",
      "From a request's first line to the last byte of its answer.",
      BY_HISTOGRAM(figures_put_histogram, requests_took) },
    { "grud_step_duration_seconds", FIGURE_HISTOGRAM, "seconds", "",
      "Of each step, also of one that failed: from the beginning of its batch until all of the batch was answered.",
      BY_HISTOGRAM(figures_put_histogram, steps_took) },
    { "grud_predict_duration_seconds", FIGURE_HISTOGRAM, "seconds", "",
      "Of each prediction, forecast and back-test: from its first row until its reply was made.",
      BY_HISTOGRAM(figures_put_histogram, predictions_took) },
    { "grud_queue_duration_seconds", FIGURE_HISTOGRAM, "seconds", "queue",
      "How long work waited before it was begun, by what it waited for; steps: as `--queue-ms` counts it.",
      BY_HISTOGRAM(figures_put_waits, waits) },
    { "grud_http_connections", FIGURE_GAUGE, "", "", "Open connections.", BY_WORKERS(n_connections) },
    { "grud_http_streams", FIGURE_GAUGE, "", "", "Open streams of Server-Sent Events.",
      BY_WORKERS(n_streams) },

    { "grud_cluster_up", FIGURE_GAUGE, "", "", "1 while the engine of the cluster is there.",
      OF_CLUSTER(figures_put_cluster_up) },
    { "grud_cluster_away_seconds", FIGURE_GAUGE, "seconds", "",
      "For how long it has been away; 0 while it is there.", OF_CLUSTER(figures_put_cluster_away) },
    { "grud_cluster_connections_total", FIGURE_COUNTER, "", "",
      "Connections to the engine that came about; each worker has one, and some other threads do.",
      BY_CLUSTER(figures_put_cluster_count, n_connections) },
    { "grud_cluster_failures_total", FIGURE_COUNTER, "", "reason",
      "Connections to the engine that ended, or did not come about, by why.",
      BY_CLUSTER(figures_put_cluster_failures, failures) },
    { "grud_cluster_trip_duration_seconds", FIGURE_HISTOGRAM, "seconds", "",
      "Trips to the engine that were answered, each for one session or more.",
      BY_CLUSTER(figures_put_cluster_trips, trips_took) },
    { "grud_cluster_trips_unanswered_total", FIGURE_COUNTER, "", "",
      "Trips whose answer did not come within `--cluster-timeout-ms`, or before the connection ended.",
      BY_CLUSTER(figures_put_cluster_count, n_unanswered) },
    { "grud_cluster_reads_total", FIGURE_COUNTER, "", "outcome",
      "Sessions that the engine was asked for: the cache was right, had none, or an older one; there is none; or the engine did not say.",
      BY_CLUSTER(figures_put_cluster_reads, reads) },
    { "grud_cluster_writes_total", FIGURE_COUNTER, "", "outcome",
      "Sessions to be written, or deleted: done, refused since another node was faster, or not answered.",
      BY_CLUSTER(figures_put_cluster_writes, writes) },
    { "grud_cluster_given_up_total", FIGURE_COUNTER, "", "",
      "Sessions whose writes were refused so often that their requests got 503.",
      BY_CLUSTER(figures_put_cluster_count, n_given_up) },

    { "process_cpu_seconds_total", FIGURE_COUNTER, "seconds", "",
      "Processor time of the process, all threads together.", BY_KERNEL(cpu_seconds) },
    { "process_resident_memory_bytes", FIGURE_GAUGE, "bytes", "",
      "Memory of the process that is in use, mapped session files included.",
      BY_KERNEL(resident_bytes) },
    { "process_virtual_memory_bytes", FIGURE_GAUGE, "bytes", "", "Address space of the process.",
      BY_KERNEL(virtual_bytes) },
    { "process_open_fds", FIGURE_GAUGE, "", "", "Open file descriptors, connections included.",
      BY_KERNEL(n_open_fds) },
    { "process_max_fds", FIGURE_GAUGE, "", "", "File descriptors that may be open.",
      BY_KERNEL(n_fds_max) },
    { "process_start_time_seconds", FIGURE_GAUGE, "seconds", "",
      "When the process was started, in seconds since 1970.", BY_KERNEL(started_at) },
    { "process_threads", FIGURE_GAUGE, "", "", "Threads of the process.", BY_KERNEL(n_threads) },
};
// clang-format on

const size_t figures_n = sizeof figures_table / sizeof *figures_table;

void figures_put(struct text *text, const struct http *http, struct service_context *context)
{
    struct service *service = service_context_service(context);
    struct figure_values values = {
        .text = text,
        .http = http,
        .context = context,
        .service = service,
        .cluster = service_cluster(service),
    };
    service_read_figures(service, &values.of_service);
    process_read(http->started_at, &values.process);
    for (size_t k = 0; k < figures_n; k++) {
        if (values.cluster || !figures_table[k].is_of_cluster) {
            figure_put(&values, &figures_table[k]);
        }
    }
}
