/* Training series in lines of their own, and the memory that they take. */
#include "codec_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct job_lines *begin(struct setup *s, struct arena *arena, int loss)
{
    const struct job_target target = { .model = "weather", .loss = loss };
    return codec_job_lines(gru_model_info(s->model.active->gru), &usual_limits, &target, arena);
}

static enum status add(struct setup *s, struct job_lines *lines, size_t number, const char *line)
{
    return codec_job_line(lines, number, line, strlen(line), &s->fault);
}

TEST(series_come_in_lines)
{
    struct setup s;
    setup_init(&s, model_weather());
    const char first[] = "{\"model\":\"weather\",\"seed\":5}";
    struct job_target target;
    struct job_request q;
    const struct gru_info *info = gru_model_info(s.model.active->gru);
    ck_assert_int_eq(
        codec_job_target(INPUT(first, strlen(first), usual_limits, NULL, &s.fault), &target),
        STATUS_OK);
    ck_assert_int_eq(codec_job(INPUT(first, strlen(first), usual_limits, &s.arena, &s.fault), true,
                               &target, info, &q),
                     STATUS_OK);
    struct job_lines *lines = codec_job_lines(info, &usual_limits, &target, &s.arena);
    ck_assert_int_eq(add(&s, lines, 2, "{\"x\":[[1,2]]}"), STATUS_OK);
    ck_assert_int_eq(add(&s, lines, 3, "{\"x\":[{\"humidity\":4}],\"y\":[[3]]}"), STATUS_OK);
    ck_assert_int_eq(codec_job_lines_end(lines, info, &q, &s.fault), STATUS_OK);
    ck_assert(q.seed == 5 && q.source == JOB_SERIES && q.n_series == 2);
    ck_assert(q.series[0].x[1] == 2 && q.series[1].x[1] == 4 && isnan(q.series[1].x[0]) &&
              q.series[1].y[0] == 3);
    setup_done(&s);
}

TEST(the_first_line_has_no_training)
{
    struct setup s;
    setup_init(&s, model_weather());
    const char first[] = "{\"model\":\"weather\",\"training\":{\"series\":[{\"x\":[[1,2]]}]}}";
    const struct refusal refusal = { first, STATUS_INVALID_VALUE, "training" };
    struct job_target target;
    struct job_request q;
    const struct gru_info *info = gru_model_info(s.model.active->gru);
    ck_assert_int_eq(
        codec_job_target(INPUT(first, strlen(first), usual_limits, NULL, &s.fault), &target),
        STATUS_OK);
    enum status status = codec_job(INPUT(first, strlen(first), usual_limits, &s.arena, &s.fault),
                                   true, &target, info, &q);
    ASSERT_REFUSED(status, &s.fault, &refusal);
    setup_done(&s);
}

TEST(a_bad_line_is_named)
{
    static const struct {
        struct refusal refusal;
        const char *message;
    } lines[] = {
        { { "{\"x\":[[1,2],[1]]}", STATUS_WRONG_LENGTH, "training.series[1].x[1]" },
          "line 17: x[1] has 1 value where 2 are expected: temp, humidity" },
        { { "[]", STATUS_INVALID_TYPE, "training.series[1]" },
          "line 17: the series must be an object, not an array" },
        { { "{\"x\":[[1,2]]} 1", STATUS_INVALID_JSON, "" },
          "line 17: the series is not valid JSON: unexpected characters after the value at byte "
          "14" },
        { { "{\"x\":[[1,2]],\"y\":[[1],[2]]}", STATUS_WRONG_LENGTH, "training.series[1].y" },
          "line 17: y has 2 rows where x has 1: as many are expected, or exactly one" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    for (size_t i = 0; i < N_OF(lines); i++) {
        struct job_lines *list = begin(&s, &s.arena, GRU_MSE);
        ck_assert_int_eq(add(&s, list, 16, "{\"x\":[[1,2]]}"), STATUS_OK);
        enum status status = add(&s, list, 17, lines[i].refusal.body);
        ASSERT_REFUSED(status, &s.fault, &lines[i].refusal);
        if (lines[i].refusal.status != STATUS_INVALID_JSON) {
            ck_assert_str_eq(s.fault.message, lines[i].message);
        }
        ck_assert_int_eq(strncmp(s.fault.message, "line 17: ", 9), 0);
    }
    setup_done(&s);
}

TEST(an_upload_without_series_is_refused)
{
    struct setup s;
    setup_init(&s, model_weather());
    struct job_request q = { .seed = 9 };
    struct job_lines *lines = begin(&s, &s.arena, GRU_MSE);
    ck_assert_int_eq(codec_job_lines_end(lines, gru_model_info(s.model.active->gru), &q, &s.fault),
                     STATUS_MISSING_FIELD);
    ck_assert_str_eq(s.fault.param, "training.series");
    setup_done(&s);
}

/* Rows were read by the widths of a version; if its number names another one by now, they are not
 * its. */
TEST(an_upload_for_a_model_that_became_another_is_refused)
{
    struct setup s;
    setup_init(&s, model_weather());
    setup_add_version(&s, model_described(2, 2, "{\"steps\":2}"));
    struct job_request q = { .seed = 9 };
    struct job_lines *lines = begin(&s, &s.arena, GRU_MSE);
    ck_assert_int_eq(add(&s, lines, 2, "{\"x\":[[1,2]]}"), STATUS_OK);
    ck_assert_int_eq(codec_job_lines_end(lines, gru_model_info(s.versions[1].gru), &q, &s.fault),
                     STATUS_INCOMPATIBLE_MODEL);
    setup_done(&s);
}

/* ---- memory ---- */

TEST(rows_take_the_memory_that_they_need)
{
    enum { ROWS = 100000, ROW_BYTES = 2 * sizeof(double) };
    struct setup s;
    setup_init(&s, model_weather());
    char *line = malloc(20 + 6 * ROWS), *p = line;
    ck_assert_ptr_nonnull(line);
    p += sprintf(p, "{\"x\":[");
    for (int i = 0; i < ROWS; i++) {
        p += sprintf(p, "[1,2],");
    }
    sprintf(p - 1, "]}");
    struct arena arena;
    arena_init(&arena, (size_t)ROWS * ROW_BYTES + 65536);
    struct job_lines *lines = begin(&s, &arena, GRU_MSE);
    ck_assert_int_eq(add(&s, lines, 2, line), STATUS_OK);
    ck_assert_int_eq(add(&s, lines, 3, line), STATUS_REQUEST_TOO_LARGE);
    arena_done(&arena);
    free(line);
    setup_done(&s);
}

TEST(a_short_text_is_not_given_much_memory)
{
    enum { WIDE = 4000, ROWS = 4000 };
    struct setup s;
    setup_init(&s, model_described(WIDE, 1, "{}"));
    char *line = malloc(20 + 3 * ROWS), *p = line;
    ck_assert_ptr_nonnull(line);
    p += sprintf(p, "{\"x\":[");
    for (int i = 0; i < ROWS; i++) {
        p += sprintf(p, "[],");
    }
    sprintf(p - 1, "]}");
    struct arena arena;
    arena_init(&arena, 4 << 20); /* rows of this width would take 64 MB */
    struct job_lines *lines = begin(&s, &arena, GRU_MSE);
    ck_assert_int_eq(add(&s, lines, 2, line), STATUS_WRONG_LENGTH);
    ck_assert_str_eq(s.fault.param, "training.series[0].x[0]");
    arena_done(&arena);
    free(line);
    setup_done(&s);
}
