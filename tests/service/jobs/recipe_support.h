/* recipe_support.h - jobs with a recipe for tests: a model that forecasts both of its inputs, and
 * seasons of 6 rows to learn. */
#ifndef RECIPE_SUPPORT_H
#define RECIPE_SUPPORT_H

#include "job_support.h"

enum { SEASON_ROWS = 60, SEASON = 6 };

struct recipe_course {
    double x[SEASON_ROWS * INPUTS];
    struct gru_series series;
    struct job_request request;
};
void recipe_course_init(struct recipe_course *course);
/* world_init, but `m` forecasts both inputs, which have units. */
void recipe_world_init(struct world *world);
/* What the course gives if nothing disturbs it. */
struct digest undisturbed_recipe_digest(const struct job_request *request);

#endif
