/* Jobs with a recipe: what they make, what they say of it, and that nothing disturbs them. */
#include "recipe_support.h"

#include "test.h"

#include <math.h>
#include <string.h>

static void begin(struct world *world, struct recipe_course *course)
{
    recipe_world_init(world);
    world_use_data(world);
    world_start(world);
    world_start_jobs(world);
    recipe_course_init(course);
}

static void step_rows(struct world *world, const struct recipe_course *course, size_t first,
                      size_t end)
{
    for (size_t t = first; t < end; t++) {
        struct step step;
        ck_assert_int_eq(step_x(world, "live", course->x + t * INPUTS, &step), STATUS_OK);
    }
}

/* ---- what comes of it ---- */

static void expect_table(const struct job *job)
{
    ck_assert_int_gt(job->n_trials, 8);
    ck_assert_int_gt(job->chosen_trial, 0);
    const struct job_trial *chosen = &job->trials[job->chosen_trial - 1];
    ck_assert_uint_gt(chosen->width, 0);
    for (int k = 0; k < job->n_trials; k++) {
        const struct job_trial *trial = &job->trials[k];
        ck_assert_uint_gt(trial->fate, GRU_TRIAL_RUNNING);
        ck_assert(trial->width > 0 || chosen->error < trial->error);
    }
}

TEST(a_recipe_makes_another_network_of_the_same_inputs_and_outputs)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    struct job job = course_start(&world, &course.request);
    ck_assert_uint_eq(job.n_steps, 0);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_PROMOTED, "up to 4 rows ahead");
    expect_table(&job);
    const struct gru_info *info = gru_model_info(job_version(&world, &job)->gru);
    ck_assert_str_eq(info->inputs[1].name, "humidity");
    ck_assert_str_eq(info->outputs[0].name, "temp");
    ck_assert(info->missing == GRU_MISSING_MEAN && info->interval_seconds == 600);
    ck_assert_uint_eq(info->season, SEASON);
    ck_assert_uint_gt(info->layers[0].hidden_size, HIDDEN);
    ck_assert_ptr_nonnull(gru_model_residuals(job_version(&world, &job)->gru));
    ck_assert_uint_gt(job.step, 0);
    ck_assert(isnan(job.metrics.train_loss) && job.metrics.valid_loss > 0 &&
              job.metrics.valid_loss < job.metrics.persistence_valid_loss &&
              job.metrics.valid_loss < job.metrics.baseline_valid_loss);
    world_done(&world);
}

TEST(a_recipe_says_what_it_does)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert(job_has_event(&world, job.id, "season: 6 rows, whose changes correlate by"));
    ck_assert(job_has_event(&world, job.id, "begins, for 1 to 4 rows ahead"));
    ck_assert(job_has_event(&world, job.id, "trial 1 of"));
    ck_assert(job_has_event(&world, job.id, "persistence: error"));
    ck_assert(job_has_event(&world, job.id, "seasonal naive: error"));
    ck_assert(job_has_event(&world, job.id, "dropped: others were better"));
    ck_assert(job_has_event(&world, job.id, "chosen: trial"));
    ck_assert(!job_has_event(&world, job.id, "scaling"));
    world_done(&world);
}

TEST(live_sessions_go_on_with_the_other_network_and_back)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    step_rows(&world, &course, 0, 20);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_PROMOTED, "");
    step_rows(&world, &course, 20, 26);
    struct step step;
    ck_assert_int_eq(step_x(&world, "live", course.x + 26 * INPUTS, &step), STATUS_OK);
    ck_assert(step.y && fabs(step.y[0] - course.x[27 * INPUTS]) < 2);
    world_activate(&world, 1);
    step_rows(&world, &course, 27, 29);
    world_activate(&world, 2);
    ck_assert_int_eq(step_x(&world, "live", course.x + 29 * INPUTS, &step), STATUS_OK);
    ck_assert(step.y && fabs(step.y[0] - course.x[30 * INPUTS]) < 2);
    world_restart(&world);
    step_rows(&world, &course, 30, 31);
    world_done(&world);
}

/* The second one comes to the weights of the first, and so to no gain but by chance. */
TEST(what_is_no_better_is_not_activated)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    job = course_start(&world, &course.request);
    ck_assert_uint_eq(job.base_version, 2);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_promotion(&world, job.id, JOB_REJECTED, "rolled out up to 4 rows ahead is");
    world_done(&world);
}

TEST(series_of_their_own_may_judge)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    course.request.validation_fraction = 0;
    course.request.validation = &course.series;
    course.request.n_validation = 1;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_table(&job);
    job_expect_forgotten(&world, &job);
    world_done(&world);
}

TEST(a_recipe_learns_from_what_sessions_recorded)
{
    struct world world;
    struct recipe_course course;
    recipe_world_init(&world);
    world_use_data(&world);
    world.config.record = 1000;
    world_start(&world);
    world_start_jobs(&world);
    recipe_course_init(&course);
    step_rows(&world, &course, 0, SEASON_ROWS);
    course.request.source = JOB_SESSIONS_PREFIX;
    course.request.sessions = (const char *const[]){ "li" };
    course.request.n_sessions = 1;
    course.request.n_series = 0;
    struct job job = course_start(&world, &course.request);
    ck_assert_int_eq(job.status, JOB_VALIDATING);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_table(&job);
    world_done(&world);
}

/* ---- limits ---- */

TEST(a_recipe_ends_with_its_time)
{
    struct world world;
    struct recipe_course course;
    static struct course waves;
    begin(&world, &course);
    course_init(&waves);
    course.request.series = waves.series;
    course.request.n_series = WAVE_SERIES;
    course.request.max_seconds = 1;
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_ge(job.running_ms, 1000);
    ck_assert_int_gt(job.chosen_trial, 0);
    ck_assert(job_has_event(&world, job.id, "the time was over"));
    ck_assert_uint_eq(job_version(&world, &job)->number, 2);
    world_done(&world);
}

TEST(a_dry_run_of_a_recipe_stores_nothing)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    course.request.dry_run = true;
    course.request.max_seconds = 0;
    struct job job = course_start(&world, &course.request);
    ck_assert_uint_eq(job.max_seconds, JOB_RECIPE_SECONDS);
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    ck_assert(job_has_event(&world, job.id, "the recipe would take 60 seconds"));
    ck_assert(job_has_event(&world, job.id, "the job takes at most"));
    world_done(&world);
}

TEST(a_recipe_can_be_cancelled)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    struct job job = course_start(&world, &course.request);
    job_wait_steps(&world, job.id, 100);
    ck_assert_int_eq(job_cancel(world.context, job.id, &job, &world.fault), STATUS_OK);
    job = job_wait(&world, job.id, JOB_CANCELLED);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_done(&world);
}

/* ---- nothing disturbs it ---- */

TEST(a_recipe_that_is_paused_and_stopped_gives_the_same_weights)
{
    struct world world;
    struct recipe_course course;
    recipe_course_init(&course);
    const struct digest digest = undisturbed_recipe_digest(&course.request);
    begin(&world, &course);
    struct job job = course_start(&world, &course.request);
    for (uint64_t k = 1; k <= 6; k++) {
        job = job_wait_steps(&world, job.id, 250 * k);
        if (k % 2 == 0) {
            ck_assert_int_eq(job_pause(world.context, job.id, &job, &world.fault), STATUS_OK);
            sleep_ms(20);
            ck_assert_int_eq(job_resume(world.context, job.id, &job, &world.fault), STATUS_OK);
        } else {
            world_stop_jobs(&world);
            world_restart(&world);
            world_start_jobs(&world);
        }
    }
    ck_assert(job_has_event(&world, job.id, "training goes on after"));
    job = job_wait(&world, job.id, JOB_SUCCEEDED);
    expect_digest(job_version(&world, &job)->digest, digest);
    world_done(&world);
}

/* ---- what is refused ---- */

TEST(what_no_recipe_can_forecast_is_refused)
{
    struct world world;
    struct recipe_course course;
    world_init(&world); /* whose `comfort` is no input */
    world_start(&world);
    recipe_course_init(&course);
    expect_refused(&world, &course.request, STATUS_INVALID_VALUE, "recipe");
    ck_assert_ptr_nonnull(strstr(world.fault.message, "the output 'comfort' forecasts none"));
    world_done(&world);
}

TEST(requests_for_recipes_are_checked)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    struct job_request *request = &course.request;
    request->validation_fraction = 0;
    expect_refused(&world, request, STATUS_INVALID_VALUE, "validation");
    request->validation_fraction = 0.3;
    request->recipe_horizon = 30;
    expect_refused(&world, request, STATUS_INVALID_VALUE, "recipe.horizon");
    request->recipe_horizon = 4;
    double y[SEASON_ROWS * OUTPUTS]; /* the same that the readings say */
    memcpy(y, course.x + INPUTS, (SEASON_ROWS - 1) * OUTPUTS * sizeof *y);
    y[(SEASON_ROWS - 1) * OUTPUTS] = y[SEASON_ROWS * OUTPUTS - 1] = NAN;
    course.series.y = y;
    course.series.n_targets = SEASON_ROWS;
    expect_refused(&world, request, STATUS_INVALID_VALUE, "training.series[0].y");
    course.series.y = NULL;
    course.series.n_targets = 0;
    course.series.n_rows = 9;
    expect_refused(&world, request, STATUS_INVALID_TRAINING, "training");
    course.series.n_rows = SEASON_ROWS;
    world.config.job_memory_max = 1 << 20;
    world_restart(&world);
    expect_refused(&world, request, STATUS_JOB_TOO_LARGE, "");
    world_done(&world);
}

TEST(what_does_not_change_fails)
{
    struct world world;
    struct recipe_course course;
    begin(&world, &course);
    for (size_t k = 0; k < SEASON_ROWS * INPUTS; k++) {
        course.x[k] = 3;
    }
    struct job job = course_start(&world, &course.request);
    job = job_wait(&world, job.id, JOB_FAILED);
    ck_assert_int_eq(job.error.status, STATUS_INVALID_TRAINING);
    ck_assert_ptr_nonnull(strstr(job.error.message, "no output changes"));
    world_done(&world);
}
