/* Rows of values: arrays in the model's order, or objects by names, and what a row may not be. */
#include "codec/reader_rows.h"
#include "codec_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct reader reader_of(struct setup *s, const char *text)
{
    struct reader r;
    reader_init(&r, INPUT(text, strlen(text), s->limits, &s->arena, &s->fault));
    return r;
}

static struct columns inputs_of(const struct setup *s, bool is_future)
{
    struct columns columns;
    columns_init(&columns, gru_model_info(s->model.active->gru), is_future);
    return columns;
}

static const double *accepted(struct setup *s, struct columns *columns, const char *text, size_t n)
{
    const double *rows = NULL;
    size_t n_read;
    struct reader r = reader_of(s, text);
    enum status status = reader_end(&r, rows_read(&r, columns, &rows, &n_read));
    ck_assert_msg(status == STATUS_OK, "%s: %s", text, s->fault.message);
    ck_assert_uint_eq(n_read, n);
    return rows;
}

static void assert_same(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(a[i] == b[i] || (isnan(a[i]) && isnan(b[i])), "%zu: %g, not %g", i,
                      (double)a[i], (double)b[i]);
    }
}

/* Inputs whose names are not in alphabetical order. */
static struct gru_model *model_qme(void)
{
    return model_described(3, 1,
                           "{\"inputs\":[{\"name\":\"q\"},{\"name\":\"m\"},{\"name\":\"e\"}],"
                           "\"outputs\":[{\"name\":\"m\"}]}");
}

/* ---- digits ---- */

/* Of a model with such a mean of its input `q`. */
static struct gru_model *model_with_mean(const char *mean)
{
    char metadata[256];
    snprintf(metadata, sizeof metadata,
             "{\"inputs\":[{\"name\":\"q\",\"mean\":%s,\"std\":2},{\"name\":\"m\"}],"
             "\"outputs\":[{\"name\":\"q\"}]}",
             mean);
    return model_described(2, 1, metadata);
}

TEST(a_reading_has_the_digits_that_the_scaling_asks_for)
{
    static const char text[] = "[[100000003,0.1],{\"m\":0.1,\"q\":100000003}]";
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        struct setup s;
        setup_init(&s, model_with_mean(is_wide ? "1e8" : "2048"));
        const struct gru_info *info = gru_model_info(s.model.active->gru);
        ck_assert_int_eq(info->is_wide, is_wide);
        struct columns columns = inputs_of(&s, false);
        const double *rows = accepted(&s, &columns, text, 2);
        for (size_t k = 0; k < 4; k++) {
            const double value = k % 2 == 0 ? 100000003 : 0.1;
            ck_assert(rows[k] == gru_reading(info, value));
            ck_assert(is_wide ? fabs(rows[k] - value) < 1e-14 : rows[k] == (double)(float)value);
        }
        columns.has_all_digits = true;
        rows = accepted(&s, &columns, text, 2);
        ck_assert(rows[0] == 100000003 && rows[1] == 0.1 && rows[2] == 100000003 && rows[3] == 0.1);
        setup_done(&s);
    }
}

/* ---- arrays and objects ---- */

TEST(a_row_is_the_same_as_an_array_and_by_names_in_any_order)
{
    static const char *const texts[] = {
        "[{\"q\":1,\"m\":2,\"e\":null},{\"q\":4,\"m\":5,\"e\":6}]",
        "[{\"q\":1,\"m\":2},{\"e\":6,\"m\":5,\"q\":4}]",
        "[{\"m\":2,\"q\":1},[4,5,6]]",
        "[[1,2,null],{\"m\":5,\"e\":6,\"q\":4}]",
        "[{\"\\u006d\":2,\"e\":null,\"q\":1},{\"e\":6,\"q\":4,\"\\u006d\":5}]",
    };
    struct setup s;
    setup_init(&s, model_qme());
    for (size_t i = 0; i < N_OF(texts); i++) {
        struct columns columns = inputs_of(&s, false);
        const double *rows = accepted(&s, &columns, texts[i], 2);
        assert_same(rows, (const double[]){ 1, 2, NAN, 4, 5, 6 }, 6);
    }
    setup_done(&s);
}

TEST(what_was_read_of_one_row_is_nothing_to_the_next)
{
    struct setup s;
    setup_init(&s, model_qme());
    struct columns columns = inputs_of(&s, false);
    const double *rows = accepted(&s, &columns, "[{\"q\":1,\"e\":3},{\"m\":2},{},{\"q\":9}]", 4);
    assert_same(rows, (const double[]){ 1, NAN, 3, NAN, 2, NAN, NAN, NAN, NAN, 9, NAN, NAN }, 12);
    setup_done(&s);
}

TEST(future_rows_have_only_the_inputs_that_no_output_feeds)
{
    struct setup s;
    setup_init(&s, model_qme());
    struct columns columns = inputs_of(&s, true);
    ck_assert_uint_eq(columns.n, 2);
    const double *rows = accepted(&s, &columns, "[[1,3],{\"e\":6,\"q\":4}]", 2);
    assert_same(rows, (const double[]){ 1, 3, 4, 6 }, 4);
    setup_done(&s);
}

TEST(a_target_row_has_every_output_at_every_step)
{
    struct setup s;
    setup_init(
        &s, model_described(1, 4, "{\"steps\":2,\"outputs\":[{\"name\":\"p\"},{\"name\":\"q\"}]}"));
    struct columns columns;
    columns_init_targets(&columns, gru_model_info(s.model.active->gru));
    const double *rows = accepted(&s, &columns, "[[1,2,null,4]]", 1);
    assert_same(rows, (const double[]){ 1, 2, NAN, 4 }, 4);
    struct reader r = reader_of(&s, "{\"p\":1}");
    double row[4];
    ck_assert_int_eq(rows_read_one(&r, &columns, row), STATUS_INVALID_TYPE);
    setup_done(&s);
}

TEST(a_row_that_is_none_is_refused_by_its_path)
{
    static const struct refusal refusals[] = {
        { "[[1,2,3],[1,2]]", STATUS_WRONG_LENGTH, "[1]" },
        { "[[1,2,3,4]]", STATUS_WRONG_LENGTH, "[0]" },
        { "[[]]", STATUS_WRONG_LENGTH, "[0]" },
        { "[1]", STATUS_INVALID_TYPE, "[0]" },
        { "[null]", STATUS_INVALID_TYPE, "[0]" },
        { "{}", STATUS_INVALID_TYPE, "" },
        { "[[1,true,3]]", STATUS_INVALID_TYPE, "[0][1]" },
        { "[{\"m\":[2]}]", STATUS_INVALID_TYPE, "[0].m" },
        { "[{\"m\":1e39}]", STATUS_INVALID_VALUE, "[0].m" },
        { "[{\"d\":1}]", STATUS_UNKNOWN_FIELD, "[0].d" },
        { "[{},{\"q\":1,\"m\":2,\"\\u0071\":1}]", STATUS_DUPLICATE_FIELD, "[1].q" },
        { "[{\"q\":1,]", STATUS_INVALID_JSON, "" },
    };
    struct setup s;
    setup_init(&s, model_qme());
    for (size_t i = 0; i < N_OF(refusals); i++) {
        struct columns columns = inputs_of(&s, false);
        const double *rows;
        size_t n;
        struct reader r = reader_of(&s, refusals[i].body);
        enum status status = rows_read(&r, &columns, &rows, &n);
        ASSERT_REFUSED(status, &s.fault, &refusals[i]);
    }
    setup_done(&s);
}

TEST(a_name_that_an_output_feeds_is_no_future_value)
{
    struct setup s;
    double row[2];
    setup_init(&s, model_qme());
    struct columns columns = inputs_of(&s, true);
    struct reader r = reader_of(&s, "{\"q\":1,\"m\":2}");
    ck_assert_int_eq(rows_read_one(&r, &columns, row), STATUS_UNKNOWN_FIELD);
    ck_assert_ptr_nonnull(strstr(s.fault.message, "the forecast itself supplies it"));
    r = reader_of(&s, "[1,2,3]");
    ck_assert_int_eq(rows_read_one(&r, &columns, row), STATUS_WRONG_LENGTH);
    ck_assert_ptr_nonnull(strstr(s.fault.message, "3 values where 2 are expected: q, e"));
    setup_done(&s);
}

/* ---- counting ---- */

TEST(counted_rows_are_the_same_rows)
{
    static const char *const texts[] = { "[]", "[[1,2,3]]", "[[1,2,3],{},{\"e\":1},[4,5,6]]",
                                         "[{},{},{},{},{},{},{},{},{},{},{},{},{}]" };
    struct setup s;
    setup_init(&s, model_qme());
    for (size_t i = 0; i < N_OF(texts); i++) {
        struct columns columns = inputs_of(&s, false), other = inputs_of(&s, false);
        const double *rows = NULL, *counted = NULL;
        size_t n, n_counted;
        struct reader r = reader_of(&s, texts[i]);
        ck_assert_int_eq(rows_read(&r, &columns, &rows, &n), STATUS_OK);
        r = reader_of(&s, texts[i]);
        ck_assert_uint_eq(rows_count(&r), n); /* looks ahead, and takes nothing */
        ck_assert_int_eq(rows_read_counted(&r, &other, &counted, &n_counted), STATUS_OK);
        ck_assert_uint_eq(n_counted, n);
        assert_same(counted, rows, n * columns.n);
    }
    setup_done(&s);
}

TEST(what_is_no_array_has_no_elements_and_a_fault_ends_the_count)
{
    struct setup s;
    setup_init(&s, model_qme());
    struct reader r = reader_of(&s, "{\"q\":[1]}");
    ck_assert_uint_eq(rows_count(&r), 0);
    r = reader_of(&s, "[[1],[2],[,]]");
    ck_assert_uint_eq(rows_count(&r), 2);
    setup_done(&s);
}

TEST(all_arrays_of_a_request_share_the_limit_of_rows)
{
    struct setup s;
    setup_init(&s, model_qme());
    struct columns columns = inputs_of(&s, false);
    columns.rows_max = 3;
    accepted(&s, &columns, "[{},{}]", 2);
    accepted(&s, &columns, "[{}]", 1);
    const double *rows;
    size_t n;
    struct reader r = reader_of(&s, "[{}]");
    ck_assert_int_eq(rows_read(&r, &columns, &rows, &n), STATUS_REQUEST_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(s.fault.message, "goes beyond the 3 rows"));
    setup_done(&s);
}
