/* Validation residuals in a model's file: they come back as they were, and what no validation can
 * have found is refused. */
#include "engine/failing.h"
#include "engine/file/described.h"
#include "engine/file/residual_text.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUTS = 2 };

#define LEVELS      "\"levels\":[0.5,0.8,0.9,0.95,0.99]"
#define ONE         "{\"n\":7,\"mean\":0.25,\"quantiles\":[0.125,0.5,0.5,1,2]}"
#define NOTHING     "{\"n\":0,\"mean\":0,\"quantiles\":[0,0,0,0,0]}"
#define OF(outputs) "{" LEVELS ",\"outputs\":[" outputs "]}"

static void good(const char *text)
{
    struct gru_model *model = described_good(NULL);
    struct file_text again = { 0 };
    struct gru_error error;
    ck_assert_msg(gru_residual_text_read(text, false, model, &error) == GRU_OK, "%s",
                  error.message);
    const struct gru_residuals *residuals = gru_model_residuals(model);
    ck_assert(residuals != NULL && residuals->n_outputs == OUTPUTS);
    gru_residual_text_write(residuals, NULL, &again);
    ck_assert(again.n == strlen(text) && memcmp(again.p, text, again.n) == 0);
    gru_text_done(&again);
    gru_model_unref(model);
}

static void bad(const char *text, const char *param, const char *part)
{
    struct gru_model *model = described_good(NULL);
    struct gru_error error = { .message = "" };
    ck_assert_int_eq(gru_residual_text_read(text, false, model, &error), GRU_BAD_METADATA);
    ck_assert_msg(strcmp(error.param, param) == 0, "%s: %s", error.param, error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
    ck_assert_ptr_null(gru_model_residuals(model));
    gru_model_unref(model);
}

TEST(residuals_are_written_as_they_were_read)
{
    good(OF("[" ONE "],[" NOTHING "]"));
    good(OF("[" ONE "," NOTHING "," ONE "],[" ONE "," ONE "," NOTHING "]"));
}

TEST(what_no_validation_finds_is_refused_with_its_path)
{
    bad("", "grud_residuals", "cannot be read");
    bad("[]", "grud_residuals", "must be an object");
    bad("{}", "grud_residuals", "must have 'levels' and 'outputs'");
    bad("{" LEVELS "}", "grud_residuals", "must have 'levels' and 'outputs'");
    bad("{\"levels\":[0.5,0.8,0.9,0.95],\"outputs\":[]}", "grud_residuals.levels", "must be [0.5");
    bad("{\"levels\":[0.5,0.8,0.9,0.95,0.99,1],\"outputs\":[]}", "grud_residuals.levels",
        "must have 5 numbers");
    bad("{\"a\":1}", "grud_residuals.a", "unknown key");
    bad(OF("[" ONE "],[" ONE "]") " 1", "grud_residuals", "cannot be read");
    bad(OF("[" ONE "],[" ONE), "grud_residuals", "cannot be read");
    bad(OF("[{\"n\":1.5}]"), "grud_residuals.outputs[0][0].n", "whole number");
    bad(OF("[{\"n\":-1}]"), "grud_residuals.outputs[0][0].n", "whole number");
    bad(OF("[{\"n\":1e300}]"), "grud_residuals.outputs[0][0].n", "whole number");
    bad(OF("[{\"n\":1,\"mean\":1}]"), "grud_residuals.outputs[0][0]", "'n', 'mean' and");
    bad(OF("[" ONE ",{\"n\":1,\"mean\":\"1\"}]"), "grud_residuals.outputs[0][1].mean", "a number");
    bad(OF("[{\"quantiles\":[1,2]}]"), "grud_residuals.outputs[0][0].quantiles", "5 numbers");
    bad(OF("[" ONE "],[" ONE "," ONE "]"), "grud_residuals.outputs[1]", "has 2 rows ahead");
    bad(OF("[" ONE "]"), "grud_residuals", "for each of 2 outputs");
    bad(OF("[" ONE "],[" ONE "],[" ONE "]"), "grud_residuals", "for each of 2 outputs");
    bad(OF("[],[]"), "grud_residuals", "for each of 2 outputs");
    bad(OF("[" ONE "],[{\"n\":1,\"mean\":1,\"quantiles\":[1,1,2,1,3]}]"), "grud_residuals",
        "in order");
    bad(OF("[" ONE "],[{\"n\":1,\"mean\":-1,\"quantiles\":[1,1,1,1,1]}]"), "grud_residuals",
        "in order");
    bad(OF("[" ONE "],[{\"n\":1,\"mean\":1,\"quantiles\":[-1,1,1,1,1]}]"), "grud_residuals",
        "in order");
    bad(OF("[" ONE "],[{\"n\":0,\"mean\":1,\"quantiles\":[0,0,0,0,0]}]"), "grud_residuals",
        "in order");
}

TEST(more_rows_ahead_than_there_may_be_are_refused)
{
    static const size_t n_rows[] = { GRU_RESIDUAL_HORIZON, GRU_RESIDUAL_HORIZON + 1,
                                     GRU_RESIDUALS_MAX + 1 };
    for (size_t k = 0; k < sizeof n_rows / sizeof *n_rows; k++) {
        struct file_text text = { 0 };
        gru_text_puts(&text, "{" LEVELS ",\"outputs\":[");
        for (size_t o = 0; o < OUTPUTS; o++) {
            for (size_t h = 0; h < n_rows[k]; h++) {
                gru_text_puts(&text, h > 0 ? "," : o > 0 ? ",[" : "[");
                gru_text_puts(&text, ONE);
            }
            gru_text_puts(&text, "]");
        }
        gru_text_puts(&text, "]}");
        gru_text_put(&text, "", 1);
        if (k == 0) {
            good(text.p);
        } else if (k == 1) {
            bad(text.p, "grud_residuals", "up to 24 rows ahead");
        } else {
            bad(text.p, "grud_residuals.outputs[0][1536]", "more than 1536 residuals");
        }
        gru_text_done(&text);
    }
}

static struct gru_model *model_with_residuals(void)
{
    static const struct gru_residual of[OUTPUTS] = {
        { 30, 0.1, { 0x1p-70, 0.30000000000000004, 0.5, 0.75, 1e300 } }
    };
    static const struct gru_residuals residuals = { OUTPUTS, 1, of };
    struct gru_model *model = described_good(NULL);
    ck_assert_int_eq(gru_model_set_residuals(model, &residuals), GRU_OK);
    return model;
}

TEST(a_saved_model_has_its_residuals_bit_for_bit_and_none_of_them_is_unread)
{
    struct gru_model *model = model_with_residuals(), *again;
    void *bytes;
    size_t n;
    ck_assert_int_eq(gru_model_save(model, &bytes, &n), GRU_OK);
    ck_assert_int_eq(gru_model_load(bytes, n, &again, NULL), GRU_OK);
    const struct gru_residuals *a = gru_model_residuals(model), *b = gru_model_residuals(again);
    ck_assert(b != NULL && b->n_outputs == OUTPUTS && b->n_horizons == 1);
    ck_assert_mem_eq(a->of, b->of, OUTPUTS * sizeof *a->of);
    ck_assert_str_eq(gru_model_unread(again), "");
    free(bytes);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(residuals_of_the_base_come_back_with_its_word)
{
    static const char text[] =
        "{" LEVELS ",\"outputs\":[[" ONE "],[" NOTHING "]],\"base\":\"xxh3:0a\"}";
    struct gru_model *model = described_good(NULL), *again;
    struct file_text written = { 0 };
    void *bytes;
    size_t n;
    ck_assert_ptr_null(gru_model_base(model));
    ck_assert_int_eq(gru_residual_text_read(text, true, model, NULL), GRU_OK);
    ck_assert_ptr_null(gru_model_residuals(model));
    ck_assert_int_eq(gru_model_save(model, &bytes, &n), GRU_OK);
    ck_assert_int_eq(gru_model_load(bytes, n, &again, NULL), GRU_OK);
    ck_assert_str_eq(gru_model_base(again), "xxh3:0a");
    ck_assert_str_eq(gru_model_unread(again), "");
    gru_residual_text_write(gru_model_base_residuals(again), gru_model_base(again), &written);
    ck_assert(written.n == strlen(text) && memcmp(written.p, text, written.n) == 0);
    gru_text_done(&written);
    free(bytes);
    gru_model_unref(again);
    gru_model_unref(model);
}

TEST(residuals_of_a_base_without_a_word_are_refused)
{
    static const char *const bad_bases[] = {
        "",
        ",\"base\":1",
        ",\"base\":\"\"",
        ",\"base\":\"a b\"",
        ",\"base\":\"0123456789012345678901234567890123456789012345678901234567890123\"",
    };
    for (size_t k = 0; k < sizeof bad_bases / sizeof *bad_bases; k++) {
        struct gru_model *model = described_good(NULL);
        struct gru_error error = { .message = "" };
        char text[400];
        snprintf(text, sizeof text, "{" LEVELS ",\"outputs\":[[" ONE "],[" NOTHING "]]%s}",
                 bad_bases[k]);
        ck_assert_int_eq(gru_residual_text_read(text, true, model, &error), GRU_BAD_METADATA);
        ck_assert_msg(strncmp(error.param, "grud_base_residuals", 19) == 0, "%s", error.param);
        ck_assert_ptr_null(gru_model_base(model));
        gru_model_unref(model);
    }
}

TEST(residuals_of_another_shape_are_not_taken)
{
    static const struct gru_residual of[3] = { { .n = 0 } };
    struct gru_model *model = described_good(NULL);
    ck_assert_int_eq(gru_model_set_residuals(model, &(struct gru_residuals){ 3, 1, of }),
                     GRU_BAD_ARGUMENT);
    ck_assert_int_eq(gru_model_set_residuals(model, &(struct gru_residuals){ OUTPUTS, 0, of }),
                     GRU_BAD_ARGUMENT);
    gru_model_unref(model);
}

#ifdef FAILING_MEMORY
TEST(out_of_memory_is_said_at_each_allocation)
{
    struct gru_model *model = model_with_residuals(), *again = NULL;
    void *bytes;
    size_t n;
    ck_assert_int_eq(gru_model_save(model, &bytes, &n), GRU_OK);
    int has_failed = 1;
    for (long k = 0; has_failed; k++) {
        failing_memory_start(k);
        enum gru_status status = gru_model_load(bytes, n, &again, NULL);
        long live = failing_memory_live();
        has_failed = failing_memory_stop();
        ck_assert_int_eq(status, has_failed ? GRU_NO_MEMORY : GRU_OK);
        ck_assert(!has_failed || live == 0);
    }
    gru_model_unref(again);
    for (long k = 0, is_made = 0; !is_made; k++) {
        void *saved = NULL;
        failing_memory_start(k);
        enum gru_status status = gru_model_save(model, &saved, &n);
        is_made = !failing_memory_stop();
        ck_assert_int_eq(status, is_made ? GRU_OK : GRU_NO_MEMORY);
        free(saved);
    }
    free(bytes);
    gru_model_unref(model);
}
#endif
