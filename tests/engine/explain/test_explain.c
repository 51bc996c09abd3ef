/* Why a forecast is what it is: by forecasts along the path, and by the laws that it must keep. */
#include "engine/explain/explaining.h"
#include "engine/failing.h"
#include "engine/fixture.h"
#include "engine/golden.h"
#include "engine/random_networks.h"
#include "engine/train/training.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 12 };

#define FEEDS                                                                                      \
    "\"inputs\":[{\"name\":\"a\",\"mean\":1,\"std\":2},{\"name\":\"b\",\"mean\":-0.5,\"std\":0.5}" \
    ",{\"name\":\"c\",\"mean\":3,\"std\":0.25}],"                                                  \
    "\"outputs\":[{\"name\":\"b\"},{\"name\":\"a\",\"mean\":0.25,\"std\":1.5}]"

/* Of a stream that has had these rows and no others. */
static struct gru_question ask(const struct gru_model *model, const double *x, size_t n_rows,
                               size_t output, size_t ahead, float *state)
{
    explaining_state(model, x, n_rows, state);
    return (struct gru_question){
        .state = state, .x = x, .n_rows = n_rows, .output = output, .ahead = ahead
    };
}

static void check(const struct gru_model *model, const struct gru_question *question,
                  const char *name)
{
    const struct explaining_path path = { .model = model, .question = question };
    explaining_check(model, question, &path, name);
}

TEST(credits_are_integrals_of_slopes_for_every_golden_model)
{
    for (size_t k = 0; golden_names[k]; k++) {
        struct golden golden = golden_load(golden_names[k]);
        const size_t n = golden.n_rows < ROWS ? golden.n_rows : ROWS;
        float state[EXPLAINING_FLOATS];
        for (size_t o = 0; o < gru_model_info(golden.model)->n_outputs; o++) {
            const struct gru_question question = ask(golden.model, golden.x, n, o, 1, state);
            check(golden.model, &question, golden_names[k]);
        }
        golden_free(&golden);
    }
}

TEST(forecasts_that_are_fed_back_are_followed)
{
    static const char *const more[] = { "", ",\"residual\":true" };
    for (size_t k = 0; k < 4; k++) {
        const size_t steps = k < 2 ? 1 : 3;
        char grud[512];
        snprintf(grud, sizeof grud, "{" FEEDS ",\"steps\":%zu%s}", steps, more[k % 2]);
        struct gru_model *model = training_model(grud, 3, 5, 2, 2 * steps);
        double *x = training_noise(ROWS * 3, 1), *future = training_noise(9, 2);
        float state[EXPLAINING_FLOATS];
        for (size_t ahead = 1; ahead <= 7; ahead += 2) {
            struct gru_question question = ask(model, x, ROWS, ahead % 2, ahead, state);
            question.future = future;
            question.n_future_rows = gru_future_rows(model, ahead);
            check(model, &question, grud);
        }
        free(x);
        free(future);
        gru_model_unref(model);
    }
}

TEST(networks_of_any_layers_are_explained)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct gru_model *model = expect_loaded(random_network(seed));
        const struct gru_info *info = gru_model_info(model);
        const size_t ahead = info->n_feeds > 0 ? info->steps + 2 : info->steps;
        double *x = training_noise(ROWS * info->n_inputs, seed);
        double *future = training_noise(ROWS * (info->n_inputs + 1), seed + 1);
        float state[EXPLAINING_FLOATS];
        char name[32];
        snprintf(name, sizeof name, "network %d", (int)seed);
        if (!info->is_bidirectional) {
            struct gru_question question =
                ask(model, x, ROWS, seed % info->n_outputs, ahead, state);
            question.future = future;
            question.n_future_rows = gru_future_rows(model, ahead);
            check(model, &question, name);
        }
        free(x);
        free(future);
        gru_model_unref(model);
    }
}

/* ---- what is exact ---- */

TEST(an_input_that_the_network_ignores_gets_nothing_at_all)
{
    struct fixture f = fixture_new();
    fixture_layer(&f, "gru.", 0, 3, 3, 5);
    fixture_tensor(&f, "fc.weight", 2, 5);
    fixture_tensor(&f, "fc.bias", 2, 0);
    f.grud = "{" FEEDS "}";
    float *weights = fixture_values(&f, "gru.weight_ih_l0");
    for (size_t row = 0; row < 15; row++) {
        weights[row * 3 + 2] = 0;
    }
    struct gru_model *model = fixture_loaded(&f);
    double *x = training_noise(ROWS * 3, 1), *future = training_noise(9, 2);
    float state[EXPLAINING_FLOATS];
    for (size_t ahead = 1; ahead <= 4; ahead++) {
        struct gru_question question = ask(model, x, ROWS, 0, ahead, state);
        question.future = future;
        question.n_future_rows = gru_future_rows(model, ahead);
        const struct explained explained = explaining(model, &question);
        ck_assert(explained.inputs[2] == 0 && !signbit(explained.inputs[2]));
        ck_assert(explained.inputs[0] != 0 && explained.inputs[1] != 0);
    }
    free(x);
    free(future);
    gru_model_unref(model);
}

TEST(no_cut_changes_a_bit)
{
    static const size_t parts[] = { 1, 7, 100, 129, 1000, SIZE_MAX };
    struct gru_model *model = training_model("{" FEEDS ",\"steps\":2}", 3, 9, 2, 4);
    double *x = training_noise(40 * 3, 1), *future = training_noise(9, 2);
    float state[EXPLAINING_FLOATS];
    struct gru_question question = ask(model, x, 40, 1, 5, state);
    question.future = future;
    question.n_future_rows = gru_future_rows(model, 5);
    const struct explained whole = explaining(model, &question);
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        const struct explained other = explaining_parts(model, &question, parts[k]);
        ck_assert(memcmp(&other, &whole, sizeof whole) == 0);
    }
    free(x);
    free(future);
    gru_model_unref(model);
}

TEST(a_stream_without_former_readings_owes_its_state_nothing)
{
    struct golden golden = golden_load("torch-stacked");
    float state[EXPLAINING_FLOATS];
    double y[EXPLAINING_VALUES];
    struct gru_question question = ask(golden.model, golden.x, golden.n_rows, 0, 1, state);
    ck_assert(explaining(golden.model, &question).explanation.state == 0);

    question.x += 5 * gru_model_info(golden.model)->n_inputs;
    question.n_rows -= 5;
    const struct gru_explanation late = explaining(golden.model, &question).explanation;
    explaining_forecast(golden.model, question.x, question.n_rows, NULL, 1, y);
    ck_assert_double_eq_tol(late.state, late.value - y[0], 1e-5);
    ck_assert(late.state != 0);
    golden_free(&golden);
}

/* ---- readings that are missing, or do not run ---- */

TEST(missing_readings_are_what_the_policy_makes_of_them)
{
    static const char *const policies[] = { "last", "mean", "forecast" };
    for (size_t k = 0; k < 3; k++) {
        char grud[512];
        snprintf(grud, sizeof grud, "{" FEEDS ",\"missing\":\"%s\"}", policies[k]);
        struct gru_model *model = training_model(grud, 3, 5, 1, 2);
        const struct gru_info *info = gru_model_info(model);
        double *x = training_noise(ROWS * 3, 1), filled[ROWS * 3];
        float state[EXPLAINING_FLOATS], state_of_filled[EXPLAINING_FLOATS];
        x[6] = x[7] = x[13] = x[17] = (double)NAN;
        memcpy(filled, x, sizeof filled);
        for (size_t at = 3; at < ROWS * 3; at++) { /* by what was forecast, and what was last */
            double y[2];
            explaining_forecast(model, filled, at / 3, NULL, 1, y);
            const int fed = info->inputs[at % 3].feeds;
            filled[at] = !isnan(x[at])        ? x[at]
                         : k == 1             ? info->inputs[at % 3].mean
                         : k == 2 && fed >= 0 ? y[fed]
                                              : filled[at - 3];
        }
        const struct gru_question with = ask(model, x, ROWS, 0, 1, state);
        const struct gru_question without = ask(model, filled, ROWS, 0, 1, state_of_filled);
        const struct explained a = explaining(model, &with), b = explaining(model, &without);
        for (size_t i = 0; i < 3; i++) {
            ck_assert_double_eq_tol(a.inputs[i], b.inputs[i], 1e-6);
        }
        free(x);
        gru_model_unref(model);
    }
}

TEST(a_kept_reading_that_runs_no_more_is_left_out_with_those_before_it)
{
    struct gru_model *model = training_model("{" FEEDS ",\"missing\":\"error\"}", 3, 5, 1, 2);
    double *x = training_noise(ROWS * 3, 1);
    float state[EXPLAINING_FLOATS];
    struct gru_question question = ask(model, x + 15, ROWS - 5, 0, 1, state);
    const struct explained of_the_last = explaining(model, &question);
    x[4 * 3 + 1] = (double)NAN;
    question.x = x;
    question.n_rows = ROWS;
    const struct explained of_all = explaining(model, &question);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_double_eq_tol(of_all.inputs[i], of_the_last.inputs[i], 1e-12);
    }
    free(x);
    gru_model_unref(model);
}

/* ---- no readings: they are not known, or none of them runs ---- */

TEST(without_readings_all_is_the_state_s)
{
    for (size_t k = 0; golden_names[k]; k++) {
        struct golden golden = golden_load(golden_names[k]);
        const struct gru_info *info = gru_model_info(golden.model);
        float state[EXPLAINING_FLOATS];
        struct gru_question question = ask(golden.model, golden.x, golden.n_rows, 0, 1, state);
        question.n_rows = 0;
        const struct explained explained = explaining(golden.model, &question);
        const struct gru_explanation *e = &explained.explanation;
        for (size_t i = 0; i < info->n_inputs; i++) {
            ck_assert(explained.inputs[i] == 0);
        }
        ck_assert(e->state == e->value - e->baseline && e->residual == 0);
        golden_free(&golden);
    }
}

TEST(without_readings_the_future_is_explained_as_behind_one_at_the_means)
{
    static const char *const more[] = { "", ",\"residual\":true,\"missing\":\"error\"" };
    for (size_t k = 0; k < 4; k++) {
        char grud[512];
        snprintf(grud, sizeof grud, "{" FEEDS ",\"steps\":%zu%s}", k < 2 ? (size_t)1 : 3,
                 more[k % 2]);
        struct gru_model *model = training_model(grud, 3, 5, 2, k < 2 ? 2 : 6);
        const struct gru_info *info = gru_model_info(model);
        const double means[] = { info->inputs[0].mean, info->inputs[1].mean, info->inputs[2].mean };
        double *x = training_noise(ROWS * 3, 1), *future = training_noise(9, 2);
        float state[EXPLAINING_FLOATS];
        struct gru_question question = ask(model, x, ROWS, 0, 5, state);
        question.future = future;
        question.n_future_rows = gru_future_rows(model, 5);
        question.x = means;
        question.n_rows = 1;
        const struct explained behind_means = explaining(model, &question);
        question.x = NULL;
        question.n_rows = 0;
        const struct explained explained = explaining(model, &question);
        ck_assert(explained.inputs[0] == 0 && explained.inputs[1] == 0);
        ck_assert(explained.inputs[2] != 0 && explained.explanation.state != 0);
        ck_assert(memcmp(&explained, &behind_means, sizeof explained) == 0);
        free(x);
        free(future);
        gru_model_unref(model);
    }
}

TEST(readings_of_which_none_runs_are_as_none)
{
    struct gru_model *model = training_model("{" FEEDS ",\"missing\":\"error\"}", 3, 5, 1, 2);
    double *x = training_noise(ROWS * 3, 1);
    float state[EXPLAINING_FLOATS];
    struct gru_question question = ask(model, x, ROWS, 1, 1, state);
    question.n_rows = 0;
    const struct explained none = explaining(model, &question);
    x[ROWS * 3 - 1] = (double)NAN;
    question.n_rows = ROWS;
    const struct explained of_bad = explaining_parts(model, &question, 3);
    ck_assert(memcmp(&of_bad, &none, sizeof none) == 0);
    free(x);
    gru_model_unref(model);
}

/* ---- sizes, and what is refused ---- */

TEST(many_readings_take_no_more_memory_at_once_than_is_allowed)
{
    enum { MANY = 2000 };
    struct gru_model *model = training_model("{" FEEDS "}", 3, 40, 2, 2);
    double *x = training_noise(MANY * 3, 1);
    float state[EXPLAINING_FLOATS];
    ck_assert_uint_lt(gru_explain_bytes(model, MANY, 1), 20 << 20);
    ck_assert_uint_lt(gru_explain_bytes(model, 32, 1), 4 << 20);
    ck_assert_uint_eq(gru_explain_bytes(model, SIZE_MAX / 4, 1), SIZE_MAX);
    ck_assert_uint_eq(gru_explain_bytes(model, 1, SIZE_MAX), SIZE_MAX);
    const struct gru_question question = ask(model, x, MANY, 0, 1, state);
    const struct gru_explanation e = explaining(model, &question).explanation;
    ck_assert(fabs(e.residual) <= 0.01 * fabs(e.value - e.baseline));
    free(x);
    gru_model_unref(model);
}

static enum gru_status refused(const struct gru_model *model, const struct gru_question *question)
{
    struct gru_explain *explain = NULL;
    const enum gru_status status = gru_explain_create(model, question, &explain);
    ck_assert(status != GRU_OK && explain == NULL);
    return status;
}

TEST(what_cannot_be_asked_is_refused)
{
    struct gru_model *model = training_model("{" FEEDS "}", 3, 5, 1, 2);
    double *x = training_noise(ROWS * 3, 1);
    float state[EXPLAINING_FLOATS], fresh[EXPLAINING_FLOATS];
    const struct gru_question question = ask(model, x, ROWS, 0, 1, state);
    struct gru_question other = question;
    other.output = 2;
    ck_assert_int_eq(refused(model, &other), GRU_BAD_ARGUMENT);
    other = question;
    other.ahead = 0;
    ck_assert_int_eq(refused(model, &other), GRU_BAD_ARGUMENT);
    other = question;
    other.ahead = 3;
    ck_assert_int_eq(refused(model, &other), GRU_BAD_FUTURE);
    other = question;
    gru_state_init(model, fresh);
    other.state = fresh;
    ck_assert_int_eq(refused(model, &other), GRU_NO_READING);
    free(x);
    gru_model_unref(model);

    struct gru_error error;
    ck_assert_int_eq(
        gru_model_load_file("tests/fixtures/golden/bidirectional.safetensors", &model, &error),
        GRU_OK);
    ck_assert_int_eq(refused(model, &question), GRU_NOT_CAUSAL);
    gru_model_unref(model);
}

TEST(what_leaves_the_finite_numbers_is_said)
{
    struct gru_model *model = training_model("{" FEEDS "}", 3, 5, 1, 2);
    const double x[] = { 1, 2, 3 }, future[] = { (double)INFINITY };
    float state[EXPLAINING_FLOATS];
    struct gru_question question = ask(model, x, 1, 0, 2, state);
    question.future = future;
    question.n_future_rows = 1;
    struct gru_explain *explain;
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    ck_assert_int_eq(gru_explain_create(model, &question, &explain), GRU_OK);
    ck_assert_int_eq(gru_explain_part(explain, work, SIZE_MAX), GRU_NON_FINITE);
    gru_explain_free(explain);
    gru_explain_free(NULL);
    gru_work_free(work);
    gru_model_unref(model);
}

#ifdef FAILING_MEMORY
TEST(memory_that_runs_out_leaves_nothing_behind)
{
    struct gru_model *model = training_model("{" FEEDS ",\"missing\":\"last\"}", 3, 5, 1, 2);
    double *x = training_noise(ROWS * 3, 1), *future = training_noise(4, 1);
    float state[EXPLAINING_FLOATS];
    struct gru_question question = ask(model, x, ROWS, 0, 4, state);
    question.future = future;
    question.n_future_rows = 3;
    for (long n = 0, has_failed = 1; has_failed; n++) {
        struct gru_work *work;
        struct gru_explain *explain = NULL;
        ck_assert_int_eq(gru_work_create(&work), GRU_OK);
        failing_memory_start(n);
        enum gru_status status = gru_explain_create(model, &question, &explain);
        while (status == GRU_OK && gru_explain_rows_left(explain) > 0) {
            status = gru_explain_part(explain, work, 50);
        }
        const long n_live = failing_memory_live();
        has_failed = failing_memory_stop();
        ck_assert_int_eq(status, has_failed ? GRU_NO_MEMORY : GRU_OK);
        ck_assert(explain || n_live == 0);
        gru_explain_free(explain);
        gru_work_free(work);
    }
    free(x);
    free(future);
    gru_model_unref(model);
}

TEST(memory_is_as_much_as_was_said)
{
    struct gru_model *model = training_model("{" FEEDS "}", 3, 20, 2, 2);
    double *x = training_noise(ROWS * 3, 1);
    float state[EXPLAINING_FLOATS];
    const struct gru_question question = ask(model, x, ROWS, 0, 1, state);
    struct gru_explain *explain;
    failing_memory_start(1000000);
    ck_assert_int_eq(gru_explain_create(model, &question, &explain), GRU_OK);
    const size_t n_bytes = failing_memory_bytes();
    failing_memory_stop();
    const size_t n_said = gru_explain_bytes(model, ROWS, 1);
    /* an allocator may round each of three blocks up to a page */
    ck_assert(n_bytes <= n_said + 3 * 4096 && n_said <= n_bytes + 4096);
    gru_explain_free(explain);
    free(x);
    gru_model_unref(model);
}
#endif
