#include "service/jobs/job_run_compare.h"

#include "base/clock.h"
#include "base/digest.h"
#include "service/job_database.h"
#include "service/jobs/gate.h"
#include "service/jobs/job_run_report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SLICE_US = 20000 };

struct comparing {
    struct job_run *run;
    struct gru_comparison *comparison;
    bool is_done;
    struct gate_measures measures;
};

/* ---- on the training thread ---- */

static enum status fail(struct job_run *run, enum gru_status status)
{
    if (status == GRU_NON_FINITE) {
        return fault_set(run->fault, STATUS_DIVERGED, NULL,
                         "training went astray: the weights are not finite. Try a lower "
                         "'learning_rate', or 'clip_norm'");
    }
    return fault_set(run->fault, status_of_gru(status), NULL, "the training gave no model: %s",
                     gru_status_text(status));
}

static enum gru_status take_trained(struct job_run *run)
{
    if (run->recipe) {
        run->trained = gru_recipe_model(run->recipe);
        return run->trained ? GRU_OK : GRU_NON_FINITE;
    }
    return gru_trainer_model(run->trainer, &run->trained);
}

/* What a recipe makes has seen the validation part; what it was chosen by has not. */
static struct gru_model *judged_model(const struct job_run *run)
{
    return run->recipe ? gru_recipe_judged(run->recipe) : gru_model_ref(run->trained);
}

static void begin(void *context)
{
    struct comparing *comparing = context;
    struct job_run *run = comparing->run;
    enum gru_status status = run->trained ? GRU_OK : take_trained(run);
    comparing->is_done = run->info.n_valid_targets == 0;
    if (status == GRU_OK && !comparing->is_done) {
        struct gru_model *judged = judged_model(run);
        status = gru_comparison_create(run->base, judged, &run->training, &comparing->comparison);
        gru_model_unref(judged);
    }
    run->status = status == GRU_OK ? STATUS_OK : fail(run, status);
}

/* For about 20 ms. */
static void advance(void *context)
{
    struct comparing *comparing = context;
    struct job_run *run = comparing->run;
    int64_t began_us = clock_monotonic_us();
    enum gru_status status = GRU_OK;
    while (status == GRU_OK && !comparing->is_done && clock_monotonic_us() - began_us < SLICE_US &&
           atomic_load(&run->job_thread->job_database->interruptions) == run->interruptions) {
        status = gru_comparison_advance(comparing->comparison, &comparing->is_done);
    }
    run->status = status == GRU_OK ? STATUS_OK : fail(run, status);
}

static void end(void *context)
{
    struct comparing *comparing = context;
    struct job_run *run = comparing->run;
    const struct gru_comparison_result *result = gru_comparison_result(comparing->comparison);
    enum gru_status status = GRU_OK;
    if (result->residuals.n_outputs > 0) {
        status = gru_model_set_residuals(run->trained, &result->residuals);
    }
    if (status == GRU_OK && result->base_residuals.n_outputs > 0) {
        char base[DIGEST_TEXT];
        digest_print(run->job->base_digest, base);
        status = gru_model_set_base_residuals(run->trained, base, &result->base_residuals);
    }
    if (status == GRU_OK && !gate_measure(result, &comparing->measures)) {
        status = GRU_NO_MEMORY;
    }
    run->status = status == GRU_OK ? STATUS_OK : fail(run, status);
}

/* ---- what is said ---- */

struct event_line {
    char text[JOB_MESSAGE_MAX + 1];
    size_t n;
};

/* Room is kept for ", and 123456789 more". */
enum { MORE_SIZE = 32 };

__attribute__((format(printf, 2, 3))) static bool append(struct event_line *line,
                                                         const char *format, ...)
{
    char piece[200];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= sizeof piece || line->n + (size_t)n + MORE_SIZE > JOB_MESSAGE_MAX) {
        return false;
    }
    memcpy(line->text + line->n, piece, (size_t)n + 1);
    line->n += (size_t)n;
    return true;
}

static void add_event(struct comparing *comparing, enum job_event_level level, const char *text)
{
    struct job_run *run = comparing->run;
    job_database_add_event(run->job_thread->job_database, run->job,
                           job_database_message(level, "%s", text));
}

/* "series 3: 0.71 of the base version's loss, 0.8 rolled out, 0.55 of persistence's" */
static bool append_stream(struct event_line *line, const struct gru_stream_losses *stream)
{
    char rolled[40] = "";
    if (stream->rolled.n > 0) {
        snprintf(rolled, sizeof rolled, ", %.3g rolled out",
                 gate_ratio(stream->rolled.trained, stream->rolled.base));
    }
    if (stream->n_series > 1) {
        append(line, "%s%zu short series together", line->n > 0 ? "; " : "", stream->n_series);
    } else {
        append(line, "%sseries %zu", line->n > 0 ? "; " : "", stream->series);
    }
    if (stream->ahead.n == 0 || gate_is_copy(stream)) {
        return append(line, stream->ahead.n == 0 ? ": nothing to judge" : ": a copy of others");
    }
    return append(line, ": %.3g of the base version's loss%s, %.3g of the naive forecast's",
                  gate_ratio(stream->ahead.trained, stream->ahead.base), rolled,
                  gate_ratio(stream->ahead.trained, stream->ahead.naive));
}

/* Those that became worse first, then in their order. */
static void report_streams(struct comparing *comparing, const struct gru_comparison_result *result)
{
    struct event_line line = { .n = 0 };
    size_t n_said = 0;
    bool has_room = true;
    for (int is_worse = 1; is_worse >= 0; is_worse--) {
        for (size_t k = 0; has_room && k < result->n_streams; k++) {
            const struct gru_stream_losses *stream = &result->streams[k];
            bool became_worse = gate_ratio(stream->ahead.trained, stream->ahead.base) > 1;
            if (became_worse == (is_worse == 1)) {
                size_t n = line.n;
                has_room = append_stream(&line, stream);
                line.n = has_room ? line.n : n;
                line.text[line.n] = '\0';
                n_said += has_room;
            }
        }
    }
    if (n_said < result->n_streams) {
        snprintf(line.text + line.n, sizeof line.text - line.n, "; and %zu more",
                 result->n_streams - n_said);
    }
    add_event(comparing, JOB_EVENT_INFO, line.text);
}

static void report_outliers(struct comparing *comparing, const struct gru_comparison_result *result)
{
    const struct gru_losses *outlying = &result->outlying;
    const struct gru_outlier *outlier = &result->outlier;
    if (outlying->n == 0) {
        return;
    }
    double share = result->all.base > 0 ? outlying->base / result->all.base : 0;
    struct event_line line = { .n = 0 };
    append(&line,
           "outliers: %zu of %zu validation targets are outliers or forecast soon after one, make "
           "up %.3g %% of the base version's loss, and are left out of the judgment; the first for "
           "the value %.6g",
           outlying->n, result->all.n, 100 * share, (double)outlier->value);
    append(&line, " in row %zu, column %zu of %s of series %zu", outlier->row, outlier->column,
           outlier->is_target ? "y" : "x", outlier->series);
    if (result->n_doubtful > 0) {
        append(&line, "; %zu of them, for values that may be codes or events, are judged as well",
               result->n_doubtful);
    }
    add_event(comparing, JOB_EVENT_WARN, line.text);
}

static void report_constants(struct comparing *comparing,
                             const struct gru_comparison_result *result)
{
    struct event_line line = { .n = 0 };
    size_t n = 0, n_said = 0;
    append(&line, "constant outputs, as of stuck sensors, are left out of the judgment:");
    for (size_t k = 0; k < result->n_streams; k++) {
        const struct gru_stream_losses *stream = &result->streams[k];
        if (stream->n_constant > 0) {
            n++;
            n_said += append(&line, "%s %zu of series %zu", n_said > 0 ? "," : "",
                             stream->n_constant, stream->series);
        }
    }
    if (n > n_said) {
        snprintf(line.text + line.n, sizeof line.text - line.n, ", and %zu more", n - n_said);
    }
    if (n > 0) {
        add_event(comparing, JOB_EVENT_WARN, line.text);
    }
}

/* What always naming the most frequent class would be right in. */
static double majority_accuracy(const struct gru_comparison_result *result)
{
    size_t most = 0, n = 0;
    for (size_t c = 0; c < result->n_classes; c++) {
        most = result->classes[c].n_trained_on > result->classes[most].n_trained_on ? c : most;
        n += result->classes[c].n;
    }
    return n > 0 ? (double)result->classes[most].n / (double)n : 0;
}

static void report_classes(struct comparing *comparing, const struct gru_comparison_result *result)
{
    bool is_bce = comparing->run->job->hyperparameters.loss == GRU_BCE;
    const struct gru_variable *outputs = gru_model_info(comparing->run->base)->outputs;
    struct event_line line = { .n = 0 };
    size_t n = 0, n_said = 0;
    bool is_any_unfound = false;
    if (!is_bce) {
        append(&line, "always the most frequent class: accuracy %.4g; ", majority_accuracy(result));
    }
    append(&line, "found of each class:");
    for (size_t c = 0; c < result->n_classes; c++) {
        const struct gru_class_counts *counts = &result->classes[c];
        if (counts->n > 0) {
            n++;
            is_any_unfound |= counts->n_found == 0;
            n_said += append(&line, "%s %zu of %zu of %zu (%s%s)", n_said > 0 ? "," : "",
                             counts->n_found, counts->n, c, outputs[is_bce ? c / 2 : c].name,
                             !is_bce     ? ""
                             : c % 2 > 0 ? " on"
                                         : " off");
        }
    }
    if (n > n_said) {
        snprintf(line.text + line.n, sizeof line.text - line.n, ", and %zu more", n - n_said);
    }
    if (n > 0) {
        add_event(comparing, is_any_unfound ? JOB_EVENT_WARN : JOB_EVENT_INFO, line.text);
    }
}

static void report_naive(struct comparing *comparing, const struct gru_comparison_result *result)
{
    const struct gate_view *ahead = &comparing->measures.sure.ahead;
    if (ahead->n_streams > 0 && ahead->by_naive >= 1) {
        struct event_line line = { .n = 0 };
        append(&line, "no better than %s",
               result->n_classes > 0 ? "naming classes by how frequent they are" : "persistence");
        if (isfinite(ahead->by_naive)) {
            append(&line, ": the new version has %.4g of its loss", ahead->by_naive);
        }
        add_event(comparing, JOB_EVENT_WARN, line.text);
    }
}

/* Of all targets; of a recipe, whose trainings have no losses in common, of what it aims at. */
static void take_losses(struct job_run *run, const struct gru_comparison_result *result)
{
    struct gru_losses sum = result->all;
    double weight = result->all_weight;
    if (run->recipe && result->is_of_rolls) {
        sum = (struct gru_losses){ .n = 0 };
        for (size_t k = 0; k < result->n_streams; k++) {
            const struct gru_losses *rolled = &result->streams[k].rolled;
            sum.n += rolled->n;
            sum.trained += rolled->trained;
            sum.base += rolled->base;
            sum.naive += rolled->naive;
        }
        weight = (double)sum.n;
    }
    run->compared.trained = sum.trained / weight;
    run->compared.base = sum.base / weight;
    run->compared.naive = sum.naive / weight;
}

static void judge(struct comparing *comparing)
{
    struct job_run *run = comparing->run;
    const struct gru_comparison_result *result = gru_comparison_result(comparing->comparison);
    run->is_compared = true;
    take_losses(run, result);
    report_streams(comparing, result);
    report_outliers(comparing, result);
    report_constants(comparing, result);
    report_classes(comparing, result);
    report_naive(comparing, result);
    run->passes =
        gate_judge(&run->job->gate, result, &comparing->measures, run->job->promotion_reason);
}

/* ---- the whole ---- */

/* In slices; false: the job is left. */
static bool compare(struct comparing *comparing)
{
    struct job_run *run = comparing->run;
    while (run->status == STATUS_OK && !comparing->is_done) {
        job_thread_compute(run->job_thread, advance, comparing);
        if (!job_run_report(run)) {
            return false;
        }
        if (job_thread_is_stopping(run->job_thread)) {
            run->job->status = JOB_RUNNING;
            return false;
        }
    }
    return true;
}

enum status job_run_compare(struct job_run *run, bool *ret_is_left, struct fault *fault)
{
    struct comparing comparing = { .run = run };
    run->fault = fault;
    job_thread_compute(run->job_thread, begin, &comparing);
    *ret_is_left = !compare(&comparing);
    if (!*ret_is_left && run->status == STATUS_OK && comparing.comparison) {
        job_thread_compute(run->job_thread, end, &comparing);
        if (run->status == STATUS_OK) {
            judge(&comparing);
        }
    }
    gru_comparison_free(comparing.comparison);
    return run->status;
}
