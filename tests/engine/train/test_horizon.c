/* The loss of roll-outs and its gradient, against its definition in double precision and central
 * differences; and its validation, against what is served. */
#include "engine/network.h"
#include "engine/train/trainer.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 3, ROWS = 17, INPUTS = 3, OUTPUTS_MAX = 3, STATES_MAX = 64, Y_MAX = 9 };

/* Two outputs feed inputs, in another order and with a scaling of their own. */
#define INPUTS_JSON                                                                                \
    "\"inputs\":[{\"name\":\"a\",\"mean\":1,\"std\":2},{\"name\":\"b\",\"mean\":-0.5,\"std\":0."   \
    "5},{\"name\":\"c\"}],"
#define OUTPUTS_JSON "\"outputs\":[{\"name\":\"b\"},{\"name\":\"a\",\"mean\":0.25,\"std\":1.5}]"
#define FEEDS        INPUTS_JSON OUTPUTS_JSON
/* And a third one feeds none. */
#define FEEDS_AND_ONE                                                                              \
    INPUTS_JSON                                                                                    \
    "\"outputs\":[{\"name\":\"b\"},{\"name\":\"z\",\"mean\":0.5,\"std\":2},{\"name\":\"a\"}]"

struct set {
    struct gru_model *model;
    double *x, *y;
    struct gru_series series[SERIES];
    struct gru_training training;
};

static void make_set_of(struct set *set, struct gru_model *model, size_t horizon, bool with_y)
{
    static const size_t rows[SERIES] = { 11, ROWS, 4 };
    const size_t width = model->info.y_floats;
    *set = (struct set){ .model = model,
                         .x = training_noise(SERIES * ROWS * INPUTS, 1),
                         .y = training_noise(SERIES * ROWS * Y_MAX, 2) };
    set->training = (struct gru_training){
        .series = set->series, .n_series = SERIES, .hyperparameters = training_plain(), .seed = 11
    };
    struct gru_hyperparameters *h = &set->training.hyperparameters;
    h->optimizer = GRU_SGD;
    h->learning_rate = 1e-12; /* weights stay what they are */
    h->window = 7;
    h->horizon_loss = horizon;
    set->x[20] = set->x[31] = set->x[60] = (double)NAN;
    for (size_t k = 4; k < SERIES * ROWS * Y_MAX; k += 5) {
        set->y[k] = (double)NAN;
    }
    for (size_t k = 0; k < SERIES; k++) {
        set->series[k] = (struct gru_series){ .x = set->x + k * ROWS * INPUTS,
                                              .n_rows = rows[k],
                                              .y = with_y ? set->y + k * ROWS * width : NULL,
                                              .n_targets = with_y ? rows[k] : 0 };
    }
    training_follow(model, set->series, SERIES);
}

static void make_set(struct set *set, const char *grud, size_t n_head, size_t horizon, bool with_y)
{
    make_set_of(set, training_model(grud, INPUTS, 4, 2, n_head), horizon, with_y);
}

static void free_set(struct set *set)
{
    gru_model_unref(set->model);
    free(set->x);
    free(set->y);
}

/* ---- the definition ---- */

struct sums {
    double loss, weight;
};

static double loss_of(int loss, double d)
{
    return loss == GRU_MAE     ? fabs(d)
           : loss == GRU_HUBER ? (fabs(d) < 1 ? 0.5 * d * d : fabs(d) - 0.5)
                               : d * d;
}

static void activate(const struct gru_info *info, double *z)
{
    for (size_t s = 0; s < info->steps; s++, z += info->n_outputs) {
        double total = 0;
        for (size_t o = 0; o < info->n_outputs; o++) {
            total += exp(z[o]);
        }
        for (size_t o = 0; o < info->n_outputs; o++) {
            z[o] = info->activation == GRU_TANH      ? tanh(z[o])
                   : info->activation == GRU_SIGMOID ? 1 / (1 + exp(-z[o]))
                   : info->activation == GRU_SOFTMAX ? exp(z[o]) / total
                                                     : z[o];
        }
    }
}

/* What a lane's row t forecasts, from its state and its own output z. */
static void roll(const struct network *network, const struct set *set,
                 const struct dataset_lane *lane, size_t t, const double *state, const double *z,
                 struct sums *sums)
{
    const struct gru_info *info = &set->model->info;
    const struct gru_hyperparameters *h = &set->training.hyperparameters;
    const size_t one = 1, steps = info->steps;
    double rolled[STATES_MAX], out[Y_MAX], raw[Y_MAX], base[OUTPUTS_MAX] = { 0 };
    memcpy(rolled, state, gru_state_last_offset(set->model) * sizeof *rolled);
    memcpy(out, z, info->y_floats * sizeof *out);
    for (size_t o = 0; info->residual && o < info->n_outputs; o++) {
        const int fed = info->outputs[o].feeds;
        base[o] = fed >= 0 ? lane->x[t * INPUTS + (size_t)fed] : 0;
    }
    for (size_t ahead = 1; ahead <= h->horizon_loss; ahead++) {
        const size_t s = (ahead - 1) % steps, now = t + ahead - 1 - s; /* the block's row */
        if (s == 0) {
            activate(info, out);
        }
        for (size_t o = 0; o < info->n_outputs; o++) {
            const struct gru_variable *v = &info->outputs[o];
            raw[s * info->n_outputs + o] =
                v->std * out[s * info->n_outputs + o] + v->mean + base[o];
            const double weight = h->n_output_weights > 0 ? h->output_weights[o] : 1;
            double truth = (double)NAN;
            if (lane->series->y) {
                truth = lane->series->y[now * info->y_floats + s * info->n_outputs + o];
            } else if (v->feeds >= 0 && t + ahead < lane->n_rows) {
                truth = lane->series->x[(t + ahead) * INPUTS + (size_t)v->feeds];
            }
            if (!isnan(truth) && weight > 0) {
                const double d = (raw[s * info->n_outputs + o] - truth) / v->std;
                sums->loss += weight * loss_of(h->loss, d);
                sums->weight += weight;
            }
        }
        if (s + 1 < steps || now + steps >= lane->n_rows) {
            if (s + 1 == steps) {
                return; /* the series ends */
            }
            continue;
        }
        for (size_t r = 0; r < steps; r++) {
            float in[INPUTS];
            for (size_t i = 0; i < INPUTS; i++) {
                const struct gru_variable *v = &info->inputs[i];
                const double reading = v->feeds >= 0 ? raw[r * info->n_outputs + (size_t)v->feeds]
                                                     : lane->x[(now + r + 1) * INPUTS + i];
                in[i] = (float)((reading - v->mean) / v->std);
            }
            network_run(network, 1, &one, in, rolled, out);
        }
        for (size_t o = 0; info->residual && o < info->n_outputs; o++) {
            const int fed = info->outputs[o].feeds;
            const size_t fed_by = fed >= 0 ? (size_t)info->inputs[fed].feeds : 0;
            base[o] = fed >= 0 ? raw[(steps - 1) * info->n_outputs + fed_by] : 0;
        }
    }
}

/* Rows t to t_end - 1 of a lane from `state`, which becomes the one after them. */
static void run_lane(const struct network *network, const struct set *set,
                     const struct dataset_lane *lane, size_t t, size_t t_end, size_t phase,
                     size_t spacing, double *state, struct sums *sums)
{
    const struct gru_info *info = &set->model->info;
    const size_t one = 1, begin = t;
    for (; t < t_end && t < lane->n_rows; t++) {
        float in[INPUTS];
        double out[Y_MAX];
        struct network of_row = *network;
        of_row.begins = t == 0;
        for (size_t i = 0; i < INPUTS; i++) {
            in[i] = (float)((lane->x[t * INPUTS + i] - info->inputs[i].mean) / info->inputs[i].std);
        }
        network_run(&of_row, 1, &one, in, state, out);
        if ((t - begin) % spacing == phase) {
            roll(network, set, lane, t, state, out, sums);
        }
    }
}

/* The window of the trainer's lanes that begins at row t. */
struct window_of {
    const struct gru_trainer *trainer;
    struct dataset_lane lanes[SERIES];
    size_t n_lanes, t, t_end, phase;
    double states[SERIES][STATES_MAX]; /* before it */
};

static double loss_at(const struct set *set, const struct window_of *w, const double *parameters)
{
    const struct network network = { .model = set->model, .parameters = parameters };
    struct sums sums = { 0 };
    for (size_t k = 0; k < w->n_lanes; k++) {
        double state[STATES_MAX];
        memcpy(state, w->states[k], sizeof state);
        run_lane(&network, set, &w->lanes[k], w->t, w->t_end, w->phase,
                 w->trainer->horizon->sizes.spacing, state, &sums);
    }
    return sums.loss / sums.weight;
}

/* Some of the gradients, spread over all. */
static void check_gradients(const struct set *set, const struct window_of *w, double *parameters)
{
    const size_t n = w->trainer->sizes.n_parameters, first = n - w->trainer->sizes.n_trained;
    const float *gradients = gru_backprop_gradients(w->trainer->backprop);
    double most = 0;
    for (size_t k = first; k < n; k++) {
        most = fmax(most, fabs((double)gradients[k]));
    }
    ck_assert_double_gt(most, 0);
    for (size_t k = first; k < n; k += 1 + (n - first) / 37) {
        const double kept = parameters[k], h = 2e-3;
        parameters[k] = kept + h;
        const double above = loss_at(set, w, parameters);
        parameters[k] = kept - h;
        const double below = loss_at(set, w, parameters);
        parameters[k] = kept;
        const double slope = (above - below) / (2 * h);
        ck_assert_msg(fabs(slope - (double)gradients[k]) < 2e-3 * most + 2e-4 * fabs(slope),
                      "window at %zu, parameter %zu: %.9g, not %.9g", w->t, k, (double)gradients[k],
                      slope);
    }
}

/* Loss and gradient of each window of an epoch: all series are one batch. */
static void expect_exact(struct set *set)
{
    struct gru_progress progress;
    struct gru_trainer *trainer = training_begin(set->model, &set->training);
    const size_t window = set->training.hyperparameters.window, n = trainer->sizes.n_parameters;
    double *parameters = malloc(n * sizeof *parameters);
    struct window_of w = { .trainer = trainer, .n_lanes = trainer->n_lanes };
    memcpy(w.lanes, trainer->arrays.lanes, w.n_lanes * sizeof *w.lanes);
    for (size_t k = 0; k < n; k++) {
        parameters[k] = (double)gru_backprop_parameters(trainer->backprop)[k];
    }
    for (; w.t < w.lanes[0].n_rows; w.t += window) {
        const bool is_step = gru_trainer_advance(trainer, &progress) == GRU_ADVANCED_STEP;
        w.t_end = w.t + window;
        w.phase = trainer->roll_phase;
        const double loss = loss_at(set, &w, parameters);
        ck_assert_int_eq(is_step, !isnan(loss)); /* else there are no targets */
        if (is_step) {
            training_expect_near("loss", progress.step_loss, loss, 2e-5);
            check_gradients(set, &w, parameters);
        }
        const struct network network = { .model = set->model, .parameters = parameters };
        for (size_t k = 0; k < w.n_lanes; k++) { /* states go on, and are constants then */
            struct sums none = { 0 };
            run_lane(&network, set, &w.lanes[k], w.t, w.t_end, SIZE_MAX, 1, w.states[k], &none);
        }
    }
    free(parameters);
    gru_trainer_free(trainer);
}

static void expect_exact_model(const char *grud, size_t n_head, size_t horizon, bool with_y)
{
    struct set set;
    make_set(&set, grud, n_head, horizon, with_y);
    expect_exact(&set);
    free_set(&set);
}

/* ---- gradients ---- */

TEST(roll_outs_have_exact_gradients)
{
    expect_exact_model("{" FEEDS "}", 2, 2, false);
    expect_exact_model("{" FEEDS "}", 2, 5, false);
    expect_exact_model("{" FEEDS "}", 2, 5, true);
    expect_exact_model("{" FEEDS_AND_ONE "}", 3, 4, true);
    expect_exact_model("{" FEEDS_AND_ONE "}", 3, 4, false);
}

TEST(residual_roll_outs_have_exact_gradients)
{
    expect_exact_model("{\"residual\":true," FEEDS "}", 2, 5, false);
    expect_exact_model("{\"residual\":true," FEEDS_AND_ONE "}", 3, 6, true);
    expect_exact_model("{\"residual\":true,\"steps\":2," FEEDS "}", 4, 7, false);
}

TEST(roll_outs_in_blocks_have_exact_gradients)
{
    expect_exact_model("{\"steps\":2," FEEDS "}", 4, 3, false);
    expect_exact_model("{\"steps\":3," FEEDS_AND_ONE "}", 9, 7, true);
    expect_exact_model("{\"steps\":3,\"residual\":true," FEEDS_AND_ONE "}", 9, 9, false);
}

TEST(roll_outs_of_every_cell_have_exact_gradients)
{
    static const char *const cells[] = {
        "{\"cell\":\"gru\",\"reset\":\"before\"," FEEDS "}",
        "{\"cell\":\"gru_output_gate\"," FEEDS "}",
        "{\"cell\":\"gru_output_gate\",\"reset\":\"before\",\"residual\":true," FEEDS "}",
        "{\"cell\":\"gru_three_gate\"," FEEDS "}",
        "{\"cell\":\"lstm\"," FEEDS "}",
        "{\"cell\":\"lstm\",\"residual\":true,\"steps\":2," FEEDS "}",
    };
    for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
        expect_exact_model(cells[k], strstr(cells[k], "steps") ? 4 : 2, 4, false);
    }
}

TEST(roll_outs_through_an_activation_have_exact_gradients)
{
    expect_exact_model("{\"activation\":\"tanh\"," FEEDS "}", 2, 5, false);
    expect_exact_model("{\"activation\":\"sigmoid\",\"residual\":true," FEEDS "}", 2, 5, false);
    expect_exact_model("{\"activation\":\"softmax\"," FEEDS_AND_ONE "}", 3, 5, true);
}

/* Layers of every kind, one of which is the first. */
TEST(roll_outs_of_any_chain_have_exact_gradients)
{
    static const char *const networks[] = {
        "[{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},{\"type\":\"gru\",\"units\":5},"
        "{\"type\":\"layer_norm\"},{\"type\":\"dense\",\"units\":2}]",
        "[{\"type\":\"layer_norm\"},{\"type\":\"lstm\",\"units\":4},{\"type\":\"activation\","
        "\"activation\":\"silu\"},{\"type\":\"gru_output_gate\",\"units\":3},{\"type\":\"heads\","
        "\"heads\":[{\"units\":1},{\"units\":1}]}]",
        "[{\"type\":\"batch_norm\"},{\"type\":\"gru_three_gate\",\"units\":4},{\"type\":\"dense\","
        "\"units\":2}]",
    };
    static const char *const inputs[] = { "a", "b", "c" }, *const outputs[] = { "b", "a" };
    for (size_t k = 0; k < sizeof networks / sizeof *networks; k++) {
        const struct gru_plan plan = { .n_inputs = 3,
                                       .n_outputs = 2,
                                       .inputs = inputs,
                                       .outputs = outputs,
                                       .network = networks[k],
                                       .n_network = strlen(networks[k]),
                                       .residual = k == 1,
                                       .seed = 3 };
        struct gru_model *model;
        struct gru_error error;
        struct set set;
        ck_assert_msg(gru_model_create(&plan, &model, &error) == GRU_OK, "%s", error.message);
        make_set_of(&set, model, 4, false);
        expect_exact(&set);
        free_set(&set);
    }
}

TEST(roll_outs_of_each_loss_and_weight_have_exact_gradients)
{
    for (int loss = GRU_MSE; loss <= GRU_HUBER; loss++) {
        struct set set;
        make_set(&set, "{" FEEDS "}", 2, 4, false);
        struct gru_hyperparameters *h = &set.training.hyperparameters;
        h->loss = loss;
        h->n_output_weights = 2;
        h->output_weights[0] = 0.5;
        h->output_weights[1] = 3;
        expect_exact(&set);
        free_set(&set);
    }
}

/* Through layers that are not trained, too. */
TEST(roll_outs_of_a_head_have_exact_gradients)
{
    struct set set;
    make_set(&set, "{\"residual\":true," FEEDS "}", 2, 5, false);
    set.training.hyperparameters.train = GRU_TRAIN_HEAD;
    expect_exact(&set);
    free_set(&set);
}

/* A window of one row, and one that all fits in. */
TEST(roll_outs_reach_beyond_their_window)
{
    for (size_t window = 1; window <= 32; window += 31) {
        struct set set;
        make_set(&set, "{" FEEDS "}", 2, 9, false);
        set.training.hyperparameters.window = window;
        expect_exact(&set);
        free_set(&set);
    }
}

/* ---- laws ---- */

TEST(a_horizon_that_the_read_out_has_by_itself_changes_nothing)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, "{\"steps\":3," FEEDS "}", 6, 1, false);
    set.training.hyperparameters.learning_rate = 0.01;
    struct gru_model *plain = training_whole(set.model, &set.training, &progress);
    set.training.hyperparameters.horizon_loss = 3;
    struct gru_model *same = training_whole(set.model, &set.training, &progress);
    training_expect_same_weights(plain, same);
    gru_model_unref(plain);
    gru_model_unref(same);
    free_set(&set);
}

TEST(dropout_and_the_first_origin_depend_on_the_seed)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set, "{" FEEDS "}", 2, 12, false);
    set.training.hyperparameters.learning_rate = 0.01;
    set.training.hyperparameters.dropout = 0.3;
    struct gru_model *model = training_whole(set.model, &set.training, &progress);
    struct gru_model *again = training_whole(set.model, &set.training, &progress);
    training_expect_same_weights(model, again);
    ck_assert(isfinite(progress.train_loss));
    gru_model_unref(model);
    gru_model_unref(again);
    free_set(&set);
}

/* ---- validation ---- */

/* Errors of what is served from some rows on, and of the last reading. */
static void measure(const struct set *set, size_t spacing, size_t first, struct sums *model,
                    struct sums *naive)
{
    const struct gru_info *info = &set->model->info;
    const size_t horizon = set->training.hyperparameters.horizon_loss;
    const size_t window = set->training.hyperparameters.window;
    const struct gru_series *series = &set->series[1];
    float state[STATES_MAX];
    double y[Y_MAX];
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    gru_state_init(set->model, state);
    for (size_t t = 0; t < series->n_rows; t++) {
        struct gru_lane lane = {
            .state_in = state, .state_out = state, .x = series->x + t * INPUTS, .n_rows = 1, .y = y
        };
        ck_assert_int_eq(gru_run(set->model, work, &lane, 1), GRU_OK);
        for (size_t ahead = 1;
             t % window % spacing == 0 && ahead <= horizon && t + ahead < series->n_rows; ahead++) {
            double future[ROWS], forecast[ROWS * OUTPUTS_MAX];
            for (size_t k = 1; k < ahead; k++) {
                future[k - 1] = series->x[(t + k) * INPUTS + 2];
            }
            ck_assert_int_eq(
                gru_forecast(set->model, work, state, ahead, future, ahead - 1, forecast), GRU_OK);
            for (size_t o = 0; o < info->n_outputs && t + ahead >= first; o++) {
                const struct gru_variable *v = &info->outputs[o];
                const double truth = series->x[(t + ahead) * INPUTS + (size_t)v->feeds];
                const double now = series->x[t * INPUTS + (size_t)v->feeds];
                const double served = forecast[(ahead - 1) * info->n_outputs + o];
                model->loss += (served - truth) / v->std * (served - truth) / v->std;
                naive->loss += (now - truth) / v->std * (now - truth) / v->std;
                model->weight++;
            }
        }
    }
    gru_work_free(work);
}

/* Nothing is missing here. */
TEST(validation_judges_what_is_served)
{
    static const char *const models[] = { "{" FEEDS "}", "{\"residual\":true," FEEDS "}",
                                          "{\"cell\":\"lstm\"," FEEDS "}" };
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        struct set set;
        struct gru_progress progress;
        struct sums model = { 0 }, naive = { 0 };
        make_set(&set, models[k], 2, 8, false);
        for (size_t i = 0; i < SERIES * ROWS * INPUTS; i++) {
            set.x[i] = isnan(set.x[i]) ? 0.25 : set.x[i];
        }
        set.training.series = &set.series[1];
        set.training.n_series = 1;
        set.training.validation_fraction = 0.4;
        set.training.hyperparameters.n_epochs = 1;
        gru_model_unref(training_whole(set.model, &set.training, &progress));
        const size_t spacing = 2; /* of 8 blocks */
        measure(&set, spacing, ROWS - (size_t)(0.4 * ROWS), &model, &naive);
        training_expect_near("baseline", progress.baseline_valid_loss, model.loss / model.weight,
                             2e-5);
        training_expect_near("trained", progress.valid_loss, model.loss / model.weight, 2e-5);
        training_expect_near("persistence", progress.persistence_valid_loss,
                             naive.loss / model.weight, 2e-5);
        free_set(&set);
    }
}
