/* Training series: rows of targets, classes, several steps, and what is refused by its path. */
#include "codec/series.h"
#include "codec_support.h"

#include <math.h>
#include <string.h>

static enum status decode(struct setup *s, const char *series, const char *loss,
                          struct job_request *request)
{
    char body[1024];
    snprintf(body, sizeof body,
             "{\"model\":\"weather\",\"training\":{\"series\":[%s]},\"hyperparameters\":{\"loss\":"
             "\"%s\"}}",
             series, loss);
    struct job_target target;
    enum status status =
        codec_job_target(INPUT(body, strlen(body), usual_limits, NULL, &s->fault), &target);
    const struct gru_info *info = gru_model_info(s->model.active->gru);
    return status == STATUS_OK
               ? codec_job(INPUT(body, strlen(body), usual_limits, &s->arena, &s->fault), false,
                           &target, info, request)
               : status;
}

static struct job_request accepted(struct setup *s, const char *series, const char *loss)
{
    struct job_request request;
    enum status status = decode(s, series, loss, &request);
    ck_assert_msg(status == STATUS_OK, "%s: %s", series, s->fault.message);
    return request;
}

static void refused(struct setup *s, const struct refusal *refusals, size_t n, const char *loss)
{
    for (size_t i = 0; i < n; i++) {
        struct job_request request;
        enum status status = decode(s, refusals[i].body, loss, &request);
        ASSERT_REFUSED(status, &s->fault, &refusals[i]);
    }
}

static const char three_classes[] =
    "{\"inputs\":[{\"name\":\"a\"}],\"outputs\":[{\"name\":\"p\"},"
    "{\"name\":\"q\"},{\"name\":\"r\"}],\"activation\":\"softmax\"}";
static const char two_steps[] = "{\"inputs\":[{\"name\":\"a\"}],\"outputs\":[{\"name\":\"p\"},"
                                "{\"name\":\"q\"},{\"name\":\"r\"}],\"steps\":2}";

TEST(a_class_number_stands_for_a_row)
{
    struct setup s;
    setup_init(&s, model_described(1, 3, three_classes));
    struct job_request q =
        accepted(&s, "{\"y\":[2,0,null,1.0],\"x\":[[1],[2],[3],[4]]},{\"x\":[[1],[2]],\"y\":[1]}",
                 "cross_entropy");
    const double *y = q.series[0].y;
    ck_assert(q.series[0].n_targets == 4 && y[0] == 2 && y[1] == 0 && isnan(y[2]) && y[3] == 1);
    ck_assert(q.series[1].n_targets == 1 && q.series[1].y[0] == 1);
    static const struct refusal refusals[] = {
        { "{\"x\":[[1]],\"y\":[3]}", STATUS_INVALID_VALUE, "training.series[0].y[0]" },
        { "{\"x\":[[1],[2]],\"y\":[0,-1]}", STATUS_INVALID_VALUE, "training.series[0].y[1]" },
        { "{\"x\":[[1],[2]],\"y\":[0,0.5]}", STATUS_INVALID_VALUE, "training.series[0].y[1]" },
        { "{\"x\":[[1],[2]],\"y\":[0,1e39]}", STATUS_INVALID_VALUE, "training.series[0].y[1]" },
        { "{\"x\":[[1],[2]],\"y\":[0,\"1\"]}", STATUS_INVALID_TYPE, "training.series[0].y[1]" },
        { "{\"x\":[[1]],\"y\":[[0]]}", STATUS_INVALID_TYPE, "training.series[0].y[0]" },
        { "{\"x\":[[1]],\"y\":0}", STATUS_INVALID_TYPE, "training.series[0].y" },
        { "{\"x\":[[1]],\"y\":[]}", STATUS_WRONG_LENGTH, "training.series[0].y" },
        { "{\"x\":[[1],[2],[3]],\"y\":[0,1]}", STATUS_WRONG_LENGTH, "training.series[0].y" },
    };
    refused(&s, refusals, N_OF(refusals), "cross_entropy");
    setup_done(&s);
}

TEST(with_other_losses_the_same_model_takes_rows)
{
    struct setup s;
    setup_init(&s, model_described(1, 3, three_classes));
    struct job_request q =
        accepted(&s, "{\"x\":[[1],[2]],\"y\":[[1,0,null],{\"r\":1,\"p\":0}]}", "bce");
    const double *y = q.series[0].y;
    ck_assert(y[0] == 1 && y[1] == 0 && isnan(y[2]) && y[3] == 0 && isnan(y[4]) && y[5] == 1);
    static const struct refusal refusals[] = {
        { "{\"x\":[[1]],\"y\":[2]}", STATUS_INVALID_TYPE, "training.series[0].y[0]" },
        { "{\"x\":[[1]],\"y\":[[1,2]]}", STATUS_WRONG_LENGTH, "training.series[0].y[0]" },
        { "{\"x\":[[1]],\"y\":[{\"a\":1}]}", STATUS_UNKNOWN_FIELD, "training.series[0].y[0].a" },
    };
    refused(&s, refusals, N_OF(refusals), "mse");
    ck_assert_str_eq(s.fault.message, "training.series[0].y[0].a is not the name of an output");
    setup_done(&s);
}

TEST(several_steps_are_one_row)
{
    struct setup s;
    setup_init(&s, model_described(1, 6, two_steps));
    struct job_request q =
        accepted(&s, "{\"x\":[[1],[2]],\"y\":[[1,2,3,4,5,6],[7,8,9,10,11,null]]}", "mse");
    ck_assert(q.series[0].n_targets == 2 && q.series[0].y[5] == 6 && isnan(q.series[0].y[11]));
    static const struct refusal refusals[] = {
        { "{\"x\":[[1]],\"y\":[{\"p\":1}]}", STATUS_INVALID_TYPE, "training.series[0].y[0]" },
        { "{\"x\":[[1]],\"y\":[[[1,2,3],[4,5,6]]]}", STATUS_INVALID_TYPE,
          "training.series[0].y[0][0]" },
        { "{\"x\":[[1]],\"y\":[[1,2,3]]}", STATUS_WRONG_LENGTH, "training.series[0].y[0]" },
    };
    refused(&s, refusals, N_OF(refusals), "mse");
    ck_assert_str_eq(s.fault.message,
                     "training.series[0].y[0] has 3 values where 6 are expected: 2 steps, "
                     "each with p, q, r");
    setup_done(&s);
}

TEST(several_steps_have_a_class_each)
{
    struct setup s;
    setup_init(&s, model_described(1, 6, two_steps));
    struct job_request q =
        accepted(&s, "{\"x\":[[1],[2]],\"y\":[[0,2],[null,1]]}", "cross_entropy");
    const double *y = q.series[0].y;
    ck_assert(q.series[0].n_targets == 2 && y[0] == 0 && y[1] == 2 && isnan(y[2]) && y[3] == 1);
    static const struct refusal refusals[] = {
        { "{\"x\":[[1],[2]],\"y\":[[0,2],[3,1]]}", STATUS_INVALID_VALUE,
          "training.series[0].y[1][0]" },
        { "{\"x\":[[1],[2]],\"y\":[[0,2],[1]]}", STATUS_WRONG_LENGTH, "training.series[0].y[1]" },
        { "{\"x\":[[1],[2]],\"y\":[0,1]}", STATUS_INVALID_TYPE, "training.series[0].y[0]" },
        { "{\"x\":[[1],[2]],\"y\":[[0,1],[0,1],[0,1]]}", STATUS_WRONG_LENGTH,
          "training.series[0].y" },
    };
    refused(&s, refusals, N_OF(refusals), "cross_entropy");
    setup_done(&s);
}

TEST(ill_formed_series_are_refused_by_their_path)
{
#define DATA(series) "{\"x\":[[1,2]]}," series
    static const struct refusal refusals[] = {
        { "", STATUS_WRONG_LENGTH, "training.series" },
        { DATA("1"), STATUS_INVALID_TYPE, "training.series[1]" },
        { DATA("{}"), STATUS_MISSING_FIELD, "training.series[1].x" },
        { DATA("{\"x\":[]}"), STATUS_WRONG_LENGTH, "training.series[1].x" },
        { DATA("{\"x\":7}"), STATUS_INVALID_TYPE, "training.series[1].x" },
        { DATA("{\"x\":[7]}"), STATUS_INVALID_TYPE, "training.series[1].x[0]" },
        { DATA("{\"x\":[[1,2],[1]]}"), STATUS_WRONG_LENGTH, "training.series[1].x[1]" },
        { DATA("{\"x\":[[1,2],[1,2,3]]}"), STATUS_WRONG_LENGTH, "training.series[1].x[1]" },
        { DATA("{\"x\":[[1,2],[1,\"2\"]]}"), STATUS_INVALID_TYPE, "training.series[1].x[1][1]" },
        { DATA("{\"x\":[[1,2],[1,1e39]]}"), STATUS_INVALID_VALUE, "training.series[1].x[1][1]" },
        { DATA("{\"x\":[[1,2],[1e999,2]]}"), STATUS_INVALID_VALUE, "training.series[1].x[1][0]" },
        { DATA("{\"x\":[{\"wind\":1}]}"), STATUS_UNKNOWN_FIELD, "training.series[1].x[0].wind" },
        { DATA("{\"x\":[{\"temp\":1,\"temp\":1}]}"), STATUS_DUPLICATE_FIELD,
          "training.series[1].x[0].temp" },
        { DATA("{\"x\":[[1,2]],\"x\":[[1,2]]}"), STATUS_DUPLICATE_FIELD, "training.series[1].x" },
        { DATA("{\"x\":[[1,2]],\"z\":1}"), STATUS_UNKNOWN_FIELD, "training.series[1].z" },
        { DATA("{\"x\":[[1,2]],\"y\":[]}"), STATUS_WRONG_LENGTH, "training.series[1].y" },
        { DATA("{\"x\":[[1,2]],\"y\":null}"), STATUS_INVALID_TYPE, "training.series[1].y" },
        { DATA("{\"x\":[[1,2]],\"y\":[1]}"), STATUS_INVALID_TYPE, "training.series[1].y[0]" },
        { DATA("{\"x\":[[1,2]],\"y\":[null]}"), STATUS_INVALID_TYPE, "training.series[1].y[0]" },
        { DATA("{\"x\":[[1,2]],\"y\":[[1,2]]}"), STATUS_WRONG_LENGTH, "training.series[1].y[0]" },
        { DATA("{\"x\":[[1,2]],\"y\":[{\"humidity\":1}]}"), STATUS_UNKNOWN_FIELD,
          "training.series[1].y[0].humidity" },
        { DATA("{\"x\":[[1,2],[1,2],[1,2]],\"y\":[[1],[2]]}"), STATUS_WRONG_LENGTH,
          "training.series[1].y" },
        { DATA("{\"y\":[[1],[2]],\"x\":[[1,2]]}"), STATUS_WRONG_LENGTH, "training.series[1].y" },
        { DATA("{\"x\":[[1,NaN]]}"), STATUS_INVALID_JSON, "training.series[1].x[0][1]" },
        { DATA("{\"x\":[[1,-Infinity]]}"), STATUS_INVALID_JSON, "training.series[1].x[0][1]" },
        { DATA("{\"x\":[[1,01]]}"), STATUS_INVALID_JSON, "" },
    };
    struct setup s;
    setup_init(&s, model_weather());
    refused(&s, refusals, N_OF(refusals), "mse");
    ck_assert_ptr_nonnull(strstr(s.fault.message, "not valid JSON"));
    setup_done(&s);
}
