/* See scaling_fit.h. */
#include "engine/train/scaling_fit.h"
#include "engine/activation.h"
#include "engine/buffer.h"
#include "engine/selftest.h"
#include "engine/train/model_copy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the values of a column ---- */

/* Room for what a transform makes of a series. */
struct transformed {
    double *u; /* [n_rows of the longest series]; NULL: the model has no transforms */
    bool is_out_of_memory;
};

/* Whose mean and deviation are asked for. */
struct fitted_column {
    const struct dataset *dataset;
    struct transformed *transformed;
    enum { OF_INPUT, OF_CHANGES, OF_TARGETS } of;
    size_t k; /* the input, or the output */
};

/* What the network sees of an input in each row of a lane, NaN where it is not known, at
 * *ret_stride from each other. */
static const double *values_of(const struct fitted_column *column, const struct dataset_lane *lane,
                               size_t *ret_stride)
{
    const struct gru_info *info = column->dataset->info;
    const struct gru_transform *transform = &info->inputs[column->k].transform;
    struct transformed *transformed = column->transformed;
    if (transform->kind == GRU_TRANSFORM_NONE) {
        *ret_stride = info->n_inputs;
        return lane->series->x + column->k;
    }
    *ret_stride = 1;
    transformed->is_out_of_memory |=
        gru_transform_column(transform, lane->series->x + column->k, lane->n_rows, info->n_inputs,
                             transformed->u) != GRU_OK;
    return transformed->u;
}

typedef void take_value(void *context, double value);

static void visit_inputs(const struct fitted_column *column, const struct dataset_lane *lane,
                         take_value *take, void *context)
{
    size_t stride;
    const double *values = values_of(column, lane, &stride);
    const bool of_changes = column->of == OF_CHANGES;
    for (size_t t = of_changes; t < lane->n_rows && !column->transformed->is_out_of_memory; t++) {
        const double value = values[t * stride];
        take(context, of_changes ? value - values[(t - 1) * stride] : value);
    }
}

static void visit_targets(const struct fitted_column *column, const struct dataset_lane *lane,
                          take_value *take, void *context)
{
    const struct dataset *dataset = column->dataset;
    for (size_t t = 0; t < lane->n_rows; t++) {
        for (size_t k = column->k; k < dataset->width; k += dataset->info->n_outputs) {
            take(context, gru_dataset_raw_target(dataset, lane, t, k));
        }
    }
}

/* Each value of the training part; NaN where one is missing. */
static void visit(const struct fitted_column *column, take_value *take, void *context)
{
    for (size_t k = 0; k < gru_dataset_n_series(column->dataset, PART_TRAIN); k++) {
        const struct dataset_lane lane = gru_dataset_lane(column->dataset, PART_TRAIN, k);
        if (column->of == OF_TARGETS) {
            visit_targets(column, &lane, take, context);
        } else {
            visit_inputs(column, &lane, take, context);
        }
    }
}

/* ---- mean and standard deviation ---- */

/* B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products",
 * Technometrics 4(3), 1962. */
struct column_moments {
    size_t n;
    double mean, squares;
    double least, most;
};

static void add_moment(void *context, double value)
{
    struct column_moments *moments = context;
    if (isnan(value)) {
        return;
    }
    const double delta = value - moments->mean;
    moments->n++;
    moments->mean += delta / (double)moments->n;
    moments->squares += delta * (value - moments->mean);
    moments->least = value < moments->least ? value : moments->least;
    moments->most = value > moments->most ? value : moments->most;
}

/* ---- median ---- */

enum { DIGIT_BITS = 8, N_DIGITS = 64 / DIGIT_BITS, DIGIT_VALUES = 1 << DIGIT_BITS };

/* The values, or their distances from a centre, whose first digits are known. */
struct column_selection {
    bool is_distance;
    double centre;
    uint64_t known, mask; /* digits that are known, from the first on, and where they are */
    int shift;            /* of the digit that is counted */
    size_t counts[DIGIT_VALUES];
};

/* Numbers in the order of the values. */
static uint64_t key_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double value_of(uint64_t key)
{
    const uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void count_digit(void *context, double value)
{
    struct column_selection *selection = context;
    if (isnan(value)) {
        return;
    }
    const uint64_t key = key_of(selection->is_distance ? fabs(value - selection->centre) : value);
    if ((key & selection->mask) == selection->known) {
        selection->counts[key >> selection->shift & (DIGIT_VALUES - 1)]++;
    }
}

/* The value that `rank` others stand before. */
static double select_value(const struct fitted_column *column, struct column_selection *selection,
                           size_t rank)
{
    selection->known = selection->mask = 0;
    for (int digit = N_DIGITS - 1; digit >= 0; digit--) {
        uint64_t found = 0;
        selection->shift = digit * DIGIT_BITS;
        memset(selection->counts, 0, sizeof selection->counts);
        visit(column, count_digit, selection);
        while (rank >= selection->counts[found]) {
            rank -= selection->counts[found++];
        }
        selection->known |= found << selection->shift;
        selection->mask |= (uint64_t)(DIGIT_VALUES - 1) << selection->shift;
    }
    return value_of(selection->known);
}

/* Of n values, or of their distances from a centre. */
static double median(const struct fitted_column *column, struct column_selection *selection,
                     size_t n)
{
    const double lower = select_value(column, selection, (n - 1) / 2);
    return n % 2 == 1 ? lower : lower / 2 + select_value(column, selection, n / 2) / 2;
}

/* ---- scalings ---- */

/* Of a normal distribution the standard deviation, by the median of the distances. */
static const double MAD_TO_STD = 1.4826;

static void fit_column(const struct fitted_column *column, struct gru_variable *variable)
{
    struct column_moments moments = { .least = INFINITY, .most = -INFINITY };
    visit(column, add_moment, &moments);
    if (moments.n == 0) {
        return;
    }
    double mean = moments.mean, std = sqrt(moments.squares / (double)moments.n);
    if (column->dataset->training->hyperparameters.scaling == GRU_SCALING_FIT_ROBUST) {
        struct column_selection selection = { .is_distance = false };
        mean = selection.centre = median(column, &selection, moments.n);
        selection.is_distance = true;
        const double distance = median(column, &selection, moments.n);
        std = distance > 0 ? MAD_TO_STD * distance : std;
    }
    variable->mean = mean;
    if (moments.most > moments.least && std > 0) {
        variable->std = std;
    }
}

bool gru_fits_output(const struct dataset *dataset, size_t output)
{
    return !gru_loss_takes_logits(dataset->loss) &&
           gru_output_activation(dataset->info, output) == GRU_LINEAR;
}

static void fit_output(const struct dataset *dataset, struct transformed *transformed, size_t o,
                       struct gru_info *info)
{
    struct gru_variable *output = &info->outputs[o];
    const struct gru_variable *fed = output->feeds >= 0 ? &info->inputs[output->feeds] : NULL;
    if (!gru_fits_output(dataset, o)) {
        return;
    }
    if (fed && !info->residual) {
        output->mean = fed->mean;
        output->std = fed->std;
        return;
    }
    const struct fitted_column column = { .dataset = dataset,
                                          .transformed = transformed,
                                          .of = fed ? OF_CHANGES : OF_TARGETS,
                                          .k = fed ? (size_t)output->feeds : o };
    fit_column(&column, output);
}

static void fit_info(const struct dataset *dataset, struct transformed *transformed,
                     struct gru_info *info)
{
    for (size_t i = 0; i < info->n_inputs; i++) {
        const struct fitted_column column = {
            .dataset = dataset, .transformed = transformed, .of = OF_INPUT, .k = i
        };
        fit_column(&column, &info->inputs[i]);
    }
    for (size_t o = 0; o < info->n_outputs; o++) {
        fit_output(dataset, transformed, o, info);
    }
}

/* ---- the whole ---- */

static bool has_transform(const struct gru_info *info)
{
    bool has = false;
    for (size_t i = 0; i < info->n_inputs; i++) {
        has |= info->inputs[i].transform.kind != GRU_TRANSFORM_NONE;
    }
    return has;
}

static enum gru_status fit(const struct dataset *dataset, struct gru_info *info)
{
    struct transformed transformed = { 0 };
    if (has_transform(info)) {
        size_t n_rows = 0;
        for (size_t k = 0; k < dataset->training->n_series; k++) {
            const size_t n = dataset->training->series[k].n_rows;
            n_rows = n > n_rows ? n : n_rows;
        }
        transformed.u = gru_array_alloc(n_rows, sizeof *transformed.u);
        if (!transformed.u) {
            return GRU_NO_MEMORY;
        }
    }
    fit_info(dataset, &transformed, info);
    free(transformed.u);
    return transformed.is_out_of_memory ? GRU_NO_MEMORY : GRU_OK;
}

enum gru_status gru_model_fit_scaling(struct gru_model *model, const struct gru_training *training,
                                      struct gru_model **ret_model)
{
    if (!gru_fits_scaling(training)) {
        *ret_model = gru_model_ref(model);
        return GRU_OK;
    }
    struct dataset dataset;
    struct gru_model *fitted;
    enum gru_status status = gru_model_copy(model, &fitted);
    if (status != GRU_OK) {
        return status;
    }
    gru_dataset_init(&dataset, model, training);
    status = fit(&dataset, &fitted->info);
    if (status == GRU_OK) {
        status = gru_model_finish(fitted);
    }
    uint64_t random = training->seed;
    if (status == GRU_OK && model->selftest.n_rows > 0) {
        status = gru_selftest_draw(fitted, &random);
    }
    if (status != GRU_OK) {
        gru_model_unref(fitted);
        return status;
    }
    *ret_model = fitted;
    return GRU_OK;
}

bool gru_scaling_is_far(const struct gru_scaling *scaling, const struct gru_scaling *data,
                        bool is_of_changes)
{
    static const double far_mean = 10, far_wide = 10, far_narrow = 0.01, far_narrow_change = 0.1;
    const double narrow = is_of_changes ? far_narrow_change : far_narrow;
    return fabs(data->mean - scaling->mean) > far_mean * scaling->std ||
           data->std > far_wide * scaling->std ||
           (data->std > 0 && data->std < narrow * scaling->std);
}
