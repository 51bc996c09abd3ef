/* Plans a comparison: which series are which stream, their blocks, and all memory; see
 * comparison.h. */
#include "engine/block.h"
#include "engine/train/class_weights.h"
#include "engine/train/comparison.h"
#include "engine/train/horizon.h"
#include "engine/train/loss.h"

#include <math.h>
#include <string.h>

enum {
    BLOCKS = 16,       /* of all streams together, unless there are more streams */
    BLOCKS_LEAST = 5,  /* of a stream, if it has as many rows: fewer decide nothing */
    BLOCK_ROWS = 6,    /* so many rows a block, if that leaves as many */
    ORIGINS = 2000,    /* of all series together, about */
    ORIGINS_LEAST = 4, /* of a series */
    ORIGINS_MOST = 200,
    COLUMN_MAX = 16384, /* values that a column is screened by, */
    COLUMN_LEAST = 64,
    COLUMNS_VALUES = 1 << 22 /* and of all columns of a series */
};

static size_t within(size_t n, size_t least, size_t most)
{
    return n < least ? least : n > most ? most : n;
}

/* ---- streams ---- */

/* A series with those that continue it, in the validation part. */
struct group {
    size_t begin, end, first; /* series; the first that has targets */
    size_t n_targets, n_rows; /* rows from the first target of each series on */
};

/* The targets of series k, and the rows from the first of them on. */
static size_t count_targets(const struct dataset *dataset, size_t k, size_t *ret_n_rows)
{
    const struct dataset_lane lane = gru_dataset_lane(dataset, PART_VALID, k);
    const size_t first = gru_dataset_next_target(dataset, &lane, 0, lane.n_rows);
    size_t n = 0;
    for (size_t t = first; t < lane.n_rows; t++) {
        for (size_t column = 0; column < dataset->width; column++) {
            n += !isnan(gru_dataset_raw_target(dataset, &lane, t, column));
        }
    }
    *ret_n_rows = lane.n_rows - first;
    return n;
}

/* The group that series k begins; its series have their places. */
static struct group measure_group(struct gru_comparison *comparison, size_t k)
{
    struct comparison_plan *plan = &comparison->plan;
    struct group group = { .begin = k,
                           .end = gru_comparison_group_end(comparison, k),
                           .first = SIZE_MAX };
    for (; k < group.end; k++) {
        size_t n_rows, n = count_targets(&comparison->dataset, k, &n_rows);
        plan->place[k] = group.n_rows;
        plan->stream[k] = n > 0 ? 0 : SIZE_MAX;
        group.first = n > 0 && group.first == SIZE_MAX ? k : group.first;
        group.n_targets += n;
        group.n_rows += n_rows;
    }
    return group;
}

static size_t count_blocks(size_t n_rows, size_t n_streams)
{
    size_t n_most = n_streams < BLOCKS ? BLOCKS / n_streams : 1;
    size_t n_least = n_rows < BLOCKS_LEAST ? n_rows : BLOCKS_LEAST;
    n_least = n_least < n_most ? n_least : n_most;
    return within(n_rows / BLOCK_ROWS, n_least, n_most);
}

static size_t add_stream(struct gru_comparison *comparison, size_t series, size_t n_series,
                         size_t n_places, size_t n_streams)
{
    struct gru_comparison_result *result = &comparison->result;
    struct gru_stream_losses *stream = &comparison->streams[SURE][result->n_streams];
    *stream = (struct gru_stream_losses){ .series = series,
                                          .n_series = n_series,
                                          .first_block = result->n_blocks,
                                          .n_blocks = count_blocks(n_places, n_streams) };
    comparison->streams[WITH_DOUBTS][result->n_streams] = *stream;
    comparison->plan.n_places[result->n_streams] = n_places;
    result->n_blocks += stream->n_blocks;
    return result->n_streams++;
}

static void put_in_stream(struct comparison_plan *plan, const struct group *group, size_t stream)
{
    for (size_t k = group->begin; k < group->end; k++) {
        plan->stream[k] = plan->stream[k] == SIZE_MAX ? SIZE_MAX : stream;
    }
}

/* A group that shares a stream has one place in it. */
static void put_among_short(struct comparison_plan *plan, const struct group *group, size_t stream,
                            size_t place)
{
    put_in_stream(plan, group, stream);
    for (size_t k = group->begin; k < group->end; k++) {
        plan->place[k] = place;
    }
}

/* Streams of their own first, in the order of the series; last what the short ones make together.
 * groups: [n_series], scratch. */
static void plan_streams(struct gru_comparison *comparison, size_t n_series, struct group *groups)
{
    size_t n_groups = 0, n_long = 0, n_short = 0, n_put = 0, first_short = SIZE_MAX;
    for (size_t k = 0; k < n_series; k = groups[n_groups++].end) {
        struct group *group = &groups[n_groups];
        *group = measure_group(comparison, k);
        const bool is_short = group->n_targets > 0 && group->n_targets < STREAM_TARGETS;
        n_long += group->n_targets >= STREAM_TARGETS;
        n_short += is_short;
        first_short = is_short && first_short == SIZE_MAX ? group->first : first_short;
    }
    const size_t n_streams = n_long + (n_short > 0);
    for (size_t g = 0; g < n_groups; g++) {
        const struct group *group = &groups[g];
        if (group->n_targets >= STREAM_TARGETS) {
            put_in_stream(&comparison->plan, group,
                          add_stream(comparison, group->first, 1, group->n_rows, n_streams));
        } else if (group->n_targets > 0) {
            put_among_short(&comparison->plan, group, n_long, n_put++);
        }
    }
    comparison->plan.shared = n_short > 0 ? n_long : SIZE_MAX;
    if (n_short > 0) {
        (void)add_stream(comparison, first_short, n_short, n_short, n_streams);
    }
}

/* ---- naive forecasts ---- */

/* Sums over the targets that are trained on, and their number: by column, or by class. */
static void sum_targets(struct gru_comparison *comparison, double *sums, size_t *n)
{
    const struct dataset *dataset = &comparison->dataset;
    bool is_by_class = dataset->loss == GRU_CROSS_ENTROPY;
    for (size_t s = 0; s < gru_dataset_n_series(dataset, PART_TRAIN); s++) {
        struct dataset_lane lane = gru_dataset_lane(dataset, PART_TRAIN, s);
        for (size_t t = 0; t < lane.n_rows; t++) {
            for (size_t k = 0; k < dataset->width; k++) {
                double raw = gru_dataset_raw_target(dataset, &lane, t, k);
                if (!isnan(raw)) {
                    sums[is_by_class ? (size_t)raw : k] += is_by_class ? 1 : (double)raw;
                    n[is_by_class ? 0 : k]++;
                }
            }
        }
    }
}

/* How often a class is, by its weight, or an output is on; one more of each than there are, so that
 * none is impossible (Laplace's rule of succession). */
static void take_frequencies(struct gru_comparison *comparison, const size_t *n)
{
    const struct dataset *dataset = &comparison->dataset;
    double *sums = comparison->frequencies;
    size_t n_classes = comparison->info->n_outputs;
    double total = 0;
    for (size_t c = 0; dataset->loss == GRU_CROSS_ENTROPY && c < n_classes; c++) {
        comparison->classes[c].n_trained_on = (size_t)sums[c];
        sums[c] = (sums[c] + 1) * (dataset->class_weights ? dataset->class_weights[c] : 1);
        total += sums[c];
    }
    for (size_t c = 0; dataset->loss == GRU_CROSS_ENTROPY && c < n_classes; c++) {
        sums[c] /= total;
    }
    for (size_t k = 0; dataset->loss == GRU_BCE && k < dataset->width; k++) {
        const struct gru_variable *output = gru_dataset_output(dataset, k);
        double on = (sums[k] - (double)n[k] * output->mean) / output->std;
        comparison->classes[2 * (k % n_classes) + 1].n_trained_on += (size_t)(on > 0 ? on : 0);
        comparison->classes[2 * (k % n_classes)].n_trained_on += n[k] - (size_t)(on > 0 ? on : 0);
        sums[k] = (on + 1) / (double)(n[k] + 2);
    }
    for (size_t k = 0; !gru_loss_takes_logits(dataset->loss) && k < dataset->width; k++) {
        sums[k] = n[k] > 0 ? sums[k] / (double)n[k] : gru_dataset_output(dataset, k)->mean;
    }
}

/* ---- memory ---- */

static size_t naive_width(const struct gru_comparison *comparison)
{
    size_t n_outputs = comparison->info->n_outputs;
    return comparison->dataset.loss == GRU_CROSS_ENTROPY ? n_outputs : comparison->dataset.width;
}

static void cut_models(struct gru_comparison *comparison, struct block_cutter *cutter)
{
    const struct gru_info *info = comparison->info;
    for (size_t m = 0; m < N_COMPARED; m++) {
        struct compared_model *model = &comparison->models[m];
        const struct gru_info *own = gru_model_info(model->model);
        model->state = block_take_floats(cutter, own->state_floats, 1);
        model->y = block_take_doubles(cutter, COMPARED_ROWS, own->y_floats);
        model->forecast = block_take_doubles(cutter, GRU_RESIDUAL_HORIZON, info->n_outputs);
    }
    comparison->seen = block_take_doubles(cutter, info->n_inputs + info->n_outputs, 1);
    comparison->transforms =
        block_take_floats(cutter, comparison->dataset.model->transform_floats, 1);
    comparison->row = block_take_doubles(cutter, comparison->info->n_inputs, 1);
    comparison->future = block_take_doubles(cutter, GRU_RESIDUAL_HORIZON, info->n_future);
}

static void cut(struct gru_comparison *comparison, size_t n_series, struct block_cutter *cutter)
{
    const struct gru_info *info = comparison->info;
    size_t width = comparison->dataset.width;
    size_t n_residuals = info->n_outputs * comparison->n_horizons;
    cut_models(comparison, cutter);
    for (size_t k = 0; k < N_SCREENS; k++) {
        struct screen *screen = &comparison->screens[k];
        screen->inputs = block_take(cutter, info->n_inputs, sizeof *screen->inputs);
        screen->targets = block_take(cutter, width, sizeof *screen->targets);
        screen->is_constant = block_take(cutter, width, sizeof *screen->is_constant);
    }
    comparison->column = block_take_doubles(cutter, comparison->n_column, 1);
    comparison->frequencies =
        block_take(cutter, naive_width(comparison), sizeof *comparison->frequencies);
    comparison->probabilities =
        block_take(cutter, info->n_outputs, sizeof *comparison->probabilities);
    comparison->class_weights =
        block_take(cutter, gru_has_class_weights(&comparison->training) ? info->n_outputs : 0,
                   sizeof *comparison->class_weights);
    comparison->targets = block_take_doubles(cutter, width, 1);
    gru_repeats_cut(&comparison->repeats, comparison->plan.n_rows, cutter);
    comparison->plan.stream = block_take(cutter, n_series, sizeof(size_t));
    comparison->plan.place = block_take(cutter, n_series, sizeof(size_t));
    comparison->plan.n_places = block_take(cutter, n_series, sizeof(size_t));
    for (size_t k = 0; k < N_SIGHTS; k++) {
        comparison->streams[k] = block_take(cutter, n_series, sizeof *comparison->streams[k]);
        comparison->blocks[k] =
            block_take(cutter, n_series + BLOCKS, sizeof *comparison->blocks[k]);
    }
    comparison->classes =
        block_take(cutter, comparison->result.n_classes, sizeof *comparison->classes);
    for (size_t m = 0; m < N_COMPARED; m++) {
        struct residual_samples *samples = &comparison->samples[m];
        samples->n = block_take(cutter, n_residuals, sizeof *samples->n);
        samples->of = block_take_floats(cutter, n_residuals, comparison->n_samples_max);
        samples->residuals = block_take(cutter, n_residuals, sizeof *samples->residuals);
    }
}

/* Rows that may have targets. */
static size_t count_rows(const struct dataset *dataset, size_t n_series)
{
    size_t n = 0;
    for (size_t k = 0; k < n_series; k++) {
        const struct dataset_lane lane = gru_dataset_lane(dataset, PART_VALID, k);
        n += lane.n_rows - lane.first;
    }
    return n;
}

/* Whether the training aims at roll-outs, and each series of the validation has some. */
static bool is_of_rolls(const struct gru_comparison *comparison, size_t n_series)
{
    bool is_any = gru_has_horizon(comparison->models[BASE].model, &comparison->training) ||
                  gru_has_horizon(comparison->models[TRAINED].model, &comparison->training);
    for (size_t k = 0; is_any && k < n_series; k++) {
        is_any = !gru_dataset_lane(&comparison->dataset, PART_VALID, k).series->y;
    }
    return is_any;
}

static size_t roll_horizon(const struct gru_comparison *comparison)
{
    const size_t asked = comparison->training.hyperparameters.horizon_loss;
    if (!comparison->result.is_of_rolls) {
        return ROLL_HORIZON;
    }
    return asked < GRU_RESIDUAL_HORIZON ? asked : GRU_RESIDUAL_HORIZON;
}

/* How much is looked at, all of it bounded. */
static void size_up(struct gru_comparison *comparison, size_t n_series)
{
    const struct gru_info *info = comparison->info;
    enum gru_loss loss = comparison->dataset.loss;
    bool is_rolled = info->n_feeds > 0 && !gru_loss_takes_logits(loss);
    size_t n_ahead = is_rolled ? GRU_RESIDUAL_HORIZON : info->steps;
    comparison->result.is_of_rolls = is_rolled && is_of_rolls(comparison, n_series);
    comparison->result.horizon = is_rolled ? roll_horizon(comparison) : 0;
    comparison->result.n_classes = loss == GRU_CROSS_ENTROPY ? info->n_outputs
                                   : loss == GRU_BCE         ? 2 * info->n_outputs
                                                             : 0;
    n_ahead = n_ahead < GRU_RESIDUAL_HORIZON ? n_ahead : GRU_RESIDUAL_HORIZON;
    if (n_ahead > GRU_RESIDUALS_MAX / info->n_outputs) {
        n_ahead = GRU_RESIDUALS_MAX / info->n_outputs;
    }
    comparison->n_horizons = gru_loss_takes_logits(loss) ? 0 : n_ahead;
    comparison->plan.n_rows = count_rows(&comparison->dataset, n_series);
    comparison->plan.n_origins = within(ORIGINS / n_series, ORIGINS_LEAST, ORIGINS_MOST);
    size_t n_origins = comparison->plan.n_origins * n_series; /* n_series are in memory */
    comparison->plan.sample_step = (n_origins + SAMPLES_MAX - 1) / SAMPLES_MAX;
    size_t n_fit = SAMPLE_FLOATS_MAX / (info->n_outputs * (n_ahead > 0 ? n_ahead : 1));
    comparison->n_samples_max = within(n_origins, 1, n_fit < SAMPLES_MAX ? n_fit : SAMPLES_MAX);
    comparison->n_column = within(COLUMNS_VALUES / info->n_inputs, COLUMN_LEAST, COLUMN_MAX);
}

static enum gru_status alloc(struct gru_comparison *comparison, size_t n_series)
{
    struct block_cutter count = { 0 };
    cut(comparison, n_series, &count);
    comparison->block = block_alloc(&count);
    if (!comparison->block || gru_work_create(&comparison->work) != GRU_OK) {
        return GRU_NO_MEMORY;
    }
    memset(comparison->block, 0, count.n_bytes);
    struct block_cutter cutter = { .block = comparison->block };
    cut(comparison, n_series, &cutter);
    return GRU_OK;
}

/* ---- the whole ---- */

static enum gru_status plan(struct gru_comparison *comparison, size_t n_series)
{
    size_t *n = calloc(naive_width(comparison), sizeof *n);
    struct group *groups = reallocarray(NULL, n_series, sizeof *groups);
    if (comparison->class_weights) {
        gru_class_weights_find(&comparison->dataset, comparison->class_weights);
        comparison->dataset.class_weights = comparison->class_weights;
    }
    if (n && groups) {
        plan_streams(comparison, n_series, groups);
        sum_targets(comparison, comparison->frequencies, n);
        take_frequencies(comparison, n);
    }
    const bool has_memory = n && groups;
    free(groups);
    free(n);
    if (!has_memory) {
        return GRU_NO_MEMORY;
    }
    comparison->result.streams = comparison->streams[SURE];
    comparison->result.blocks = comparison->blocks[SURE];
    comparison->result.doubtful_streams = comparison->streams[WITH_DOUBTS];
    comparison->result.doubtful_blocks = comparison->blocks[WITH_DOUBTS];
    comparison->result.classes = comparison->classes;
    return comparison->result.n_streams > 0 ? GRU_OK : GRU_BAD_ARGUMENT;
}

static bool has_targets(const struct gru_series *series, size_t n)
{
    size_t k = 0;
    while (k < n && !series[k].y) {
        k++;
    }
    return k < n;
}

/* Of models that forecast different numbers of rows at once: to the rows that both do. False: there
 * are targets, whose rows belong to one of them. */
static bool narrow(struct gru_comparison *comparison)
{
    const struct gru_info *base = gru_model_info(comparison->models[BASE].model);
    const struct gru_training *training = &comparison->training;
    if (base->steps == comparison->info->steps) {
        return true;
    }
    if (base->steps < comparison->info->steps) {
        comparison->dataset.width = base->y_floats;
    }
    return !has_targets(training->series, training->n_series) &&
           !has_targets(training->validation, training->n_validation);
}

enum gru_status gru_comparison_create(struct gru_model *base, struct gru_model *trained,
                                      const struct gru_training *training,
                                      struct gru_comparison **ret_comparison)
{
    struct gru_comparison *comparison = calloc(1, sizeof *comparison);
    if (!comparison) {
        return GRU_NO_MEMORY;
    }
    comparison->training = *training;
    comparison->info = gru_model_info(trained);
    comparison->models[TRAINED].model = gru_model_ref(trained);
    comparison->models[BASE].model = gru_model_ref(base);
    gru_dataset_init(&comparison->dataset, trained, &comparison->training);
    comparison->repeats.info = comparison->info;
    size_t n_series = gru_dataset_n_series(&comparison->dataset, PART_VALID);
    enum gru_status status = n_series > 0 && narrow(comparison) ? GRU_OK : GRU_BAD_ARGUMENT;
    if (status == GRU_OK) {
        size_up(comparison, n_series);
        status = alloc(comparison, n_series);
    }
    if (status == GRU_OK) {
        status = plan(comparison, n_series);
    }
    if (status != GRU_OK) {
        gru_comparison_free(comparison);
        return status;
    }
    *ret_comparison = comparison;
    return GRU_OK;
}

void gru_comparison_free(struct gru_comparison *comparison)
{
    if (comparison) {
        for (size_t m = 0; m < N_COMPARED; m++) {
            gru_model_unref(comparison->models[m].model);
        }
        gru_work_free(comparison->work);
        free(comparison->block);
        free(comparison);
    }
}
