/* mixture_reference.h - the rule of mixture.h for one output and one number of steps ahead, in
 * doubles and in the values' own units, with all that its promise is made of. */
#ifndef MIXTURE_REFERENCE_H
#define MIXTURE_REFERENCE_H

#include "service/scores/mixture.h"

struct mixture_reference {
    size_t ahead;
    double log_w[MIXTURE_EXPERTS], sum[MIXTURE_EXPERTS], squares[MIXTURE_EXPERTS], range;
    double trial[MIXTURE_EXPERTS];
    int n_tried[MIXTURE_EXPERTS];
    /* Since it joined, forgetting: its losses less the mixture's, negated. */
    double regret[MIXTURE_EXPERTS];
    double growth[MIXTURE_EXPERTS], moved, most;
    double weights[MIXTURE_EXPERTS]; /* the last ones */
};

struct mixture_reference mixture_reference_begin(size_t ahead);
/* Of what they say (NaN: not there): the mixture. */
double mixture_reference_mix(const struct mixture_reference *reference,
                             const double says[MIXTURE_EXPERTS]);
/* The truth has come of what was said, and of the mixture as it was made then. */
void mixture_reference_score(struct mixture_reference *reference,
                             const double says[MIXTURE_EXPERTS], double made, double truth);
void mixture_reference_restart_model(struct mixture_reference *reference);
/* What `regret` of an expert that has joined is at most. */
double mixture_reference_bound(const struct mixture_reference *reference, size_t expert);

#endif
