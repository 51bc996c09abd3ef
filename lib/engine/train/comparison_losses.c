/* What a forecast loses, and where it is counted; see comparison.h. */
#include "engine/activation.h"
#include "engine/train/comparison.h"
#include "engine/train/loss.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- differences: mse, mae, huber ---- */

/* How the reading is seen that an output forecasts in the row that was seen last. */
static struct transform_map map_of(const struct gru_comparison *comparison,
                                   const struct gru_variable *output)
{
    const struct gru_model *model = comparison->dataset.model;
    const struct gru_transformed *transformed =
        output->feeds >= 0 ? gru_model_transformed(model, (size_t)output->feeds) : NULL;
    return transformed ? gru_transform_map(&model->info.inputs[transformed->input].transform,
                                           comparison->transforms + transformed->at)
                       : (struct transform_map){ .base = 0, .unit = 1 };
}

double gru_comparison_loss(const struct gru_comparison *comparison, size_t column, double forecast,
                           double truth)
{
    const struct gru_variable *output = gru_dataset_output(&comparison->dataset, column);
    const struct transform_map map = map_of(comparison, output);
    const double off = (forecast - truth) / (map.unit * output->std);
    double loss = gru_transform_is_known(map) ? gru_loss_of_one(comparison->dataset.loss, off) : 0;
    return isfinite(loss) ? loss : INFINITY;
}

/* The last reading of the input that an output feeds; else the last posted target; else, or before
 * any was seen, the mean of what was trained on. */
double gru_comparison_naive(const struct gru_comparison *comparison, size_t column)
{
    const struct gru_info *info = comparison->info;
    size_t o = column % info->n_outputs;
    int fed = info->outputs[o].feeds;
    double last = comparison->seen[fed >= 0 ? (size_t)fed : info->n_inputs + o];
    return isnan(last) ? comparison->frequencies[column] : last;
}

/* ---- logits ---- */

/* None that would lose more than a float can say. */
static double log_loss(double probability)
{
    return -log(probability > (double)FLT_EPSILON ? probability : (double)FLT_EPSILON);
}

/* The probability that a model gives to the decision's class: served as it is, or as logits. */
static double class_probability(struct gru_comparison *comparison, const struct gru_info *info,
                                const double *y, size_t class, bool *ret_found)
{
    double *p = comparison->probabilities;
    size_t most = 0;
    double total = 0;
    for (size_t o = 0; o < info->n_outputs; o++) {
        p[o] = (y[o] - info->outputs[o].mean) / info->outputs[o].std;
        most = p[o] > p[most] ? o : most;
    }
    const double shift = p[most];
    const bool are_probabilities = gru_output_activation(info, 0) == GRU_SOFTMAX;
    for (size_t o = 0; !are_probabilities && o < info->n_outputs; o++) {
        p[o] = exp(p[o] - shift);
        total += p[o];
    }
    *ret_found = most == class && isfinite(shift);
    return are_probabilities ? p[class] : p[class] / total;
}

/* The probability that an output of a model is on. */
static double on_probability(const struct gru_info *info, size_t column, double y)
{
    const struct gru_variable *output = &info->outputs[column % info->n_outputs];
    double p = (y - output->mean) / output->std;
    return gru_output_activation(info, column) == GRU_SIGMOID ? p : 1 / (1 + exp(-p));
}

/* A class number: the loss of each, and whether it was found. */
static double decide(struct gru_comparison *comparison, size_t column, size_t row, double raw,
                     double lost[N_COMPARED])
{
    size_t n_outputs = comparison->info->n_outputs;
    size_t class = (size_t)raw;
    bool found[N_COMPARED];
    for (size_t m = 0; m < N_COMPARED; m++) {
        const double *y = gru_comparison_y(comparison, m, row) + column * n_outputs;
        lost[m] = log_loss(class_probability(
            comparison, gru_model_info(comparison->models[m].model), y, class, &found[m]));
    }
    struct gru_class_counts *counts = &comparison->classes[class];
    counts->n++;
    counts->n_found += found[TRAINED];
    counts->n_found_by_base += found[BASE];
    return log_loss(comparison->frequencies[class]);
}

static double decide_on(struct gru_comparison *comparison, size_t column, size_t row, double raw,
                        double lost[N_COMPARED])
{
    const struct gru_variable *output = gru_dataset_output(&comparison->dataset, column);
    double t = (raw - output->mean) / output->std;
    bool found[N_COMPARED];
    for (size_t m = 0; m < N_COMPARED; m++) {
        const struct compared_model *model = &comparison->models[m];
        double p = on_probability(gru_model_info(model->model), column,
                                  gru_comparison_y(comparison, m, row)[column]);
        lost[m] = t * log_loss(p) + (1 - t) * log_loss(1 - p);
        found[m] = (p > 0.5) == (t > 0.5) && isfinite(p);
    }
    size_t class = 2 * (column % comparison->info->n_outputs) + (t > 0.5);
    struct gru_class_counts *counts = &comparison->classes[class];
    counts->n++;
    counts->n_found += found[TRAINED];
    counts->n_found_by_base += found[BASE];
    double p = comparison->frequencies[column];
    return t * log_loss(p) + (1 - t) * log_loss(1 - p);
}

/* ---- a row ---- */

/* The weight of the target's class, or of its output. */
static double weight_of(const struct gru_comparison *comparison, size_t column, double raw)
{
    const struct loss_terms terms = gru_dataset_loss(&comparison->dataset);
    if (terms.loss == GRU_CROSS_ENTROPY) {
        return terms.class_weights ? terms.class_weights[(size_t)raw] : 1;
    }
    return gru_output_weight(&terms, column);
}

/* The losses of one target without its weight; returns the naive forecast's. */
static double lose(struct gru_comparison *comparison, size_t column, size_t row, double raw,
                   double lost[N_COMPARED])
{
    switch (comparison->dataset.loss) {
    case GRU_CROSS_ENTROPY:
        return decide(comparison, column, row, raw, lost);
    case GRU_BCE:
        return decide_on(comparison, column, row, raw, lost);
    default:
        for (size_t m = 0; m < N_COMPARED; m++) {
            const double y = gru_comparison_y(comparison, m, row)[column];
            lost[m] = gru_comparison_loss(comparison, column, y, raw);
        }
        return gru_comparison_loss(comparison, column, gru_comparison_naive(comparison, column),
                                   raw);
    }
}

struct gru_losses *gru_comparison_block(struct gru_comparison *comparison, enum sight sight,
                                        size_t t)
{
    const struct comparison_plan *plan = &comparison->plan;
    const size_t which = plan->stream[comparison->k];
    const struct gru_stream_losses *stream = &comparison->streams[sight][which];
    const size_t row = stream->n_series > 1 ? 0 : t - comparison->first_target;
    const size_t at = plan->place[comparison->k] + row;
    return &comparison->blocks[sight]
                              [stream->first_block + at * stream->n_blocks / plan->n_places[which]];
}

void gru_comparison_sample(struct gru_comparison *comparison, size_t model, size_t output,
                           size_t ahead, double error)
{
    struct residual_samples *samples = &comparison->samples[model];
    if (ahead > comparison->n_horizons || comparison->k % comparison->plan.sample_step != 0 ||
        !isfinite((float)error)) {
        return;
    }
    size_t at = output * comparison->n_horizons + ahead - 1;
    if (samples->n[at] < comparison->n_samples_max) {
        samples->of[at * comparison->n_samples_max + samples->n[at]++] = (float)fabs(error);
    }
}

/* Posted targets of the next S rows, where nothing is rolled out. */
static void sample_target(struct gru_comparison *comparison, size_t t, size_t row, size_t column,
                          double raw)
{
    const struct gru_info *info = comparison->info;
    bool is_sampled = comparison->lane.series->y && t == comparison->origin;
    for (size_t m = 0; is_sampled && m < N_COMPARED; m++) {
        const double y = gru_comparison_y(comparison, m, row)[column];
        gru_comparison_sample(comparison, m, column % info->n_outputs, 1 + column / info->n_outputs,
                              y - raw);
    }
}

void gru_comparison_see(struct gru_comparison *comparison, size_t t)
{
    const struct gru_info *info = comparison->info;
    const struct gru_series *series = comparison->lane.series;
    for (size_t i = 0; i < info->n_inputs; i++) {
        double x = series->x[t * info->n_inputs + i];
        comparison->seen[i] = isnan(x) ? comparison->seen[i] : x;
    }
    memcpy(comparison->row, series->x + t * info->n_inputs, info->n_inputs * sizeof(double));
    for (size_t k = 0; k < comparison->dataset.model->n_transformed; k++) {
        const struct gru_transformed *transformed = &comparison->dataset.model->transformed[k];
        const struct gru_transform *transform = &info->inputs[transformed->input].transform;
        float *state = comparison->transforms + transformed->at;
        double *x = &comparison->row[transformed->input];
        *x = gru_transform_apply(gru_transform_map(transform, state), *x, (double)NAN);
        gru_transform_push(transform, state, comparison->seen[transformed->input]);
    }
}

static void see_targets(struct gru_comparison *comparison, size_t t)
{
    const struct gru_info *info = comparison->info;
    const struct gru_series *series = comparison->lane.series;
    bool are_posted = series->y && series->n_targets == series->n_rows &&
                      !gru_loss_takes_logits(comparison->dataset.loss);
    for (size_t o = 0; are_posted && o < info->n_outputs; o++) {
        double y = series->y[t * comparison->dataset.width + o];
        double *seen = &comparison->seen[info->n_inputs + o];
        *seen = isnan(y) ? *seen : y;
    }
}

bool gru_comparison_counts(struct gru_comparison *comparison, size_t t, size_t column, double raw)
{
    return gru_comparison_sight(comparison, t, column, raw) == SURE &&
           (gru_loss_takes_logits(comparison->dataset.loss) ||
            !comparison->screen->is_constant[column]);
}

/* A raw target as the network sees it, not normalised. */
static double target_seen(const struct gru_comparison *comparison, size_t column, double raw)
{
    const struct gru_variable *output = gru_dataset_output(&comparison->dataset, column);
    return output && !isnan(raw) ? gru_transform_apply(map_of(comparison, output), raw, (double)NAN)
                                 : raw;
}

/* Whether the targets of row t, which was seen, are news. */
static enum repeat look_for_repeats(struct gru_comparison *comparison, size_t t)
{
    const struct dataset *dataset = &comparison->dataset;
    const struct gru_info *info = comparison->info;
    bool is_any = false;
    for (size_t k = 0; k < dataset->width; k++) {
        const double raw = gru_dataset_raw_target(dataset, &comparison->lane, t, k);
        comparison->targets[k] = target_seen(comparison, k, raw);
        is_any |= !isnan(raw);
    }
    return is_any ? gru_repeats_look(&comparison->repeats, comparison->plan.stream[comparison->k],
                                     comparison->targets, dataset->width,
                                     dataset->loss == GRU_CROSS_ENTROPY ? NULL : info->outputs,
                                     info->n_outputs)
                  : REPEAT_NONE;
}

/* A target that counts in this sight. */
static void count_in(struct gru_comparison *comparison, enum sight sight, size_t t,
                     enum repeat repeat, const double lost[N_COMPARED], double naive)
{
    const size_t which = comparison->plan.stream[comparison->k];
    struct gru_stream_losses *stream = &comparison->streams[sight][which];
    gru_losses_add(&stream->ahead, lost, naive);
    stream->n_repeated += repeat != REPEAT_NONE;
    stream->n_copied += repeat == REPEAT_OTHER;
    if (repeat == REPEAT_NONE && !comparison->result.is_of_rolls) {
        gru_losses_add(gru_comparison_block(comparison, sight, t), lost, naive);
    }
}

void gru_comparison_score(struct gru_comparison *comparison, size_t t, size_t row)
{
    const struct dataset *dataset = &comparison->dataset;
    bool is_logits = gru_loss_takes_logits(dataset->loss);
    gru_comparison_see(comparison, t);
    gru_repeats_see(&comparison->repeats, comparison->row);
    const enum repeat repeat =
        t >= comparison->first_target ? look_for_repeats(comparison, t) : REPEAT_NONE;
    comparison->repeat = repeat;
    gru_comparison_look(comparison, t);
    for (size_t k = 0; k < dataset->width && t >= comparison->first_target; k++) {
        double raw = gru_dataset_raw_target(dataset, &comparison->lane, t, k);
        double lost[N_COMPARED];
        if (isnan(raw)) {
            continue;
        }
        const double weight = weight_of(comparison, k, raw);
        const double naive = weight * lose(comparison, k, row, raw, lost);
        for (size_t m = 0; m < N_COMPARED; m++) {
            lost[m] *= weight;
        }
        gru_losses_add(&comparison->result.all, lost, naive);
        comparison->result.all_weight += weight;
        const enum sight first = gru_comparison_sight(comparison, t, k, raw);
        if (first != SURE) {
            gru_losses_add(&comparison->result.outlying, lost, naive);
        } else if (!is_logits) {
            sample_target(comparison, t, row, k, raw);
        }
        bool is_constant = !is_logits && comparison->screen->is_constant[k];
        if (first == WITH_DOUBTS && !is_constant) {
            comparison->result.n_doubtful++;
            if (gru_comparison_is_doubtful_target(comparison, k, raw)) {
                gru_losses_add(&comparison->result.doubtful, lost, naive);
            }
        }
        for (enum sight sight = first; !is_constant && sight < N_SIGHTS; sight++) {
            count_in(comparison, sight, t, repeat, lost, naive);
        }
    }
    see_targets(comparison, t);
}
