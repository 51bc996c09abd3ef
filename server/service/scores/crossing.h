/*
 * crossing.h - when a threshold will be crossed: the first step ahead at which a forecast itself is
 * beyond it, and how probable it is that a reading will have been beyond it by each step ahead,
 * from what a tracker of intervals has learnt. Beyond is strictly above, or strictly below.
 *
 * One step ahead. The half-widths q_l of the levels say how large errors e are: |e| <= q_l for that
 * share of them. With Phi the normal distribution, and z(q_l) = Phi^-1((1 + level_l) / 2), z is
 * joined by lines over q from z(0) = 0; so it is exact where errors are normal, and follows them
 * where the levels say that they are not. Beyond the last width it goes on as steeply as in its
 * last part, or as from 0 to there, whichever is flatter: tails are rather too heavy than too
 * light. A level whose width is no wider than a lower one's has that one's; one without bounds is
 * left out. Errors are as often positive as negative: with d from the forecast to the threshold,
 *
 *     p = P(e > d) = 1 - Phi(z(d))          z(-d) = -z(d)
 *
 * By h steps ahead. The errors of one forecast go together. In units of z they are taken for a
 * Gauss-Markov chain, as those of an autoregression of order 1 are: e_h = phi e_(h-1) + a new part
 * as large as e_1, so that v_h^2 = phi^2 v_(h-1)^2 + v_1^2, and from one step ahead to the next
 *
 *     rho_h = phi v_(h-1) / v_h = sqrt(1 - v_1^2 / v_h^2),      0 where v_h < v_1
 *
 * with v the running mean of |e|. For a random walk that is sqrt(1 - 1 / h), and where errors do
 * not grow, as of noise about what is known, they are independent. What has not crossed yet is a
 * truncated normal, taken for a normal of its mean and variance (Mendell and Elston, Biometrics 30,
 * 1974): the chance to go on so is Phi of the next score, one number a step. Where the forecast of
 * a walk or of an autoregression stays where it is, that is off by 0.035 at most of what the chain
 * gives. It is kept within what holds of any such chain, by Slepian's inequality:
 * max p <= P <= 1 - prod(1 - p), and never falls.
 *
 * Pure functions of their arguments: any thread.
 */
#ifndef CROSSING_H
#define CROSSING_H

#include "service/scores/interval_tracker.h"

#include <stdbool.h>
#include <stddef.h>

struct crossing {
    size_t output;
    bool is_above; /* else below */
    double threshold;
};

/* The first of forecasts[n_rows][O] that is beyond the threshold, from 1; 0: none is. */
size_t crossing_ahead(const struct crossing *crossing, const double *forecasts, size_t n_rows,
                      size_t n_outputs);
enum { CROSSING_AHEAD_MAX = 24 }; /* as interval-horizon-max (config.h) */

/* How probable it is that a reading will have been beyond it by 1 to n_rows steps ahead, of those
 * forecasts; NaN from the first step ahead on of which the tracker (NULL: none) knows nothing,
 * since too few forecasts were scored, no level has bounds, or the output is not tracked. */
void crossing_probabilities(const struct crossing *crossing, const struct interval_tracker *tracker,
                            const double *forecasts, size_t n_rows, double *ret_by_horizon);

/* What a reply tells of it. */
struct crossing_reply {
    size_t ahead, n_rows;
    double *by_horizon; /* [n_rows]; NULL: not asked for */
};
/* Of forecasts[n_rows][O]: n_rows and the room are there already. */
void crossing_reply_fill(const struct crossing *crossing, const struct interval_tracker *tracker,
                         const double *forecasts, size_t n_outputs, struct crossing_reply *reply);

#endif
