/*
 * explain_path.c - a window of points of the path, forth and back. In lane p everything that was
 * seen is multiplied by the point's a; what is fed back follows from that, as it does where it is
 * served (engine/forward.c, engine/forecast.c). On the way back the gradient by what was seen,
 * times what was seen, is an input's credit.
 */
#include "engine/activation.h"
#include "engine/explain/explain.h"
#include "engine/readings.h"
#include "engine/train/loss.h"

#include <math.h>
#include <string.h>

/* ---- pieces ---- */

/* Steps that go together: of the T rows, or a whole block. */
struct path_piece {
    size_t first, n;
    bool has_forecast; /* its last row is one that is forecast behind */
    size_t block;      /* then: whose rows ahead these are */
};

static struct path_piece piece_from(const struct gru_explain *explain, size_t first)
{
    const struct explain_sizes *sizes = &explain->sizes;
    const size_t steps = explain->model->info.steps;
    if (first >= sizes->n_kept) {
        return (struct path_piece){ first, steps, true, (first - sizes->n_kept) / steps + 1 };
    }
    const size_t left = sizes->n_kept - first;
    const size_t n = left < sizes->n_piece ? left : sizes->n_piece;
    return (struct path_piece){ first, n, n == left, 0 };
}

/* The one that ends there. */
static struct path_piece piece_before(const struct gru_explain *explain, size_t end)
{
    const struct explain_sizes *sizes = &explain->sizes;
    return piece_from(explain, end > sizes->n_kept ? end - explain->model->info.steps
                                                   : (end - 1) / sizes->n_piece * sizes->n_piece);
}

static struct backprop_part part_of(const struct gru_explain *explain,
                                    const struct path_piece *piece)
{
    return (struct backprop_part){ piece->first, piece->n, piece->first * explain->n_lanes };
}

/* Whether the row is the last one before what a block forecasts, which it is then added to. */
static bool is_last_of(const struct path_piece *piece, size_t k)
{
    return piece->has_forecast && k + 1 == piece->n;
}

/* ---- forth ---- */

/* What the network sees of the forecast of row j, for the input that it feeds; not normalised. */
static double fed_back(const struct gru_explain *explain, size_t lane, size_t j, size_t input)
{
    const struct gru_variable *to = &explain->model->info.inputs[input];
    const size_t at = j * explain->model->info.n_outputs + (size_t)to->feeds;
    const struct turn_lane *of = &explain->of[lane];
    return of->unit[at] > 0 ? of->u[at] : to->mean;
}

static void fill_in(struct gru_explain *explain, const struct path_piece *piece)
{
    const struct gru_info *info = &explain->model->info;
    float *in = explain->in + piece->first * explain->n_lanes * info->n_inputs;
    for (size_t t = piece->first; t < piece->first + piece->n; t++) {
        const float *seen = explain->seen + t * info->n_inputs;
        for (size_t p = 0; p < explain->n_lanes; p++) {
            const double a = explain->points[explain->first + p].at;
            for (size_t i = 0; i < info->n_inputs; i++) {
                const struct gru_variable *input = &info->inputs[i];
                *in++ =
                    t >= explain->sizes.n_kept && input->feeds >= 0
                        ? gru_normalise(input, fed_back(explain, p, t - explain->sizes.n_kept, i))
                        : (float)(a * (double)seen[i]);
            }
        }
    }
}

/* What an output is added to, where the model is residual: what was seen of the input that it
 * feeds, in the last row before block k. */
static double added_to(const struct gru_explain *explain, size_t lane, size_t k, size_t input)
{
    const struct gru_info *info = &explain->model->info;
    if (k > 0) {
        return fed_back(explain, lane, k * info->steps - 1, input);
    }
    const float seen = explain->seen[(explain->sizes.n_kept - 1) * info->n_inputs + input];
    return info->inputs[input].mean +
           info->inputs[input].std * explain->points[explain->first + lane].at * (double)seen;
}

/* From the read-out of block k, whose rows are in z. */
static void take_forecast(struct gru_explain *explain, size_t k)
{
    const struct gru_info *info = &explain->model->info;
    const size_t n = explain->n_lanes * info->y_floats;
    const float *z = explain->z + k * explain->sizes.n_lanes * info->y_floats;
    float *a = explain->a + k * explain->sizes.n_lanes * info->y_floats;
    memcpy(a, z, n * sizeof *a);
    gru_activate_output(info, a, explain->n_lanes, info->y_floats);
    for (size_t p = 0; p < explain->n_lanes; p++) {
        double *u = explain->of[p].u + k * info->y_floats;
        for (size_t c = 0; c < info->y_floats; c++, a++) {
            const struct gru_variable *output = &info->outputs[c % info->n_outputs];
            u[c] = output->std * (double)*a + output->mean;
            if (info->residual && output->feeds >= 0) {
                u[c] += added_to(explain, p, k, (size_t)output->feeds);
            }
        }
        gru_turn_on(explain->model, &explain->of[p], k * info->steps, info->steps);
    }
}

static void run_forth(struct gru_explain *explain, const struct path_piece *piece)
{
    const size_t n = explain->n_lanes * explain->model->info.y_floats;
    const struct backprop_part part = part_of(explain, piece);
    fill_in(explain, piece);
    gru_backprop_forward_part(explain->backprop, &explain->window, &part, explain->out);
    if (piece->has_forecast) {
        float *z =
            explain->z + piece->block * explain->sizes.n_lanes * explain->model->info.y_floats;
        memcpy(z, explain->out + (piece->n - 1) * n, n * sizeof *z);
        take_forecast(explain, piece->block);
    }
}

/* ---- back ---- */

static size_t asked(const struct gru_explain *explain)
{
    return (explain->question.ahead - 1) * explain->model->info.n_outputs +
           explain->question.output;
}

/* All rows have run: F is known, and its slopes by what the read-outs gave. */
static void turn_round(struct gru_explain *explain)
{
    const struct gru_question *question = &explain->question;
    for (size_t p = 0; p < explain->n_lanes; p++) {
        struct turn_lane *of = &explain->of[p];
        explain->points[explain->first + p].value = of->raw[asked(explain)];
        gru_turn_slopes(explain->model, question->state, of, explain->sizes.n_ahead,
                        question->ahead - 1, question->output);
    }
    gru_backprop_begin_backward(explain->backprop);
}

/* From the slopes by what block k's read-out gave to those by z, in d, and by what was added. In
 * units of the output's std, so that they fit floats. */
static void undo_forecast(struct gru_explain *explain, size_t k, float *d)
{
    const struct gru_info *info = &explain->model->info;
    const double scale = info->outputs[explain->question.output].std;
    float *z = explain->z + k * explain->sizes.n_lanes * info->y_floats;
    const float *a = explain->a + k * explain->sizes.n_lanes * info->y_floats;
    memset(explain->d_seen, 0, explain->n_lanes * info->n_inputs * sizeof *explain->d_seen);
    for (size_t p = 0; p < explain->n_lanes; p++) {
        const double *slopes = explain->of[p].slopes + k * info->y_floats;
        for (size_t c = 0; c < info->y_floats; c++) {
            const struct gru_variable *output = &info->outputs[c % info->n_outputs];
            d[c] = (float)(slopes[c] / scale * output->std);
            if (info->residual && output->feeds >= 0) {
                explain->d_seen[p * info->n_inputs + (size_t)output->feeds] += slopes[c];
            }
        }
        gru_loss_undo_activation(info, a, z, d);
        d += info->y_floats;
        z += info->y_floats;
        a += info->y_floats;
    }
}

/* The slope by u of an input's reading at (step, lane) goes to the forecast that it was, or to the
 * input's credit. */
static void take_slope(struct gru_explain *explain, size_t t, size_t p, size_t i, double slope)
{
    const struct gru_info *info = &explain->model->info;
    const struct gru_variable *input = &info->inputs[i];
    if (t < explain->sizes.n_kept || input->feeds < 0) {
        const struct explain_point *point = &explain->points[explain->first + p];
        point->part->inputs[i] +=
            point->weight * slope * input->std * (double)explain->seen[t * info->n_inputs + i];
        return;
    }
    const size_t at = (t - explain->sizes.n_kept) * info->n_outputs + (size_t)input->feeds;
    if (explain->of[p].unit[at] > 0) {
        explain->of[p].slopes[at] += slope;
    }
}

static void take_slopes(struct gru_explain *explain, const struct path_piece *piece)
{
    const struct gru_info *info = &explain->model->info;
    const double scale = info->outputs[explain->question.output].std;
    const float *d_in = explain->d_in;
    for (size_t k = 0; k < piece->n; k++) {
        for (size_t p = 0; p < explain->n_lanes; p++) {
            for (size_t i = 0; i < info->n_inputs; i++) {
                double slope = (double)*d_in++ * scale / info->inputs[i].std;
                if (is_last_of(piece, k)) {
                    slope += explain->d_seen[p * info->n_inputs + i];
                }
                take_slope(explain, piece->first + k, p, i, slope);
            }
        }
    }
}

static void run_back(struct gru_explain *explain, const struct path_piece *piece)
{
    const size_t y_floats = explain->model->info.y_floats;
    const struct backprop_part part = part_of(explain, piece);
    memset(explain->d_out, 0, piece->n * explain->n_lanes * y_floats * sizeof *explain->d_out);
    if (piece->has_forecast) {
        undo_forecast(explain, piece->block,
                      explain->d_out + (piece->n - 1) * explain->n_lanes * y_floats);
    }
    gru_backprop_backward_part(explain->backprop, &explain->window, &part, explain->d_out,
                               explain->d_in);
    take_slopes(explain, piece);
}

/* ---- a window ---- */

bool gru_explain_begin_window(struct gru_explain *explain)
{
    const struct explain_sizes *sizes = &explain->sizes;
    const size_t n_left = explain->n_points - explain->first;
    const size_t n_floats = gru_backprop_state_floats(explain->backprop);
    if (n_left == 0) {
        return false;
    }
    explain->n_lanes = n_left < sizes->n_lanes ? n_left : sizes->n_lanes;
    explain->step = 0;
    explain->is_back = false;
    explain->window = (struct backprop_window){ .n_steps = sizes->n_steps,
                                                .n_lanes = explain->lanes,
                                                .in = explain->in,
                                                .states = explain->states,
                                                .is_training = true };
    for (size_t t = 0; t < sizes->n_steps; t++) {
        explain->lanes[t] = explain->n_lanes;
    }
    for (size_t p = 0; p < explain->n_lanes; p++) {
        memcpy(explain->states + p * n_floats, explain->model->initial_state,
               n_floats * sizeof *explain->states);
        gru_turn_begin(explain->model, explain->question.state, &explain->of[p]);
    }
    gru_backprop_begin_forward(explain->backprop, &explain->window);
    return true;
}

size_t gru_explain_piece(struct gru_explain *explain)
{
    const struct path_piece piece = explain->is_back ? piece_before(explain, explain->step)
                                                     : piece_from(explain, explain->step);
    if (explain->is_back) {
        run_back(explain, &piece);
        explain->step = piece.first;
        return piece.n * explain->n_lanes;
    }
    run_forth(explain, &piece);
    explain->step = piece.first + piece.n;
    if (explain->step == explain->sizes.n_steps) {
        turn_round(explain);
        explain->is_back = true;
    }
    return piece.n * explain->n_lanes;
}
