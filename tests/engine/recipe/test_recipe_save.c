/* A recipe that is interrupted is undisturbed; what it takes of memory; series of their own to
 * judge by. */
#include "engine/failing.h"
#include "engine/recipe/recipe_series.h"
#include "engine/train/training.h"
#include "test.h"

#include "gru.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 48, ALL = 1 << 30 };

static const char *const names[] = { "v" };

struct task {
    double x[ROWS];
    struct gru_series series;
    struct gru_recipe_task task;
};

static void make(struct task *made, uint64_t seed)
{
    recipe_series_fill(
        &(struct recipe_series){
            .amplitude = 2, .period = 6, .noise = 0.4, .missing = 30, .seed = seed },
        made->x, ROWS);
    made->series = (struct gru_series){ .x = made->x, .n_rows = ROWS };
    made->task = (struct gru_recipe_task){ .n_inputs = 1,
                                           .n_outputs = 1,
                                           .inputs = names,
                                           .outputs = names,
                                           .series = &made->series,
                                           .n_series = 1,
                                           .validation_fraction = 0.25,
                                           .horizon = 3,
                                           .seed = seed };
}

static struct gru_recipe *begin(const struct gru_recipe_task *task)
{
    struct gru_recipe *recipe;
    struct gru_error error = { 0 };
    ck_assert_msg(gru_recipe_create(task, &recipe, &error) == GRU_OK, "%s: %s", error.param,
                  error.message);
    return recipe;
}

static bool advance(struct gru_recipe *recipe, size_t n_pieces)
{
    bool is_done = false;
    for (size_t k = 0; k < n_pieces && !is_done; k++) {
        ck_assert_int_eq(gru_recipe_advance(recipe, &is_done), GRU_OK);
    }
    return is_done;
}

/* Another one that goes on where this one is. */
static struct gru_recipe *interrupt(const struct gru_recipe_task *task, struct gru_recipe *recipe)
{
    void *bytes;
    size_t n_bytes;
    ck_assert_int_eq(gru_recipe_save(recipe, &bytes, &n_bytes), GRU_OK);
    gru_recipe_free(recipe);
    struct gru_recipe *other = begin(task);
    ck_assert_int_eq(gru_recipe_restore(other, bytes, n_bytes), GRU_OK);
    free(bytes);
    return other;
}

/* All that a recipe is, where no judgement is under way: its bytes. */
static void expect_same(const struct gru_recipe *one, const struct gru_recipe *other)
{
    void *a, *b;
    size_t n_a, n_b;
    ck_assert_int_eq(gru_recipe_save(one, &a, &n_a), GRU_OK);
    ck_assert_int_eq(gru_recipe_save(other, &b, &n_b), GRU_OK);
    ck_assert_uint_eq(n_a, n_b);
    ck_assert_mem_eq(a, b, n_a);
    free(a);
    free(b);
    struct gru_model *model = gru_recipe_model(one), *same = gru_recipe_model(other);
    training_expect_same_weights(model, same);
    gru_model_unref(model);
    gru_model_unref(same);
}

TEST(a_recipe_that_is_interrupted_often_is_undisturbed)
{
    static const size_t periods[] = { 37, 211, 1009 };
    struct task made;
    make(&made, 3);
    struct gru_recipe *undisturbed = begin(&made.task);
    ck_assert(advance(undisturbed, ALL));
    for (size_t k = 0; k < sizeof periods / sizeof *periods; k++) {
        struct gru_recipe *recipe = begin(&made.task);
        while (!advance(recipe, periods[k])) {
            recipe = interrupt(&made.task, recipe);
        }
        recipe = interrupt(&made.task, recipe);
        expect_same(undisturbed, recipe);
        gru_recipe_free(recipe);
    }
    gru_recipe_free(undisturbed);
}

/* Up to the end of the judgement that is, or comes, next. */
static void advance_beyond_judgement(struct gru_recipe *recipe)
{
    struct gru_recipe_findings findings;
    gru_recipe_findings(recipe, &findings);
    const size_t n_updates = findings.n_updates;
    bool is_done = false;
    while (!is_done && findings.n_updates < n_updates + 100) {
        ck_assert_int_eq(gru_recipe_advance(recipe, &is_done), GRU_OK);
        gru_recipe_findings(recipe, &findings);
    }
}

TEST(a_recipe_may_be_interrupted_after_any_call)
{
    struct task made;
    make(&made, 4);
    for (size_t k = 0; k < 400; k += k < 60 ? 1 : 7) {
        struct gru_recipe *one = begin(&made.task), *other = begin(&made.task);
        advance(one, k);
        advance(other, k);
        other = interrupt(&made.task, other);
        advance_beyond_judgement(one);
        advance_beyond_judgement(other);
        expect_same(one, other);
        gru_recipe_free(one);
        gru_recipe_free(other);
    }
}

TEST(other_bytes_are_refused_and_change_nothing)
{
    struct task made, another;
    void *bytes, *after;
    size_t n_bytes, n_after;
    make(&made, 5);
    make(&another, 6);
    struct gru_recipe *recipe = begin(&made.task), *other = begin(&another.task),
                      *fresh = begin(&made.task);
    advance(recipe, 300);
    ck_assert_int_eq(gru_recipe_save(recipe, &bytes, &n_bytes), GRU_OK);
    ck_assert_int_eq(gru_recipe_restore(other, bytes, n_bytes), GRU_BAD_FILE);
    ck_assert_int_eq(gru_recipe_restore(fresh, bytes, 0), GRU_BAD_FILE);
    ck_assert_int_eq(gru_recipe_restore(fresh, bytes, n_bytes - 1), GRU_BAD_FILE);
    for (size_t at = 0; at < n_bytes; at += 1 + n_bytes / 97) {
        ((unsigned char *)bytes)[at] ^= 1;
        ck_assert_int_eq(gru_recipe_restore(recipe, bytes, n_bytes), GRU_BAD_FILE);
        ((unsigned char *)bytes)[at] ^= 1;
    }
    ck_assert_int_eq(gru_recipe_save(recipe, &after, &n_after), GRU_OK);
    ck_assert_uint_eq(n_after, n_bytes);
    ck_assert_mem_eq(after, bytes, n_bytes);
    ck_assert_int_eq(gru_recipe_restore(fresh, bytes, n_bytes), GRU_OK);
    free(bytes);
    free(after);
    gru_recipe_free(recipe);
    gru_recipe_free(other);
    gru_recipe_free(fresh);
}

/* ---- series of their own ---- */

/* The seasonal naive forecast by its definition, of a season of 6, behind the first season. */
TEST(series_of_their_own_are_judged_behind_their_first_season)
{
    enum { SEASON = 6, HORIZON = 3, N = 30 };
    double valid[N], scale = 0, seasonal = 0;
    size_t n = 0;
    struct task made;
    make(&made, 7);
    recipe_series_fill(
        &(struct recipe_series){ .amplitude = 2, .period = SEASON, .noise = 0.4, .seed = 7 },
        made.x, ROWS);
    recipe_series_fill(
        &(struct recipe_series){ .amplitude = 2, .period = SEASON, .noise = 0.4, .seed = 8 }, valid,
        N);
    const struct gru_series own = { .x = valid, .n_rows = N };
    made.task.season = SEASON;
    made.task.validation = &own;
    made.task.n_validation = 1;
    struct gru_recipe *recipe = begin(&made.task);
    struct gru_recipe_findings findings;
    do {
        advance(recipe, 1);
        gru_recipe_findings(recipe, &findings);
    } while (isnan(findings.seasonal_naive));
    for (size_t t = SEASON; t < ROWS; t++) {
        scale += fabs(made.x[t] - made.x[t - SEASON]) / (ROWS - SEASON);
    }
    for (size_t origin = SEASON - 1; origin + HORIZON < N; origin++) {
        for (size_t k = 1; k <= HORIZON; k++, n++) {
            seasonal += fabs(valid[origin + k] - valid[origin + k - SEASON]);
        }
    }
    ck_assert_uint_eq(findings.n_train_rows, ROWS);
    ck_assert_uint_eq(findings.n_valid_rows, N);
    ck_assert_uint_eq(findings.n_origins, N - HORIZON - SEASON + 1);
    training_expect_near("scale", findings.scale, scale, 1e-12);
    training_expect_near("seasonal", findings.seasonal_naive, seasonal / (double)n / scale, 1e-6);
    gru_recipe_free(recipe);
}

TEST(a_model_has_the_units_and_the_policy_that_are_asked_for)
{
    static const char *const units[] = { "°C" };
    struct task made;
    make(&made, 9);
    made.task.input_units = made.task.output_units = units;
    made.task.has_missing = true;
    made.task.missing = GRU_MISSING_MEAN;
    made.task.interval_seconds = 3600;
    struct gru_recipe *recipe = begin(&made.task);
    struct gru_model *model = NULL;
    while (!model) {
        advance(recipe, 400);
        model = gru_recipe_model(recipe);
    }
    const struct gru_info *info = gru_model_info(model);
    ck_assert_str_eq(info->inputs[0].unit, "°C");
    ck_assert_str_eq(info->outputs[0].unit, "°C");
    ck_assert_int_eq(info->missing, GRU_MISSING_MEAN);
    ck_assert(info->interval_seconds == 3600 && info->season == 6);
    gru_model_unref(model);
    gru_recipe_free(recipe);
}

/* ---- memory ---- */

#ifdef FAILING_MEMORY
TEST(a_recipe_takes_no_more_memory_than_it_says)
{
    struct task made;
    size_t n_bytes, n_most = 0;
    bool is_done = false;
    make(&made, 10);
    made.task.horizon = 8;
    ck_assert_int_eq(gru_recipe_bytes(&made.task, &n_bytes, NULL), GRU_OK);
    failing_memory_start(ALL);
    struct gru_recipe *recipe = begin(&made.task);
    for (size_t k = 0; !is_done; k++) {
        ck_assert_int_eq(gru_recipe_advance(recipe, &is_done), GRU_OK);
        n_most = k % 16 == 0 && failing_memory_bytes() > n_most ? failing_memory_bytes() : n_most;
    }
    gru_recipe_free(recipe);
    failing_memory_stop();
    ck_assert_msg(n_most <= n_bytes && n_bytes < 4 * n_most, "%zu of %zu", n_most, n_bytes);
}

TEST(memory_may_run_out_while_a_recipe_is_saved_and_restored)
{
    struct task made;
    void *bytes, *again;
    size_t n_bytes, n_again;
    make(&made, 11);
    for (size_t k = 200; k < 216; k += 5) { /* in a judgement, and in a training */
        struct gru_recipe *recipe = begin(&made.task);
        advance(recipe, k);
        ck_assert_int_eq(gru_recipe_save(recipe, &bytes, &n_bytes), GRU_OK);
        bool failed = true;
        for (long n = 0; failed; n++) {
            failing_memory_start(n);
            const enum gru_status status = gru_recipe_restore(recipe, bytes, n_bytes);
            failed = failing_memory_stop() != 0;
            ck_assert_int_eq(status, failed ? GRU_NO_MEMORY : GRU_OK);
        }
        failed = true;
        for (long n = 0; failed; n++) {
            failing_memory_start(n);
            const enum gru_status status = gru_recipe_save(recipe, &again, &n_again);
            failed = failing_memory_stop() != 0;
            ck_assert_int_eq(status, failed ? GRU_NO_MEMORY : GRU_OK);
        }
        ck_assert_uint_eq(n_again, n_bytes);
        ck_assert_mem_eq(again, bytes, n_bytes);
        free(bytes);
        free(again);
        gru_recipe_free(recipe);
    }
}
#endif
