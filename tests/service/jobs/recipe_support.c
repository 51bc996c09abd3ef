#include "recipe_support.h"

#include "service/random.h"
#include "test.h"

#include <math.h>
#include <string.h>

void recipe_course_init(struct recipe_course *course)
{
    uint64_t seed = 2862933555777941757ULL;
    memset(course, 0, sizeof *course);
    for (size_t t = 0; t < SEASON_ROWS; t++) {
        const double angle = 2 * 3.14159265358979323846 / SEASON * (double)t;
        const double noise = (double)(next_random(&seed) % 1000) / 10000;
        course->x[t * INPUTS] = 20 + 5 * sin(angle) + 0.1 * (double)t + noise;
        course->x[t * INPUTS + 1] = 50 + 9 * cos(angle) - noise;
    }
    course->series = (struct gru_series){ .x = course->x, .n_rows = SEASON_ROWS };
    course->request = (struct job_request){ .model = "m",
                                            .series = &course->series,
                                            .n_series = 1,
                                            .validation_fraction = 0.3,
                                            .gate = job_gate_default,
                                            .recipe = JOB_RECIPE_AUTO,
                                            .recipe_horizon = 4,
                                            .max_seconds = 3600,
                                            .seed = 7 };
    course->request.gate.min_targets = 10;
    gru_hyperparameters_init(&course->request.hyperparameters);
}

void recipe_world_init(struct world *world)
{
    static const char *const names[] = { "temp", "humidity" };
    const size_t hidden = HIDDEN;
    const struct gru_plan plan = { .n_inputs = INPUTS,
                                   .inputs = names,
                                   .n_outputs = OUTPUTS,
                                   .outputs = names,
                                   .n_layers = 1,
                                   .hidden_sizes = &hidden,
                                   .has_missing = true,
                                   .missing = GRU_MISSING_MEAN,
                                   .interval_seconds = 600,
                                   .seed = SEED };
    struct gru_model *gru;
    struct bytes bytes;
    ck_assert_int_eq(gru_model_create(&plan, &gru, NULL), GRU_OK);
    ck_assert_int_eq(gru_model_save(gru, &bytes.p, &bytes.n), GRU_OK);
    gru_model_unref(gru);
    world_init(world);
    world_add_model(world, "m", bytes);
}

struct digest undisturbed_recipe_digest(const struct job_request *request)
{
    struct world world;
    recipe_world_init(&world);
    world_start(&world);
    world_start_jobs(&world);
    struct job job = course_start(&world, request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    const struct digest digest = job_version(&world, &job)->digest;
    world_done(&world);
    return digest;
}
