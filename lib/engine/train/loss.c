/* Losses and their gradients; see loss.h. z is the read-out before its activation, a after it, t a
 * target. */
#include "engine/train/loss.h"
#include "engine/activation.h"
#include "engine/train/activation_slope.h"

#include <math.h>
#include <string.h>

size_t gru_loss_width(const struct gru_info *info, enum gru_loss loss)
{
    return loss == GRU_CROSS_ENTROPY ? info->steps : info->y_floats;
}

/* ---- differences: mse, mae, huber ---- */

double gru_loss_of_one(enum gru_loss loss, double difference)
{
    double size = fabs(difference);
    switch (loss) {
    case GRU_MAE:
        return size;
    case GRU_HUBER: /* delta 1 */
        return size < 1 ? 0.5 * size * size : size - 0.5;
    default:
        return difference * difference;
    }
}

double gru_loss_slope(enum gru_loss loss, double difference)
{
    switch (loss) {
    case GRU_MAE:
        return difference == 0 ? 0 : difference / fabs(difference);
    case GRU_HUBER:
        return fabs(difference) < 1 ? difference : difference / fabs(difference);
    default:
        return 2 * difference;
    }
}

/* The read-out, or one of its heads, from output `at` of a row on. Without heads each forecast step
 * is one, so that each softmax is. False: there are no more. */
static bool take_head(const struct gru_info *info, size_t k, size_t at, struct gru_head *ret_head)
{
    *ret_head =
        k < info->n_heads ? info->heads[k] : (struct gru_head){ info->activation, info->n_outputs };
    return at < info->y_floats;
}

/* A row of z becomes the slopes of the activation. */
static void take_slopes(const struct gru_info *info, const float *a, float *z)
{
    struct gru_head head;
    size_t at = 0;
    for (size_t k = 0; take_head(info, k, at, &head); k++, at += head.n_outputs) {
        gru_activation_slopes(head.activation, a + at, head.n_outputs, z + at);
    }
}

static void undo_softmaxes(const struct gru_info *info, const float *a, float *d)
{
    struct gru_head head;
    size_t at = 0;
    for (size_t k = 0; take_head(info, k, at, &head); k++, at += head.n_outputs) {
        if (head.activation == GRU_SOFTMAX) {
            gru_softmax_undo(a + at, head.n_outputs, d + at);
        }
    }
}

void gru_loss_undo_activation(const struct gru_info *info, const float *a, float *z, float *d)
{
    take_slopes(info, a, z);
    for (size_t k = 0; k < info->y_floats; k++) {
        d[k] *= z[k];
    }
    undo_softmaxes(info, a, d);
}

static struct loss_sum differences(const struct loss_terms *terms, size_t n_rows, float *out,
                                   const float *targets, double scale, float *d_out)
{
    const struct gru_info *info = terms->info;
    struct loss_sum sum = { 0 };
    if (d_out) {
        memcpy(d_out, out, n_rows * info->y_floats * sizeof *out);
    }
    gru_activate_output(info, out, n_rows, info->y_floats);
    for (size_t row = 0; row < n_rows; row++) {
        const float *a = out + row * info->y_floats;
        const float *t = targets + row * info->y_floats;
        float *d = d_out ? d_out + row * info->y_floats : NULL;
        if (d) {
            take_slopes(info, a, d);
        }
        for (size_t k = 0; k < info->y_floats; k++) {
            bool present = !isnan(t[k]);
            double difference = (double)a[k] - (double)t[k], weight = gru_output_weight(terms, k);
            sum.loss += present ? weight * gru_loss_of_one(terms->loss, difference) : 0;
            sum.n += present;
            if (d) {
                const double slope = weight * gru_loss_slope(terms->loss, difference);
                d[k] *= present ? (float)(slope * scale) : 0.0F;
            }
        }
        if (d) {
            undo_softmaxes(info, a, d);
        }
    }
    return sum;
}

/* ---- logits ---- */

/* -t log(sigma(z)) - (1 - t) log(1 - sigma(z)) = max(z, 0) - z t + log(1 + e^-|z|);
 * by z: sigma(z) - t. */
static struct loss_sum binary(const struct loss_terms *terms, size_t n_rows, const float *out,
                              const float *targets, double scale, float *d_out)
{
    struct loss_sum sum = { 0 };
    for (size_t k = 0; k < n_rows * terms->info->y_floats; k++) {
        double z = (double)out[k];
        double t = (double)targets[k], weight = gru_output_weight(terms, k);
        bool present = !isnan(t);
        if (d_out) {
            d_out[k] = present ? (float)(weight * (1 / (1 + exp(-z)) - t) * scale) : 0.0F;
        }
        if (present) {
            sum.loss += weight * ((z < 0 ? 0 : z) - z * t + log1p(exp(-fabs(z))));
            sum.n++;
            sum.n_correct += (z > 0) == (t > 0.5);
        }
    }
    return sum;
}

/* log(sum_k e^z_k) - z_c; by z_k: softmax(z)_k - [k = c]. The largest z is taken out of the
 * exponentials. */
static double one_decision(const float *z, size_t n, size_t c, double scale, float *d,
                           bool *ret_correct)
{
    size_t most = 0;
    for (size_t k = 1; k < n; k++) {
        most = z[k] > z[most] ? k : most;
    }
    double total = 0;
    for (size_t k = 0; k < n; k++) {
        total += exp((double)z[k] - (double)z[most]);
    }
    for (size_t k = 0; d && k < n; k++) {
        double p = exp((double)z[k] - (double)z[most]) / total;
        d[k] = (float)((p - (k == c ? 1 : 0)) * scale);
    }
    *ret_correct = most == c;
    return log(total) + (double)z[most] - (double)z[c];
}

static double weight_of(const struct loss_terms *terms, float target)
{
    return terms->class_weights ? terms->class_weights[(size_t)target] : 1;
}

static struct loss_sum decisions(const struct loss_terms *terms, size_t n_rows, const float *out,
                                 const float *targets, float *d_out)
{
    struct loss_sum sum = { 0 };
    const size_t n = terms->info->n_outputs, n_decisions = n_rows * terms->info->steps;
    for (size_t k = 0; k < n_decisions; k++) {
        sum.weight += isnan(targets[k]) ? 0 : weight_of(terms, targets[k]);
    }
    const double scale = sum.weight > 0 ? 1 / sum.weight : 0;
    for (size_t k = 0; k < n_decisions; k++) {
        float *d = d_out ? d_out + k * n : NULL;
        if (isnan(targets[k])) {
            for (size_t o = 0; d && o < n; o++) {
                d[o] = 0.0F;
            }
            continue;
        }
        bool correct;
        const double weight = weight_of(terms, targets[k]);
        sum.loss +=
            weight * one_decision(out + k * n, n, (size_t)targets[k], weight * scale, d, &correct);
        sum.n++;
        sum.n_correct += correct;
    }
    return sum;
}

/* Of n targets that are there. */
static double total_weight(const struct loss_terms *terms, size_t n_rows, const float *targets,
                           size_t n)
{
    if (!terms->output_weights) {
        return (double)n;
    }
    double weight = 0;
    for (size_t k = 0; k < n_rows * terms->info->y_floats; k++) {
        weight += isnan(targets[k]) ? 0 : gru_output_weight(terms, k);
    }
    return weight;
}

struct loss_sum gru_loss(const struct loss_terms *terms, size_t n_rows, float *out,
                         const float *targets, size_t n, float *d_out)
{
    if (terms->loss == GRU_CROSS_ENTROPY) {
        return decisions(terms, n_rows, out, targets, d_out);
    }
    const double weight = total_weight(terms, n_rows, targets, n);
    const double scale = weight > 0 ? 1 / weight : 0;
    struct loss_sum sum = terms->loss == GRU_BCE
                              ? binary(terms, n_rows, out, targets, scale, d_out)
                              : differences(terms, n_rows, out, targets, scale, d_out);
    sum.weight = weight;
    return sum;
}
