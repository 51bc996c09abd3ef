#include "service/scores/mixture_places.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The rule's parameters (mixture.h). */
static const double decay = 0.999, level_rate = 0.2, rate_square = 2, rate_most = 0.5,
                    share_of_new = 0.02, trial_weight = 2, trial_least = -MIXTURE_TRIAL / 3.0;

/* ---- experts ---- */

/* Where rings are, at a step. */
struct mixture_moment {
    size_t ring, seasonal; /* step mod H, and mod 2 H */
    size_t season;
};

static struct mixture_moment moment_of(const struct mixture *mixture)
{
    const size_t n_ahead = mixture->layout->n_horizons, twice = last_step(mixture) % (2 * n_ahead);
    return (struct mixture_moment){ .ring = twice < n_ahead ? twice : twice - n_ahead,
                                    .seasonal = twice,
                                    .season = head_of(mixture)->season };
}

/* What they say of the step `ahead` from the one `back` steps before the moment: at most H each. */
static void experts_say(const struct view *view, const struct mixture_moment *moment, size_t back,
                        size_t ahead, double model, double ret_says[MIXTURE_EXPERTS])
{
    const size_t n_ahead = view->n_ahead;
    const size_t ring = moment->ring >= back ? moment->ring - back : moment->ring + n_ahead - back;
    ret_says[MIXTURE_MODEL] = model;
    ret_says[MIXTURE_PERSISTENCE] = value_at(view, view->at.persistence + ring);
    ret_says[MIXTURE_LEVEL] = value_at(view, view->at.levels + ring);
    ret_says[MIXTURE_SEASONAL] = (double)NAN;
    if (moment->season > 0) { /* as many seasons before as it takes: of a step within one */
        size_t within = ahead;
        while (within > moment->season) {
            within -= moment->season;
        }
        const size_t at = moment->seasonal + 2 * n_ahead + within - back;
        const size_t wrapped = at >= 4 * n_ahead   ? at - 4 * n_ahead
                               : at >= 2 * n_ahead ? at - 2 * n_ahead
                                                   : at;
        ret_says[MIXTURE_SEASONAL] = value_at(view, view->at.seasonal + wrapped);
    }
}

/* eta_k B. */
static inline double rate_of(const struct expert *expert, size_t ahead)
{
    const double rate = sqrt(rate_square / ((double)ahead * (1 + (double)expert->squares)));
    return rate < rate_most ? rate : rate_most;
}

/* The logarithm of an expert's weight but for eta, and eta B; -infinity, and 0: it has none. */
static inline double log_weight_of(const struct cell *cell, size_t expert, size_t ahead,
                                   double *ret_rate)
{
    const struct expert *of = &cell->experts[expert];
    const bool has_weight = has_joined(cell, expert);
    *ret_rate = has_weight ? rate_of(of, ahead) : 0;
    return has_weight ? of->log_weight + *ret_rate * of->sum : -INFINITY;
}

/* Of what is not above 0. Most are 0, or far below what weighs anything; a float's digits are those
 * of what is learnt. */
static inline double exp_of(double x)
{
    const double least = -60;
    return x == 0 ? 1 : x < least ? 0 : (double)expf((float)x);
}

struct weighed {
    double weights[MIXTURE_EXPERTS];
    double rates[MIXTURE_EXPERTS]; /* eta_k B; 0: it has no weight */
};

/* Of what they say; NaN: it is not there. Persistence is. The loops are unrolled to keep what they
 * make in registers: in memory it would be written by one number and read by two, and wait. */
static inline void weigh(const struct cell *cell, size_t ahead, const double says[MIXTURE_EXPERTS],
                         struct weighed *ret)
{
    double logs[MIXTURE_EXPERTS], weights[MIXTURE_EXPERTS], most = -INFINITY, sum = 0;
#pragma GCC unroll MIXTURE_EXPERTS
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        ret->rates[k] = 0;
        logs[k] = isnan(says[k]) ? -INFINITY : log_weight_of(cell, k, ahead, &ret->rates[k]);
        most = logs[k] > most ? logs[k] : most;
    }
#pragma GCC unroll MIXTURE_EXPERTS
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        weights[k] = ret->rates[k] > 0 ? ret->rates[k] * exp_of(logs[k] - most) : 0;
        sum += weights[k];
    }
    const double share = 1 / sum;
#pragma GCC unroll MIXTURE_EXPERTS
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        ret->weights[k] = weights[k] * share;
    }
}

/* Linear in what they say: of one that says what all say it is that, to the last digit. */
static double mix(const double weights[MIXTURE_EXPERTS], const double says[MIXTURE_EXPERTS])
{
    const double from = says[MIXTURE_PERSISTENCE];
    double mixed = from;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        mixed += weights[k] > 0 ? weights[k] * (says[k] - from) : 0;
    }
    return mixed;
}

/* ---- learning ---- */

/* By what each gives: r[k], 0 of those without a weight. */
static void learn(struct cell *cell, const double rates[MIXTURE_EXPERTS],
                  const double r[MIXTURE_EXPERTS])
{
    const double before = decay * ((double)cell->range * cell->range);
    double range = before;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        range = fabs(r[k]) > range ? fabs(r[k]) : range;
    }
    if (!(range > 0)) {
        return;
    }
    const double ratio = before / range;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        struct expert *expert = &cell->experts[k];
        if (has_joined(cell, k)) {
            const double u = r[k] / range;
            expert->sum = (float)(ratio * (expert->sum + u - rates[k] * u * u));
            expert->squares = (float)(ratio * ratio * (expert->squares + u * u));
        }
    }
    const double root = sqrt(range);
    cell->range = root < FLT_MAX ? (float)root : FLT_MAX;
}

/* It joins, with a share of what the others weigh. */
static void join(struct cell *cell, size_t ahead, size_t expert)
{
    const double tried = cell->experts[expert].log_weight;
    double most = -INFINITY, sum = 0, rate;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        const double log_weight = log_weight_of(cell, k, ahead, &rate);
        most = log_weight > most ? log_weight : most;
    }
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        const double log_weight = log_weight_of(cell, k, ahead, &rate);
        sum += isinf(log_weight) ? 0 : rate * exp(log_weight - most);
    }
    struct expert *joining = &cell->experts[expert];
    *joining = (struct expert){ 0 };
    const double share = log(share_of_new) + trial_weight * tried / (double)ahead;
    joining->log_weight = (float)(share + most + log(sum / rate_of(joining, ahead)));
    cell->n_tried[expert] = MIXTURE_TRIAL;
}

/* With the mixture's |error| and its own. */
static void try_expert(struct cell *cell, size_t ahead, size_t expert, double mixed, double own)
{
    struct expert *of = &cell->experts[expert];
    const double gain = mixed + own > 0 ? (mixed - own) / (mixed + own) : 0;
    of->log_weight = (float)(of->log_weight + gain);
    if (cell->n_tried[expert] + 1 < MIXTURE_TRIAL) {
        cell->n_tried[expert]++;
    } else if (of->log_weight < trial_least) {
        of->log_weight = 0;
        cell->n_tried[expert] = 0;
    } else {
        join(cell, ahead, expert);
    }
}

static void score(struct cell *cell, size_t ahead, const double says[MIXTURE_EXPERTS], double truth)
{
    struct weighed now;
    double r[MIXTURE_EXPERTS];
    if (isnan(truth) || isnan(says[MIXTURE_PERSISTENCE])) {
        return;
    }
    weigh(cell, ahead, says, &now);
    const double mixed = mix(now.weights, says), error = mixed - truth;
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        r[k] = has_joined(cell, k) && !isnan(says[k]) ? 2 * error * (mixed - says[k]) : 0;
    }
    learn(cell, now.rates, r);
    for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
        if (!has_joined(cell, k) && !isnan(says[k])) {
            try_expert(cell, ahead, k, fabs(error), fabs(says[k] - truth));
        }
    }
}

/* ---- a step ---- */

static void note_value(const struct view *view, const struct mixture_moment *moment, double truth)
{
    const double level = value_at(view, view->at.level);
    if (!isnan(truth)) {
        value_set(view, view->at.last, truth);
        value_set(view, view->at.level,
                  isnan(level) ? truth : level + level_rate * (truth - level));
    }
    value_set(view, view->at.persistence + moment->ring, value_at(view, view->at.last));
    value_set(view, view->at.levels + moment->ring, value_at(view, view->at.level));
}

/* Those that are n_outputs apart. */
static void note_seasonal(const struct view *view, const struct mixture_reading *reading,
                          size_t n_outputs, size_t output)
{
    for (size_t i = 0; i < reading->season && i < view->n_ahead; i++) {
        value_set(view, view->at.seasonal + (reading->step + 1 + i) % (2 * view->n_ahead),
                  reading->seasonal[i * n_outputs + output]);
    }
}

/* With the moment of the reading. */
static void step_output(const struct view *view, const struct mixture_moment *moment,
                        const struct mixture_reading *reading, size_t n_outputs, size_t output)
{
    size_t first = view->at.waiting; /* of the places of that many steps ahead */
    double says[MIXTURE_EXPERTS];
    for (size_t ahead = 1; ahead <= view->n_ahead; ahead++) {
        const size_t waiting = first + turn_of(reading->step, ahead);
        const double model = value_at(view, waiting);
        if (!isnan(model)) {
            experts_say(view, moment, ahead, ahead, model, says);
            score(&view->cells[ahead - 1], ahead, says, reading->truths[output]);
        }
        value_set(view, waiting,
                  ahead <= reading->n_horizons
                      ? reading->forecasts[(ahead - 1) * n_outputs + output]
                      : (double)NAN);
        first += ahead;
    }
    note_value(view, moment, reading->truths[output]);
    note_seasonal(view, reading, n_outputs, output);
}

void mixture_step(const struct mixture *mixture, const struct mixture_reading *reading)
{
    const struct interval_layout *layout = mixture->layout;
    *head_of(mixture) = (struct head){ .step_low = (uint32_t)reading->step,
                                       .step_high = (uint32_t)(reading->step >> 32),
                                       .season = (uint32_t)reading->season };
    const struct mixture_moment moment = moment_of(mixture);
    for (size_t output = 0, place = 0; output < layout->n_outputs; output++) {
        if (is_tracked(layout, output)) {
            const struct view view = view_of(mixture, place++);
            step_output(&view, &moment, reading, layout->n_outputs, output);
        }
    }
}

/* ---- what is told ---- */

bool mixture_has_season(const struct mixture *mixture)
{
    return head_of(mixture)->season > 0;
}

/* Of one output, whose forecasts are n_outputs apart. Adds the weights; returns of how many. */
static size_t mix_output(const struct mixture *mixture, size_t place, const double *forecasts,
                         size_t n_ahead, double *ret_forecasts, double sums[MIXTURE_EXPERTS])
{
    const struct view view = view_of(mixture, place);
    const struct mixture_moment moment = moment_of(mixture);
    const size_t n_outputs = mixture->layout->n_outputs;
    double says[MIXTURE_EXPERTS];
    struct weighed now;
    for (size_t i = 0; i < n_ahead; i++) {
        experts_say(&view, &moment, 0, i + 1, forecasts[i * n_outputs], says);
        if (isnan(says[MIXTURE_PERSISTENCE])) {
            return 0;
        }
        weigh(&view.cells[i], i + 1, says, &now);
        ret_forecasts[i * n_outputs] = mix(now.weights, says);
        for (size_t k = 0; k < MIXTURE_EXPERTS; k++) {
            sums[k] += now.weights[k];
        }
    }
    return n_ahead;
}

void mixture_forecast(const struct mixture *mixture, const double *forecasts, size_t n_horizons,
                      double *ret_forecasts, double ret_weights[MIXTURE_EXPERTS])
{
    const struct interval_layout *layout = mixture->layout;
    const size_t n_ahead = n_horizons < layout->n_horizons ? n_horizons : layout->n_horizons;
    size_t n = 0;
    memcpy(ret_forecasts, forecasts, n_horizons * layout->n_outputs * sizeof *ret_forecasts);
    memset(ret_weights, 0, MIXTURE_EXPERTS * sizeof *ret_weights);
    for (size_t output = 0, place = 0; output < layout->n_outputs; output++) {
        if (is_tracked(layout, output)) {
            n += mix_output(mixture, place++, forecasts + output, n_ahead, ret_forecasts + output,
                            ret_weights);
        }
    }
    for (size_t k = 0; n > 0 && k < MIXTURE_EXPERTS; k++) {
        ret_weights[k] /= (double)n;
    }
    ret_weights[MIXTURE_MODEL] = n > 0 ? ret_weights[MIXTURE_MODEL] : 1;
}
