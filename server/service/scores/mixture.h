/*
 * mixture.h - forecasts that are never much worse than persistence: for each output and step ahead
 * a mean of a few experts' forecasts, whose weights are learnt from what came.
 *
 * The experts, h steps ahead of a reading:
 *
 *     model           what the network forecasts
 *     persistence     the last known value
 *     seasonal naive  the value one season before, or as many seasons as it takes to be known
 *     level           an exponentially weighted mean of the values, rate 0.2
 *
 * The rule is exponential weights with second-order losses and a rate for each expert, of the
 * family of BOA (Wintenberger, Machine Learning 106, 2017), ML-Prod (Gaillard, Stoltz, van Erven,
 * COLT 2014) and Squint (Koolen, van Erven, COLT 2015); ranges are learnt as by Mhammedi, Koolen,
 * van Erven (COLT 2019). When the truth y of forecasts x_k comes, with d = 0.999 and L = 2 / h:
 *
 *     p_k ~ w_k eta_k exp(eta_k S_k)             the weights, of those that are there; sum 1
 *     m = sum p_k x_k                            the mixture, by the weights of now
 *     r_k = 2 (m - y) (m - x_k)                  no less than its loss - the expert's, squared
 *     B' = max(d B, max_k |r_k|)
 *     S_k <- d S_k + u - eta_k u^2               u = r_k d B / B', eta_k as below, of d B and d^2 V
 *     V_k <- d^2 V_k + u^2
 *     eta_k = min(1 / (2 B), sqrt(L / (B^2 + V_k)))
 *
 * Persistence has w = 1. Each other expert is on trial first, without a weight: of 20 forecasts the
 * sum of s = (|m - y| - |x_k - y|) / (|m - y| + |x_k - y|) is taken. If its errors were about twice
 * the mixture's (the mean of s is below -1/3) it is tried again; else it joins, with
 * 0.02 exp(2 sum s / h) of what the others weigh, and S = V = 0.
 *
 * What it promises, of any series, at each moment, for an expert that joined: with sums of losses
 * since then which forget by d a reading, and R the mixture's less the expert's,
 *
 *     R <= B + 2 sqrt(L V_k) + (2 B + sqrt((B^2 + V_k) / L)) ln((1 + A / e) W / w_k) + (h - 1) G P.
 *
 * W is the sum of the w of all that have joined; A, of the expert with the most, the sum of how
 * much its 1 / eta grew, reading by reading, relative to what it was (about 0.001 a reading), in
 * units in which nothing is forgotten. The last term is for the delay: a forecast is made with
 * weights that are h - 1 readings older than those by which it is scored. P is how far the weights
 * have moved in all (the sum of |changes|), and G the most that 2 |(m - y) (m - x_k)| was.
 * docs/BLENDING.md has the proof. While nobody has joined, the mixture is persistence.
 *
 * All that it knows is one block of bytes, without pointers, whose size follows from the layout of
 * a tracker (interval_tracker.h): of the same outputs, as far ahead. Bytes are aligned to 4.
 *
 * Pure functions of the bytes: any thread, one at a time for one block.
 */
#ifndef MIXTURE_H
#define MIXTURE_H

#include "service/scores/interval_tracker.h"

enum mixture_expert {
    MIXTURE_MODEL,
    MIXTURE_PERSISTENCE,
    MIXTURE_SEASONAL,
    MIXTURE_LEVEL,
    MIXTURE_EXPERTS
};
enum { MIXTURE_TRIAL = 20 /* forecasts that are scored before an expert joins */ };

struct mixture {
    const struct interval_layout *layout;
    unsigned char *bytes; /* [mixture_bytes] */
};
size_t mixture_bytes(const struct interval_layout *layout);

/* With nothing learnt, and no value known. */
void mixture_begin(const struct mixture *mixture);
/* The last known value of an output of which it knows none itself; NaN: there is none. */
void mixture_know(const struct mixture *mixture, size_t output, double last);
/* Behind a begin: all that another of the same session knows, which has as many outputs, of those
 * that both track, as far as it looks ahead. */
void mixture_take(const struct mixture *mixture, const struct mixture *from);

/* What was, and is to be, of a session: its `step`-th reading has come. */
struct mixture_reading {
    uint64_t step;
    const double *truths;    /* [O], NaN: missing, or not to be known */
    const double *forecasts; /* [n_horizons][O]: the model's, made now */
    size_t n_horizons;       /* of which those beyond the layout's are left out */
    size_t season;           /* readings in one; 0: there is no seasonal naive */
    const double *seasonal;  /* [min(season, H)][O]: what came one season before each of the next
                                readings, NaN: not known; without a season not looked at */
};
/* To be called for each step of the session, with n_horizons 0 if nothing was forecast. */
void mixture_step(const struct mixture *mixture, const struct mixture_reading *reading);

/* The mixture of forecasts[n_horizons][O] that were made at the last step. Of outputs that are not
 * tracked, and steps ahead that are too many, they are the model's. And what it weighs of each
 * expert: the means over steps ahead, and the outputs of which a value is known; if there are none,
 * the model weighs 1. */
void mixture_forecast(const struct mixture *mixture, const double *forecasts, size_t n_horizons,
                      double *ret_forecasts, double ret_weights[MIXTURE_EXPERTS]);
/* Whether its experts have a seasonal naive among them. */
bool mixture_has_season(const struct mixture *mixture);

/* The model's forecasts are another's from here on, or begin anew: it is on trial again. What waits
 * is dropped. */
void mixture_restart_model(const struct mixture *mixture);
/* The forecasts that wait are not of the readings that come. */
void mixture_drop_waiting(const struct mixture *mixture);

/* Whether bytes from outside are what a mixture can hold. */
bool mixture_is_valid(const struct mixture *mixture);

#endif
