/* figures_service.h - figures of the build, the models, and the service. The worker's thread. */
#ifndef FIGURES_SERVICE_H
#define FIGURES_SERVICE_H

#include "http/figure.h"

void figures_put_build(const struct figure_values *values, const struct figure *figure);
void figures_put_models(const struct figure_values *values, const struct figure *figure);
void figures_put_sessions(const struct figure_values *values, const struct figure *figure);
void figures_put_versions(const struct figure_values *values, const struct figure *figure);
void figures_put_unserved(const struct figure_values *values, const struct figure *figure);
void figures_put_levels(const struct figure_values *values, const struct figure *figure);
void figures_put_jobs(const struct figure_values *values, const struct figure *figure);
void figures_put_jobs_ended(const struct figure_values *values, const struct figure *figure);
void figures_put_training_time(const struct figure_values *values, const struct figure *figure);
void figures_put_late(const struct figure_values *values, const struct figure *figure);
void figures_put_degraded(const struct figure_values *values, const struct figure *figure);
void figures_put_degraded_states(const struct figure_values *values, const struct figure *figure);

#endif
