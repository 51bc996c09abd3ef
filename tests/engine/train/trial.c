#include "trial.h"

#include "engine/layer_dense.h"
#include "engine/layer_recurrent.h"
#include "engine/train/backprop_layer.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a network and a window ---- */

void *trial_allocate(size_t n_bytes)
{
    void *p = calloc(n_bytes + 1, 1);
    ck_assert_ptr_nonnull(p);
    return p;
}

void trial_fill(float *values, size_t n, float scale, unsigned seed)
{
    uint64_t state = seed * UINT64_C(2654435761) + 12345;
    for (size_t k = 0; k < n; k++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        values[k] = scale * ((float)(state >> 40) / (float)(1 << 23) - 1.0F);
    }
}

/* Which feed nothing, and are not scaled. */
static struct gru_variable *trial_variables(size_t n)
{
    struct gru_variable *variables = trial_allocate(n * sizeof *variables);
    for (size_t k = 0; k < n; k++) {
        variables[k] = (struct gru_variable){ .std = 1, .feeds = -1 };
    }
    return variables;
}

static void drop_bias(struct gru_tensor *tensor)
{
    free(tensor->values);
    tensor->values = NULL;
}

/* ---- a chain ---- */

static void make_tensors(const struct plan_layer *of, struct gru_layer *layer, unsigned seed)
{
    const struct layer_kind *kind = layer->shape.kind;
    for (size_t k = 0; k < kind->n_tensors; k++) {
        const struct layer_tensor *row = &kind->tensors[k];
        if (row->is_optional && (row->is_initial_state ? !of->has_learned_state : of->is_bare)) {
            continue;
        }
        ck_assert_int_eq(gru_model_alloc_tensor(layer, k), GRU_OK);
        float *values = layer->tensors[k].values;
        const size_t n = gru_tensor_floats(&layer->tensors[k]);
        trial_fill(values, n, row->is_scale || row->columns == EXTENT_NONE ? 0.4F : 0.6F,
                   seed + (unsigned)k);
        for (size_t j = 0; row->is_scale && j < n; j++) {
            values[j] += 1;
        }
    }
}

/* The chain's layers; its last one gives the outputs. */
static struct gru_model *chain_model(const struct plan *plan)
{
    struct gru_model *model;
    ck_assert_int_eq(gru_model_alloc(&model), GRU_OK);
    ck_assert_int_eq(gru_model_alloc_layers(model, plan->n_layers), GRU_OK);
    size_t n = plan->n_inputs;
    for (size_t l = 0; l < plan->n_layers; l++) {
        const struct plan_layer *of = &plan->chain[l];
        const size_t n_units = of->n_units > 0 ? of->n_units : n;
        model->layers[l].shape = (struct layer_shape){ .kind = gru_layer_kind_row(of->kind),
                                                       .reset = of->reset,
                                                       .activation = of->activation,
                                                       .eps = 1e-3F,
                                                       .n_inputs = n,
                                                       .n_units = n_units };
        make_tensors(of, &model->layers[l], 100 + 10 * (unsigned)l);
        n = n_units;
    }
    model->info = (struct gru_info){ .missing = GRU_MISSING_LAST,
                                     .steps = plan->steps,
                                     .n_inputs = plan->n_inputs,
                                     .n_outputs = n / plan->steps,
                                     .layers = model->info.layers };
    model->info.inputs = trial_variables(model->info.n_inputs);
    model->info.outputs = trial_variables(model->info.n_outputs);
    ck_assert_int_eq(gru_model_finish(model), GRU_OK);
    return model;
}

struct gru_model *trial_model(const struct plan *plan)
{
    if (plan->chain) {
        return chain_model(plan);
    }
    static const char *const inputs[] = { "a", "b", "c", "d", "e" };
    static const char *const outputs[] = { "p", "q", "s", "t", "u", "v" };
    const struct gru_plan gru_plan = { .n_inputs = plan->n_inputs,
                                       .n_outputs = plan->n_outputs * plan->steps,
                                       .n_layers = plan->n_layers,
                                       .inputs = inputs,
                                       .outputs = outputs,
                                       .hidden_sizes = plan->hidden,
                                       .cell = plan->cell,
                                       .reset = plan->reset,
                                       .seed = 5 };
    struct gru_model *model;
    ck_assert_int_eq(gru_model_create(&gru_plan, &model, NULL), GRU_OK);
    model->info.steps = plan->steps; /* the read-out's rows are steps x outputs */
    model->info.n_outputs = plan->n_outputs;
    for (size_t l = 0; plan->no_biases && l < plan->n_layers; l++) {
        drop_bias(&model->layers[l].tensors[RECURRENT_BIAS_IH]);
        drop_bias(&model->layers[l].tensors[RECURRENT_BIAS_HH]);
    }
    if (plan->no_biases) {
        drop_bias(&model->layers[plan->n_layers].tensors[DENSE_BIAS]);
    }
    return model;
}

struct trial trial_new(const struct plan *plan)
{
    struct trial t = { .plan = *plan, .model = trial_model(plan) };
    for (size_t step = 0; step < plan->n_steps; step++) {
        t.n_rows += plan->n_lanes[step];
    }
    const struct backprop_options options = { .rows_max = t.n_rows,
                                              .lanes_max = plan->n_lanes[0],
                                              .head_only = plan->head_only,
                                              .dropout = plan->dropout };
    ck_assert_int_eq(gru_backprop_create(t.model, &options, &t.bp), GRU_OK);
    t.n_states = plan->n_lanes[0] * gru_backprop_state_floats(t.bp);
    t.n_out = t.n_rows * t.model->info.y_floats;
    t.n_parameters = gru_backprop_n_parameters(t.bp);
    t.in = trial_allocate(t.n_rows * plan->n_inputs * sizeof(float));
    t.states = trial_allocate(t.n_states * sizeof(float));
    t.first_states = trial_allocate(t.n_states * sizeof(float));
    t.out = trial_allocate(t.n_out * sizeof(float));
    t.d_out = trial_allocate(t.n_out * sizeof(float));
    trial_fill(t.in, t.n_rows * plan->n_inputs, 1.5F, 1);
    trial_fill(t.first_states, t.n_states, 0.8F, 2);
    trial_fill(t.d_out, t.n_out, 1.0F, 3);
    memcpy(t.states, t.first_states, t.n_states * sizeof(float));
    t.window = (struct backprop_window){ .n_steps = plan->n_steps,
                                         .n_lanes = t.plan.n_lanes,
                                         .in = t.in,
                                         .states = t.states,
                                         .begins = plan->begins,
                                         .is_training = true,
                                         .dropout_key = 77 };
    return t;
}

void trial_free(struct trial *t)
{
    gru_backprop_free(t->bp);
    gru_model_unref(t->model);
    free(t->in);
    free(t->states);
    free(t->first_states);
    free(t->out);
    free(t->d_out);
}

void trial_forward(struct trial *t)
{
    t->window.n_lanes = t->plan.n_lanes; /* the trial may have moved */
    memcpy(t->states, t->first_states, t->n_states * sizeof(float));
    gru_backprop_forward(t->bp, &t->window, t->out);
}

void trial_both(struct trial *t)
{
    trial_forward(t);
    gru_backprop_backward(t->bp, &t->window, t->d_out);
}

/* ---- the reference ---- */

/* What dropout does to each unit, found by dropping from ones. */
static double *masks_of(const struct trial *t, size_t widest)
{
    const size_t n_layers = t->model->n_layers;
    double *masks = trial_allocate(n_layers * t->n_rows * widest * sizeof(double));
    for (size_t l = 0; l < n_layers; l++) {
        const size_t n_units = t->model->layers[l].shape.n_units, hp = k_padded(n_units);
        const struct backprop_chunk chunk = { .n_rows = t->n_rows };
        float *ones = aligned_alloc(64, t->n_rows * hp * sizeof(float));
        ck_assert_ptr_nonnull(ones);
        for (size_t k = 0; k < t->n_rows * hp; k++) {
            ones[k] = 1.0F;
        }
        const struct backprop_pass pass = { .bp = t->bp, .window = &t->window, .chunk = &chunk };
        const struct k_drop drop = backprop_drop(&pass, l);
        t->bp->ops->train->drop(&drop, ones, ones);
        for (size_t row = 0; row < t->n_rows; row++) {
            for (size_t j = 0; j < n_units; j++) {
                masks[(l * t->n_rows + row) * widest + j] = (double)ones[row * hp + j];
            }
        }
        free(ones);
    }
    return masks;
}

struct reference reference_new(const struct trial *t)
{
    struct reference ref = { .network = { .model = t->model, .begins = t->plan.begins } };
    for (size_t l = 0; l < t->model->n_layers; l++) {
        size_t h = t->model->layers[l].shape.n_units;
        ref.network.widest = h > ref.network.widest ? h : ref.network.widest;
    }
    ref.parameters = trial_allocate(t->n_parameters * sizeof(double));
    const float *parameters = gru_backprop_parameters(t->bp);
    for (size_t k = 0; k < t->n_parameters; k++) {
        ref.parameters[k] = (double)parameters[k];
    }
    ref.masks = t->plan.dropout > 0 ? masks_of(t, ref.network.widest) : NULL;
    ref.states = trial_allocate(t->n_states * sizeof(double));
    ref.out = trial_allocate(t->n_out * sizeof(double));
    ref.network.parameters = ref.parameters;
    ref.network.masks = ref.masks;
    return ref;
}

void reference_free(struct reference *ref)
{
    free(ref->parameters);
    free(ref->masks);
    free(ref->states);
    free(ref->out);
}

static void reference_run(struct reference *ref, const struct trial *t)
{
    for (size_t k = 0; k < t->n_states; k++) {
        ref->states[k] = (double)t->first_states[k];
    }
    network_run(&ref->network, t->plan.n_steps, t->plan.n_lanes, t->in, ref->states, ref->out);
}

/* A loss whose gradient by `out` is d_out. */
static double reference_loss(struct reference *ref, const struct trial *t)
{
    double loss = 0;
    reference_run(ref, t);
    for (size_t k = 0; k < t->n_out; k++) {
        loss += ref->out[k] * (double)t->d_out[k];
    }
    return loss;
}

static double slope(struct reference *ref, const struct trial *t, size_t parameter)
{
    const double step = 1e-4;
    double value = ref->parameters[parameter];
    ref->parameters[parameter] = value + step;
    double above = reference_loss(ref, t);
    ref->parameters[parameter] = value - step;
    double below = reference_loss(ref, t);
    ref->parameters[parameter] = value;
    return (above - below) / (2 * step);
}

/* ---- the checks ---- */

void trial_check_forward(const struct trial *t, struct reference *ref)
{
    reference_run(ref, t);
    for (size_t k = 0; k < t->n_out; k++) {
        ck_assert_double_eq_tol((double)t->out[k], ref->out[k], 1e-5);
    }
    for (size_t k = 0; k < t->n_states; k++) {
        ck_assert_double_eq_tol((double)t->states[k], ref->states[k], 1e-5);
    }
}

/* "gru 5, dense 2" */
static const char *describe(const struct trial *t)
{
    static char text[512];
    size_t n = 0;
    for (size_t l = 0; l < t->model->n_layers; l++) {
        const struct layer_shape *shape = &t->model->layers[l].shape;
        const bool is_activation = shape->kind->family == LAYER_ACTIVATION;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %zu", l > 0 ? ", " : "",
                              is_activation ? gru_activation_name(shape->activation)
                                            : gru_layer_kind_name(shape->kind->id),
                              shape->n_units);
    }
    return text;
}

void trial_check_gradients(const struct trial *t, struct reference *ref)
{
    const float *gradients = gru_backprop_gradients(t->bp);
    const size_t n_tried = t->n_parameters > 100000 ? 20 : t->plan.chain ? 80 : 250;
    const size_t stride = t->n_parameters / n_tried + 1;
    for (size_t k = 0; k < t->n_parameters; k += stride) {
        double want = slope(ref, t, k), got = (double)gradients[k];
        bool is_frozen = k < t->n_parameters - gru_backprop_n_trained(t->model, t->plan.head_only);
        ck_assert_msg(fabs(got - (is_frozen ? 0 : want)) <= 2e-5 * fmax(1, fabs(want)),
                      "%s: gradient %zu of %zu is %.9g, not %.9g", describe(t), k, t->n_parameters,
                      got, want);
    }
}
