#include "mixture_reference.h"

#include <math.h>
#include <string.h>

static const double d = 0.999;

struct mixture_reference mixture_reference_begin(size_t ahead)
{
    struct mixture_reference reference = { .ahead = ahead };
    reference.n_tried[MIXTURE_PERSISTENCE] = 20;
    reference.weights[MIXTURE_PERSISTENCE] = 1;
    return reference;
}

static bool joined(const struct mixture_reference *of, size_t k)
{
    return of->n_tried[k] == 20;
}

static double square_root_part(const struct mixture_reference *of, size_t k)
{
    return sqrt((of->range * of->range + of->squares[k]) / (2.0 / (double)of->ahead));
}

/* 1 / eta; before there is a range all have the same. */
static double inverse_rate(const struct mixture_reference *of, size_t k)
{
    return of->range > 0 ? fmax(2 * of->range, square_root_part(of, k)) : 1;
}

static double log_weight(const struct mixture_reference *of, size_t k)
{
    return of->log_w[k] + of->sum[k] / inverse_rate(of, k) - log(inverse_rate(of, k));
}

static void weigh(const struct mixture_reference *of, const double *says, double *ret)
{
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        most = joined(of, k) && !isnan(says[k]) ? fmax(most, log_weight(of, k)) : most;
    }
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        ret[k] = joined(of, k) && !isnan(says[k]) ? exp(log_weight(of, k) - most) : 0;
        sum += ret[k];
    }
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        ret[k] /= sum;
    }
}

static double mean(const double *weights, const double *says)
{
    double sum = 0;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        sum += weights[k] > 0 ? weights[k] * says[k] : 0;
    }
    return sum;
}

double mixture_reference_mix(const struct mixture_reference *reference,
                             const double says[MIXTURE_EXPERTS])
{
    double weights[MIXTURE_EXPERTS];
    weigh(reference, says, weights);
    return mean(weights, says);
}

static void learn(struct mixture_reference *of, const double *r)
{
    const double before = d * of->range;
    double range = before, inverse[MIXTURE_EXPERTS];
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        range = fmax(range, fabs(r[k]));
        inverse[k] = inverse_rate(of, k) * d;
        of->sum[k] *= d;
        of->squares[k] *= d * d;
    }
    for (size_t k = 0; k < MIXTURE_EXPERTS && before > 0; k++) {
        const double u = r[k] * before / range;
        of->sum[k] += u - u * u / inverse[k];
        of->squares[k] += u * u;
    }
    of->range = range;
    for (size_t k = 0; k < MIXTURE_EXPERTS && before > 0; k++) {
        of->growth[k] += joined(of, k) ? inverse_rate(of, k) / inverse[k] - 1 : 0;
    }
}

static void join(struct mixture_reference *of, size_t joining)
{
    double sum = 0;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        sum += joined(of, k) ? exp(log_weight(of, k)) : 0;
    }
    of->sum[joining] = of->squares[joining] = 0;
    of->regret[joining] = of->growth[joining] = 0;
    of->log_w[joining] = log(0.02) + 2 * of->trial[joining] / (double)of->ahead + log(sum) +
                         log(inverse_rate(of, joining));
    of->n_tried[joining] = 20;
}

static void try_expert(struct mixture_reference *of, size_t k, double mixed, double own)
{
    of->trial[k] += mixed + own > 0 ? (mixed - own) / (mixed + own) : 0;
    if (of->n_tried[k] + 1 < 20) {
        of->n_tried[k]++;
    } else if (of->trial[k] < -20 / 3.0) {
        of->n_tried[k] = 0;
        of->trial[k] = 0;
    } else {
        join(of, k);
    }
}

/* How far the weights have moved, where all that joined are there. */
static void note_weights(struct mixture_reference *of)
{
    const double there[MIXTURE_EXPERTS] = { 0 };
    double weights[MIXTURE_EXPERTS];
    weigh(of, there, weights);
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        of->moved += fabs(weights[k] - of->weights[k]);
    }
    memcpy(of->weights, weights, sizeof weights);
}

void mixture_reference_score(struct mixture_reference *of, const double says[MIXTURE_EXPERTS],
                             double made, double truth)
{
    double weights[MIXTURE_EXPERTS], r[MIXTURE_EXPERTS];
    weigh(of, says, weights);
    const double mixed = mean(weights, says);
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        const bool counts = joined(of, k) && !isnan(says[k]);
        r[k] = counts ? 2 * (mixed - truth) * (mixed - says[k]) : 0;
        const double loss = counts ? (says[k] - truth) * (says[k] - truth) : 0;
        of->regret[k] = d * of->regret[k] + (counts ? (made - truth) * (made - truth) - loss : 0);
        of->most = counts ? fmax(of->most, fabs(2 * (made - truth) * (made - says[k]))) : of->most;
    }
    learn(of, r);
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        if (!joined(of, k) && !isnan(says[k])) {
            try_expert(of, k, fabs(mixed - truth), fabs(says[k] - truth));
        }
    }
    note_weights(of);
}

void mixture_reference_restart_model(struct mixture_reference *reference)
{
    reference->n_tried[MIXTURE_MODEL] = 0;
    reference->trial[MIXTURE_MODEL] = 0;
    note_weights(reference);
}

double mixture_reference_bound(const struct mixture_reference *of, size_t expert)
{
    double all = 0, growth = 0;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        all += joined(of, k) ? exp(of->log_w[k] - of->log_w[expert]) : 0;
        growth = joined(of, k) ? fmax(growth, of->growth[k]) : growth;
    }
    const double rate = 2.0 / (double)of->ahead;
    return of->range + 2 * sqrt(rate * of->squares[expert]) +
           (2 * of->range + square_root_part(of, expert)) * log((1 + growth / exp(1)) * all) +
           (double)(of->ahead - 1) * of->most * of->moved;
}
