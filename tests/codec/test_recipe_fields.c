/* `recipe` of a job: what is read, what is refused, and its table. */
#include "codec_support.h"

#include <math.h>
#include <string.h>

#define JOB_OF(more)                                                                               \
    "{\"model\":\"weather\",\"training\":{\"series\":[{\"x\":[[1,2],[3,4]]}]}" more "}"

static enum status decode(struct setup *s, const char *body, struct job_request *request)
{
    struct job_target target;
    const size_t n = strlen(body);
    enum status status = codec_job_target(INPUT(body, n, usual_limits, NULL, &s->fault), &target);
    const struct gru_info *info = gru_model_info(s->model.active->gru);
    return status == STATUS_OK ? codec_job(INPUT(body, n, usual_limits, &s->arena, &s->fault),
                                           false, &target, info, request)
                               : status;
}

TEST(a_recipe_is_a_word_or_an_object)
{
    static const struct {
        const char *body;
        enum job_recipe recipe;
        uint64_t horizon;
    } cases[] = {
        { JOB_OF(""), JOB_RECIPE_NONE, 0 },
        { JOB_OF(",\"recipe\":\"auto\""), JOB_RECIPE_AUTO, JOB_RECIPE_HORIZON },
        { JOB_OF(",\"recipe\":{\"type\":\"auto\"}"), JOB_RECIPE_AUTO, JOB_RECIPE_HORIZON },
        { JOB_OF(",\"recipe\":{\"horizon\":1024,\"type\":\"auto\"}"), JOB_RECIPE_AUTO, 1024 },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct job_request request = { 0 };
        ck_assert_msg(decode(&s, cases[k].body, &request) == STATUS_OK, "%s", s.fault.message);
        ck_assert_int_eq(request.recipe, cases[k].recipe);
        ck_assert_uint_eq(request.recipe_horizon, cases[k].horizon);
    }
    struct job_request request = { 0 };
    ck_assert_int_eq(decode(&s, JOB_OF(",\"recipe\":null"), &request), STATUS_OK);
    ck_assert_int_eq(request.recipe, JOB_RECIPE_NONE);
    setup_done(&s);
}

TEST(other_recipes_are_refused_by_their_path)
{
    static const struct {
        const char *body;
        enum status status;
        const char *param;
    } cases[] = {
        { JOB_OF(",\"recipe\":\"best\""), STATUS_INVALID_VALUE, "recipe" },
        { JOB_OF(",\"recipe\":7"), STATUS_INVALID_TYPE, "recipe" },
        { JOB_OF(",\"recipe\":{\"horizon\":3}"), STATUS_MISSING_FIELD, "recipe.type" },
        { JOB_OF(",\"recipe\":{\"type\":\"none\"}"), STATUS_INVALID_VALUE, "recipe.type" },
        { JOB_OF(",\"recipe\":{\"type\":\"auto\",\"horizon\":0}"), STATUS_INVALID_VALUE,
          "recipe.horizon" },
        { JOB_OF(",\"recipe\":{\"type\":\"auto\",\"horizon\":1025}"), STATUS_INVALID_VALUE,
          "recipe.horizon" },
        { JOB_OF(",\"recipe\":{\"type\":\"auto\",\"width\":32}"), STATUS_UNKNOWN_FIELD,
          "recipe.width" },
        { JOB_OF(",\"recipe\":\"auto\",\"hyperparameters\":{\"n_epochs\":5}"), STATUS_INVALID_VALUE,
          "hyperparameters" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct job_request request = { 0 };
        const enum status status = decode(&s, cases[k].body, &request);
        ck_assert_msg(status == cases[k].status, "%s: %s", cases[k].body, s.fault.message);
        ck_assert_str_eq(s.fault.param, cases[k].param);
    }
    setup_done(&s);
}

TEST(a_job_says_what_its_recipe_tried)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct job job = { .recipe = JOB_RECIPE_AUTO,
                       .recipe_horizon = 24,
                       .n_trials = 2,
                       .chosen_trial = 2,
                       .trials = { { .transform = GRU_DIFFERENCE,
                                     .steps = 1,
                                     .horizon_loss = 1,
                                     .fate = GRU_TRIAL_ENDED,
                                     .error = INFINITY },
                                   { .transform = GRU_SEASONAL_DIFFERENCE,
                                     .season = 12,
                                     .residual = 1,
                                     .width = 32,
                                     .steps = 24,
                                     .horizon_loss = 1,
                                     .member = 2,
                                     .fate = GRU_TRIAL_RUNNING,
                                     .n_epochs = 9,
                                     .best_epoch = 7,
                                     .error = 0.5 } } };
    strcpy(job.id, "ftjob-1");
    codec_put_job(&s.text, &job, true);
    const char *text = setup_text(&s);
    ck_assert_msg(
        strstr(
            text,
            "\"n_epochs\":null,\"step\":0,\"n_steps\":null},\"hyperparameters\":null,"
            "\"recipe\":{\"type\":\"auto\",\"horizon\":24,\"trials\":["
            "{\"kind\":\"persistence\",\"transform\":\"difference\",\"residual\":false,"
            "\"width\":0,\"steps\":1,\"horizon_loss\":1,\"all_rows\":false,\"state\":\"done\",\"n_"
            "epochs\":0,"
            "\"best_epoch\":0,\"error\":null,\"chosen\":false},"
            "{\"kind\":\"network\",\"transform\":{\"seasonal_difference\":12},"
            "\"residual\":true,\"width\":32,\"steps\":24,\"horizon_loss\":1,"
            "\"all_rows\":true,\"state\":\"running\",\"n_epochs\":9,\"best_epoch\":7,\"error\":0.5,"
            "\"chosen\":true}]},") != NULL,
        "%s", text);
    setup_done(&s);
}
