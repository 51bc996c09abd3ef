/* Scaling, residual, missing readings, several steps at once, roll-outs: on small models built in
 * the test, whose answers are recomputed from the plain network by hand. */
#include "engine/model.h"
#include "test.h"

#include <math.h>
#include <string.h>

/* A model of temp, humidity -> temp (feeds temp), with H = 5. Scaled and residual as asked. */
static struct gru_model *make_model(bool residual, enum gru_missing missing)
{
    static const char *const inputs[] = { "temp", "humidity" };
    static const size_t hidden[] = { 5 };
    struct gru_plan plan = { .n_inputs = 2,
                             .n_outputs = 1,
                             .n_layers = 1,
                             .inputs = inputs,
                             .outputs = inputs,
                             .hidden_sizes = hidden,
                             .residual = residual,
                             .seed = 7 };
    struct gru_model *model;
    ck_assert_int_eq(gru_model_create(&plan, &model, NULL), GRU_OK);
    model->info.inputs[0].mean = 20.0;
    model->info.inputs[0].std = 4.0;
    model->info.outputs[0].mean = residual ? 0.0 : 20.0;
    model->info.outputs[0].std = 4.0;
    model->info.missing = missing;
    return model;
}

struct stream {
    struct gru_model *model;
    struct gru_work *work;
    float state[64];
};

static struct stream begin(struct gru_model *model)
{
    struct stream stream = { .model = model };
    ck_assert_int_eq(gru_work_create(&stream.work), GRU_OK);
    ck_assert_uint_le(gru_model_info(model)->state_floats, 64);
    gru_state_init(model, stream.state);
    return stream;
}

static void end(struct stream *stream)
{
    gru_work_free(stream->work);
    gru_model_unref(stream->model);
}

static enum gru_status step(struct stream *stream, const double *x, double *y)
{
    struct gru_lane lane = {
        .state_in = stream->state, .state_out = stream->state, .x = x, .n_rows = 1, .y = y
    };
    ck_assert_int_eq(gru_run(stream->model, stream->work, &lane, 1), GRU_OK);
    return lane.status;
}

TEST(inputs_and_outputs_are_scaled)
{
    struct stream scaled = begin(make_model(false, GRU_MISSING_LAST));
    struct stream plain = begin(make_model(false, GRU_MISSING_LAST));
    plain.model->info.inputs[0].mean = plain.model->info.outputs[0].mean = 0.0;
    plain.model->info.inputs[0].std = plain.model->info.outputs[0].std = 1.0;
    double y, y_plain;
    ck_assert_int_eq(step(&scaled, (double[]){ 22.0F, 0.5F }, &y), GRU_OK);
    ck_assert_int_eq(step(&plain, (double[]){ 0.5F, 0.5F }, &y_plain), GRU_OK);
    ck_assert_float_eq_tol(y, 4.0F * y_plain + 20.0F, 1e-5F);
    end(&scaled);
    end(&plain);
}

TEST(a_residual_output_is_added_to_the_last_raw_value)
{
    struct stream residual = begin(make_model(true, GRU_MISSING_LAST));
    struct stream direct = begin(make_model(false, GRU_MISSING_LAST));
    double y, change;
    ck_assert_int_eq(step(&residual, (double[]){ 23.0F, 0.5F }, &y), GRU_OK);
    ck_assert_int_eq(step(&direct, (double[]){ 23.0F, 0.5F }, &change), GRU_OK);
    ck_assert_float_eq_tol(y, 23.0F + (change - 20.0F), 1e-5F);
    end(&residual);
    end(&direct);
}

TEST(a_missing_reading_becomes_what_the_policy_says)
{
    const double first[] = { 23.0F, 0.5F }, gap[] = { NAN, 0.25F };
    static const enum gru_missing policies[] = { GRU_MISSING_LAST, GRU_MISSING_MEAN,
                                                 GRU_MISSING_FORECAST };
    for (size_t k = 0; k < 3; k++) {
        struct stream gapped = begin(make_model(false, policies[k]));
        struct stream filled = begin(make_model(false, policies[k]));
        double y, y_filled;
        ck_assert_int_eq(step(&gapped, first, &y), GRU_OK);
        ck_assert_int_eq(step(&filled, first, &y_filled), GRU_OK);
        double fill = policies[k] == GRU_MISSING_LAST   ? 23.0F
                      : policies[k] == GRU_MISSING_MEAN ? 20.0F
                                                        : y;
        ck_assert_int_eq(step(&gapped, gap, &y), GRU_OK);
        ck_assert_int_eq(step(&filled, (double[]){ fill, 0.25F }, &y_filled), GRU_OK);
        ck_assert_mem_eq(&y, &y_filled, sizeof y);
        end(&gapped);
        end(&filled);
    }
}

TEST(before_the_first_reading_a_missing_one_is_the_mean)
{
    struct stream gapped = begin(make_model(false, GRU_MISSING_FORECAST));
    struct stream filled = begin(make_model(false, GRU_MISSING_LAST));
    double y, y_filled;
    ck_assert_int_eq(step(&gapped, (double[]){ NAN, 0.5F }, &y), GRU_OK);
    ck_assert_int_eq(step(&filled, (double[]){ 20.0F, 0.5F }, &y_filled), GRU_OK);
    ck_assert_mem_eq(&y, &y_filled, sizeof y);
    end(&gapped);
    end(&filled);
}

TEST(the_policy_error_refuses_a_missing_reading_and_names_it)
{
    struct stream stream = begin(make_model(false, GRU_MISSING_ERROR));
    double x[] = { 20.0F, 0.5F, 20.0F, NAN }, y[2];
    float before[64];
    memcpy(before, stream.state, sizeof before);
    struct gru_lane lane = {
        .state_in = stream.state, .state_out = stream.state, .x = x, .n_rows = 2, .y = y
    };
    ck_assert_int_eq(gru_run(stream.model, stream.work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_MISSING_INPUT);
    ck_assert_uint_eq(lane.bad_row, 1);
    ck_assert_uint_eq(lane.bad_column, 1);
    ck_assert_mem_eq(stream.state, before, sizeof before);
    end(&stream);
}

TEST(missing_readings_filled_by_forecasts_are_the_same_stepwise_and_at_once)
{
    enum { T = 9 };
    struct stream stepwise = begin(make_model(true, GRU_MISSING_FORECAST));
    double x[T * 2], y[T], whole[T];
    float state[64];
    for (int k = 0; k < T * 2; k++) {
        x[k] = k % 4 == 2 ? NAN : 18.0F + (float)k;
    }
    struct gru_lane lane = { .state_out = state, .x = x, .n_rows = T, .y = whole };
    ck_assert_int_eq(gru_run(stepwise.model, stepwise.work, &lane, 1), GRU_OK);
    for (int t = 0; t < T; t++) {
        ck_assert_int_eq(step(&stepwise, x + 2 * t, y + t), GRU_OK);
    }
    ck_assert_mem_eq(y, whole, sizeof y);
    end(&stepwise);
}

TEST(a_roll_out_feeds_forecasts_back_and_leaves_the_state_alone)
{
    enum { HORIZON = 6 };
    struct stream stream = begin(make_model(true, GRU_MISSING_LAST));
    const double future[HORIZON] = { 0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F };
    double y, forecast[HORIZON];
    float before[64];
    ck_assert_int_eq(step(&stream, (double[]){ 23.0F, 0.5F }, &y), GRU_OK);
    memcpy(before, stream.state, sizeof before);
    ck_assert_uint_eq(gru_future_rows(stream.model, HORIZON), HORIZON - 1);
    ck_assert_int_eq(gru_forecast(stream.model, stream.work, stream.state, HORIZON, future,
                                  HORIZON - 1, forecast),
                     GRU_OK);
    ck_assert_mem_eq(stream.state, before, sizeof before);
    for (int k = 0; k < HORIZON; k++) {
        ck_assert_mem_eq(&forecast[k], &y, sizeof y);
        ck_assert_int_eq(step(&stream, (double[]){ y, future[k] }, &y), GRU_OK);
    }
    end(&stream);
}

/* The two rows of the read-out are two steps of one output. */
static struct gru_model *make_model_of_two_steps(void)
{
    static const char *const inputs[] = { "temp", "humidity" }, *const outputs[] = { "temp",
                                                                                     "later" };
    static const size_t hidden[] = { 5 };
    struct gru_plan plan = { .n_inputs = 2,
                             .n_outputs = 2,
                             .n_layers = 1,
                             .inputs = inputs,
                             .outputs = outputs,
                             .hidden_sizes = hidden,
                             .seed = 3 };
    struct gru_model *model;
    ck_assert_int_eq(gru_model_create(&plan, &model, NULL), GRU_OK);
    model->info.n_outputs = 1;
    model->info.steps = 2;
    return model;
}

/* A block of two is fed back at a time. */
TEST(a_model_of_several_steps_rolls_out_in_blocks)
{
    enum { HORIZON = 5 };
    struct gru_model *model = make_model_of_two_steps();
    struct stream stream = begin(model);
    const double future[] = { 0.1F, 0.2F, 0.3F, 0.4F };
    double y[2], forecast[HORIZON];
    ck_assert_int_eq(step(&stream, (double[]){ 0.5F, 0.5F }, y), GRU_OK);
    ck_assert_uint_eq(gru_future_rows(model, 2), 0);
    ck_assert_uint_eq(gru_future_rows(model, HORIZON), 4);
    ck_assert_int_eq(gru_forecast(model, stream.work, stream.state, HORIZON, future, 3, forecast),
                     GRU_BAD_FUTURE);
    ck_assert_int_eq(gru_forecast(model, stream.work, stream.state, HORIZON, future, 4, forecast),
                     GRU_OK);
    for (int block = 0; block < 2; block++) {
        ck_assert_mem_eq(forecast + 2 * block, y, sizeof y);
        const double known[] = { y[0], future[2 * block], y[1], future[2 * block + 1] };
        ck_assert_int_eq(step(&stream, known, y), GRU_OK);
        ck_assert_int_eq(step(&stream, known + 2, y), GRU_OK);
    }
    ck_assert_mem_eq(forecast + 4, y, sizeof *y);
    end(&stream);
}

/* Other streams step in between, with the same scratch memory. */
static void expect_same_in_parts(struct gru_model *model, size_t most_rows)
{
    enum { HORIZON = 11 };
    struct stream stream = begin(model), other = begin(gru_model_ref(model));
    const double future[HORIZON] = { 0.1F, 0.2F, NAN, 0.4F, 0.5F, 0.6F, 0.7F, 0.8F, 0.9F, 1.0F };
    double y[2], whole[HORIZON], cut[HORIZON];
    struct gru_roll roll;
    ck_assert_int_eq(step(&stream, (double[]){ 23.0F, 0.5F }, y), GRU_OK);
    ck_assert_int_eq(
        gru_forecast(model, stream.work, stream.state, HORIZON, future, HORIZON - 1, whole),
        GRU_OK);
    ck_assert_int_eq(gru_roll_begin(model, stream.state, HORIZON, future, HORIZON - 1, cut, &roll),
                     GRU_OK);
    size_t n_left = HORIZON - model->info.steps;
    for (;;) {
        ck_assert_uint_eq(roll.n_rows_left, n_left);
        if (n_left == 0) {
            break;
        }
        struct gru_lane lane = {
            .state_in = other.state, .state_out = other.state, .x = future, .n_rows = 1, .y = y
        };
        ck_assert_int_eq(gru_run(model, stream.work, &lane, 1), GRU_OK);
        ck_assert_int_eq(gru_roll_part(&roll, stream.work, most_rows), GRU_OK);
        size_t n_part = (most_rows + model->info.steps - 1) / model->info.steps * model->info.steps;
        n_left -= n_left < n_part ? n_left : n_part;
    }
    ck_assert_mem_eq(whole, cut, sizeof whole);
    end(&stream);
    end(&other);
}

TEST(a_roll_out_in_parts_equals_the_whole_bit_for_bit)
{
    for (size_t most_rows = 1; most_rows < 15; most_rows++) {
        expect_same_in_parts(make_model(true, GRU_MISSING_LAST), most_rows);
        expect_same_in_parts(make_model_of_two_steps(), most_rows);
    }
}

/* Roll-outs of different lengths, from states of different streams, in parts. */
static void expect_same_together(struct gru_model *model, size_t most_rows)
{
    enum { ROLLS = 70, HORIZON = 9 };
    static double together[ROLLS][HORIZON];
    const double future[HORIZON] = { 0.1F, 0.2F, NAN, 0.4F, 0.5F, 0.6F, 0.7F, 0.8F };
    struct gru_roll rolls[ROLLS];
    struct stream streams[ROLLS];
    size_t n_left = 0, failed;
    double y[2], alone[HORIZON];
    for (size_t k = 0; k < ROLLS; k++) {
        streams[k] = begin(gru_model_ref(model));
        ck_assert_int_eq(step(&streams[k], (double[]){ (float)k, 0.5F }, y), GRU_OK);
        ck_assert_int_eq(gru_roll_begin(model, streams[k].state, k % HORIZON + 1, future,
                                        HORIZON - 1, together[k], &rolls[k]),
                         GRU_OK);
        n_left += rolls[k].n_rows_left;
    }
    while (n_left > 0) {
        size_t n_before = n_left;
        ck_assert_int_eq(gru_rolls_part(rolls, ROLLS, streams[0].work, most_rows, &failed), GRU_OK);
        n_left = 0;
        for (size_t k = 0; k < ROLLS; k++) {
            n_left += rolls[k].n_rows_left;
        }
        ck_assert_uint_lt(n_left, n_before);
    }
    for (size_t k = 0; k < ROLLS; k++) {
        end(&streams[k]);
        streams[k] = begin(gru_model_ref(model));
        ck_assert_int_eq(step(&streams[k], (double[]){ (float)k, 0.5F }, y), GRU_OK);
        ck_assert_int_eq(gru_forecast(model, streams[k].work, streams[k].state, k % HORIZON + 1,
                                      future, HORIZON - 1, alone),
                         GRU_OK);
        ck_assert_mem_eq(together[k], alone, (k % HORIZON + 1) * sizeof *alone);
        end(&streams[k]);
    }
    gru_model_unref(model);
}

TEST(roll_outs_that_share_the_weights_do_not_touch_each_other)
{
    static const size_t parts[] = { 1, 63, 64, 200, SIZE_MAX };
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        expect_same_together(make_model(true, GRU_MISSING_LAST), parts[k]);
        expect_same_together(make_model_of_two_steps(), parts[k]);
    }
}

TEST(of_roll_outs_the_one_that_fails_is_named)
{
    struct stream good = begin(make_model(true, GRU_MISSING_LAST)),
                  bad = begin(gru_model_ref(good.model));
    const double future[] = { 0.1F, 0.2F }, wild[] = { 0.1F, INFINITY };
    double y, forecasts[2][3];
    struct gru_roll rolls[2];
    size_t failed;
    ck_assert_int_eq(step(&good, (double[]){ 23.0F, 0.5F }, &y), GRU_OK);
    ck_assert_int_eq(step(&bad, (double[]){ 23.0F, 0.5F }, &y), GRU_OK);
    ck_assert_int_eq(gru_roll_begin(good.model, good.state, 3, future, 2, forecasts[0], &rolls[0]),
                     GRU_OK);
    ck_assert_int_eq(gru_roll_begin(good.model, bad.state, 3, wild, 2, forecasts[1], &rolls[1]),
                     GRU_OK);
    ck_assert_int_eq(gru_rolls_part(rolls, 2, good.work, SIZE_MAX, &failed), GRU_NON_FINITE);
    ck_assert_uint_eq(failed, 1);
    end(&good);
    end(&bad);
}

TEST(a_roll_out_says_what_it_lacks)
{
    struct stream stream = begin(make_model(true, GRU_MISSING_LAST));
    double y, forecast[4];
    const double future[] = { 0.1F, 0.2F };
    ck_assert_int_eq(gru_forecast(stream.model, stream.work, stream.state, 1, NULL, 0, forecast),
                     GRU_NO_READING);
    ck_assert_int_eq(step(&stream, (double[]){ 23.0F, 0.5F }, &y), GRU_OK);
    ck_assert_int_eq(gru_forecast(stream.model, stream.work, stream.state, 0, NULL, 0, forecast),
                     GRU_BAD_ARGUMENT);
    ck_assert_int_eq(gru_forecast(stream.model, stream.work, stream.state, 4, future, 2, forecast),
                     GRU_BAD_FUTURE);
    ck_assert_int_eq(gru_forecast(stream.model, stream.work, stream.state, 3, future, 2, forecast),
                     GRU_OK);
    stream.model->info.outputs[0].feeds = -1;
    stream.model->info.n_feeds = 0;
    ck_assert_int_eq(gru_forecast(stream.model, stream.work, stream.state, 2, future, 2, forecast),
                     GRU_NO_ROLL_OUT);
    ck_assert_int_eq(gru_forecast(stream.model, stream.work, stream.state, 1, NULL, 0, forecast),
                     GRU_OK);
    end(&stream);
}
