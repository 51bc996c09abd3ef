/* figures_scores.h - figures of how good the forecasts of sessions were: a counter lies at the
 * row's place in struct error_sums, a gauge is that measure. The worker's thread. */
#ifndef FIGURES_SCORES_H
#define FIGURES_SCORES_H

#include "http/figure.h"

void figures_put_errors(const struct figure_values *values, const struct figure *figure);
/* Whether they have become worse. */
void figures_put_drifting(const struct figure_values *values, const struct figure *figure);
void figures_put_drift_alarms(const struct figure_values *values, const struct figure *figure);
void figures_put_drift_ratio(const struct figure_values *values, const struct figure *figure);
void figures_put_intervals(const struct figure_values *values, const struct figure *figure);

#endif
