/* mixture_support.h - series, forecasters that are good or bad at them, and a mixture that goes
 * through them beside its reference. */
#ifndef MIXTURE_SUPPORT_H
#define MIXTURE_SUPPORT_H

#include "mixture_reference.h"

enum { MIXTURE_SERIES_MAX = 4000, MIXTURE_AHEAD = 12 };

struct mixture_series {
    const char *name;
    size_t n, season;
    double values[MIXTURE_SERIES_MAX];
};
/* The measured ones, then made ones: jumps, spikes, changes of variance, a walk, noise, a season,
 * a constant. */
enum { MIXTURE_SERIES = 10, MIXTURE_MEASURED = 3 };
const struct mixture_series *mixture_series_at(size_t which);

/* How a model forecasts. */
enum mixture_model {
    MIXTURE_GOOD,      /* an autoregression that learns, around the season if there is one */
    MIXTURE_RANDOM,    /* a network of random weights, around the mean */
    MIXTURE_DRIFTING,  /* one that forecasts changes */
    MIXTURE_ZERO,      /* always 0 */
    MIXTURE_SWAPPING,  /* as it will be, and far off, in turn for 150 readings each */
    MIXTURE_HOSTILE,   /* far off whenever it is believed, else as it will be */
    MIXTURE_TURNS_BAD, /* good, and from the middle on a new version of random weights */
    MIXTURE_MODELS
};

/* What came of a series 1, 3 and 12 steps ahead. */
enum { MIXTURE_ASKED = 3 };
extern const size_t mixture_asked[MIXTURE_ASKED];
struct mixture_run {
    double absolute[MIXTURE_ASKED], squared[MIXTURE_ASKED]; /* means of the mixture's errors */
    double persistence_absolute[MIXTURE_ASKED], persistence_squared[MIXTURE_ASKED];
    double best_squared[MIXTURE_ASKED]; /* of the best expert's */
    double worst_share[MIXTURE_ASKED];  /* the largest share of its bound that a regret was */
    double most_apart[MIXTURE_ASKED];   /* from the reference, as a share of how far experts are */
};
/* With all values times `scale`. */
struct mixture_run mixture_run_series(const struct mixture_series *series, enum mixture_model model,
                                      double scale);

#endif
