/* What is said of data that look wrong, and that nothing is said of data that do not. */
#include "service/jobs/data_warnings.h"

#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 200, SERIES = 40 };

struct data {
    double x[SERIES][ROWS * 2], y[ROWS];
    struct gru_series series[SERIES];
    struct gru_variable inputs[2], output;
    struct gru_info info;
    struct gru_training training;
    struct data_warnings warnings;
};

static void make(struct data *data, size_t n_series)
{
    memset(data, 0, sizeof *data);
    data->inputs[0] = (struct gru_variable){ .name = "temp", .mean = 20, .std = 5, .feeds = 0 };
    data->inputs[1] = (struct gru_variable){ .name = "load", .std = 1, .feeds = -1 };
    data->output = (struct gru_variable){ .name = "temp", .mean = 20, .std = 5, .feeds = 0 };
    data->info = (struct gru_info){ .n_inputs = 2,
                                    .n_outputs = 1,
                                    .steps = 1,
                                    .y_floats = 1,
                                    .inputs = data->inputs,
                                    .outputs = &data->output };
    for (size_t k = 0; k < n_series; k++) {
        for (size_t t = 0; t < ROWS; t++) {
            data->x[k][2 * t] = (float)(20 + 3 * sin(0.3 * (double)t + (double)k));
            data->x[k][2 * t + 1] = (float)cos(0.3 * (double)t);
        }
        data->series[k] = (struct gru_series){ .x = data->x[k], .n_rows = ROWS };
    }
    data->training = (struct gru_training){ .series = data->series, .n_series = n_series };
    gru_hyperparameters_init(&data->training.hyperparameters);
}

static void expect_only(struct data *data, enum data_warning kind, const char *words)
{
    ck_assert(data_warnings_find(&data->info, &data->training, &data->warnings));
    for (size_t k = 0; k < DATA_N_WARNINGS; k++) {
        const char *text = data->warnings.texts[k];
        ck_assert_msg(k == kind ? strstr(text, words) != NULL : text[0] == '\0', "%s", text);
    }
}

TEST(of_ordinary_data_nothing_is_said)
{
    struct data data;
    make(&data, 3);
    data.x[1][2 * 7] = NAN;
    expect_only(&data, DATA_N_WARNINGS, "");
    data.series[0].n_rows = 1;
    data.training.n_series = 1;
    expect_only(&data, DATA_N_WARNINGS, "");
}

TEST(a_scaling_that_is_far_off_is_named_with_both_numbers)
{
    static const struct {
        double mean, std;
    } far[] = { { 0, 1 }, { 20, 1e-3 }, { 20, 1000 } };
    for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
        struct data data;
        make(&data, 2);
        data.inputs[0].mean = far[k].mean;
        data.inputs[0].std = far[k].std;
        expect_only(&data, DATA_SCALING, "'temp' has mean 20.0");
        ck_assert(strstr(data.warnings.texts[DATA_SCALING], "\"scaling\":\"fit\"") != NULL);
        ck_assert(strstr(data.warnings.texts[DATA_SCALING], "load") == NULL);
        data.training.hyperparameters.scaling = GRU_SCALING_FIT;
        expect_only(&data, DATA_N_WARNINGS, "");
    }
}

/* A scaling is not of raw readings where the network sees their changes. */
TEST(of_raw_readings_a_transform_has_no_scaling)
{
    struct data data;
    make(&data, 2);
    data.inputs[0].transform.kind = GRU_DIFFERENCE;
    data.inputs[0].mean = data.output.mean = 0;
    data.inputs[0].std = data.output.std = 1e-3;
    expect_only(&data, DATA_N_WARNINGS, "");
}

/* A counter's units are seen, and said. */
TEST(a_scaling_is_said_with_the_digits_that_it_needs)
{
    struct data data;
    make(&data, 2);
    for (size_t k = 0; k < 2; k++) {
        for (size_t t = 0; t < ROWS; t++) {
            data.x[k][2 * t] = 123456789 + rint(2 * sin(0.3 * (double)t + (double)k));
        }
    }
    expect_only(&data, DATA_SCALING, "'temp' has mean 123456789");
}

TEST(a_residual_output_is_compared_with_the_changes_of_what_it_feeds)
{
    struct data data;
    make(&data, 2);
    data.info.residual = true;
    data.output.mean = 0;
    expect_only(&data, DATA_N_WARNINGS, ""); /* changes of up to 0.9 */
    data.x[0][2 * 100] = NAN;                /* no change leads over it */
    for (size_t t = 0; t < ROWS; t++) {
        data.x[0][2 * t] += t < 100 ? 0 : 60;
        data.x[1][2 * t] = data.x[0][2 * t];
    }
    data.series[1].x = data.x[0];
    data.training.n_series = 1;
    data.inputs[0].mean = 50;
    data.inputs[0].std = 30;
    data.output.std = 30;
    expect_only(&data, DATA_SCALING, "the changes of 'temp' have mean ");
    data.output.std = 1;
    expect_only(&data, DATA_N_WARNINGS, "");
}

TEST(outliers_are_named_the_furthest_first_and_how_many_there_are)
{
    struct data data;
    make(&data, 3);
    data.x[1][2 * 50] = -999;
    data.x[2][2 * 60] = 1e30F;
    data.x[2][2 * 61] = NAN;
    expect_only(&data, DATA_OUTLIERS, "'temp' is 1e+30 in row 60 of series 2, ");
    ck_assert(strstr(data.warnings.texts[DATA_OUTLIERS], "; 'temp' is -999 in row 50 of ") != NULL);
    ck_assert(strstr(data.warnings.texts[DATA_OUTLIERS], "(1 such values, 0.17 % of") != NULL);
    make(&data, 2);
    data.training.n_series = 1;
    data.training.validation = &data.series[1];
    data.training.n_validation = 1;
    data.x[0][2 * 50] = -999;
    expect_only(&data, DATA_OUTLIERS, " in row 50 of series 0, ");
    make(&data, 2);
    data.training.n_series = 1;
    data.training.validation = &data.series[1];
    data.training.n_validation = 1;
    data.x[1][2 * 50] = -999;
    expect_only(&data, DATA_OUTLIERS, " in row 50 of validation series 0, ");
}

/* However many they are, in one series or in all. Their mean and spread are not the column's. */
TEST(codes_are_named_with_their_share_and_no_scaling_is_advised_for_them)
{
    static const double codes[] = { -999, 65535, 1e30F, -20 };
    static const size_t every[] = { 19, 14, 8, 3 };
    for (size_t c = 0; c < 4; c++) {
        for (size_t n = 1; n <= 3; n += 2) {
            struct data data;
            char words[80];
            make(&data, 3);
            data.inputs[0].std = 3;
            for (size_t t = 0; t < n * ROWS; t += every[c]) {
                data.x[t / ROWS][2 * (t % ROWS)] = codes[c];
            }
            size_t n_codes = (n * ROWS - 1) / every[c] + 1;
            expect_only(&data, DATA_OUTLIERS, "'temp' is ");
            snprintf(words, sizeof words, "(%zu such values, %.2g %% of the column)", n_codes,
                     100 * (double)n_codes / (3 * ROWS));
            ck_assert_msg(strstr(data.warnings.texts[DATA_OUTLIERS], words) != NULL, "%s: %s",
                          words, data.warnings.texts[DATA_OUTLIERS]);
        }
    }
}

TEST(spikes_that_differ_are_no_outliers)
{
    struct data data;
    make(&data, 2);
    for (size_t t = 5; t < ROWS; t += 31) {
        data.x[0][2 * t] = (float)(150 + sin((double)t));
    }
    expect_only(&data, DATA_N_WARNINGS, "");
}

TEST(targets_are_looked_at_unless_they_are_classes)
{
    struct data data;
    make(&data, 1);
    for (size_t t = 0; t < ROWS; t++) {
        data.y[t] = (float)(20 + 3 * sin((double)t));
    }
    data.series[0].y = data.y;
    data.series[0].n_targets = ROWS;
    data.y[9] = -999;
    expect_only(&data, DATA_OUTLIERS, "the target 'temp' is -999 in row 9 of series 0");
    data.training.hyperparameters.loss = GRU_CROSS_ENTROPY;
    expect_only(&data, DATA_N_WARNINGS, "");
}

TEST(a_column_that_stays_at_a_value_is_named_and_where)
{
    struct data data;
    make(&data, 2);
    for (size_t t = 0; t < ROWS; t++) {
        data.x[1][2 * t] = t % 9 == 4 ? NAN : 17;
    }
    expect_only(&data, DATA_CONSTANT,
                "constant or stuck: 'temp' is 17 in 178 rows from row 0 of "
                "series 1");
    make(&data, 2);
    for (size_t t = 100; t < 150; t++) {
        data.x[0][2 * t + 1] = 0.5F;
    }
    expect_only(&data, DATA_CONSTANT, "'load' is 0.5 in 50 rows from row 100 of series 0");
    data.x[0][2 * 125 + 1] = 0.75F; /* neither part is long */
    expect_only(&data, DATA_N_WARNINGS, "");
}

TEST(a_sensor_that_is_dead_at_the_end_is_named)
{
    struct data data;
    make(&data, 2);
    for (size_t t = 185; t < ROWS; t++) {
        data.x[0][2 * t] = 17;
    }
    expect_only(&data, DATA_CONSTANT, "'temp' is 17 in 15 rows from row 185 of series 0");
}

TEST(a_switch_that_is_rarely_on_is_not_stuck)
{
    struct data data;
    make(&data, 1);
    for (size_t t = 0; t < ROWS; t++) {
        data.x[0][2 * t + 1] = t == 20 || t == 33 || t == 120 || t == 121;
    }
    expect_only(&data, DATA_N_WARNINGS, "");
}

TEST(copies_of_series_are_counted)
{
    struct data data;
    make(&data, 5);
    memcpy(data.x[3], data.x[1], sizeof data.x[1]);
    memcpy(data.x[4], data.x[1], sizeof data.x[1]);
    expect_only(&data, DATA_COPIES,
                "2 of 5 series are copies of others, such as series 3 of series 1");
    data.x[4][2 * ROWS - 1] += 0.01F;
    expect_only(&data, DATA_COPIES, "1 of 5 series are copies");
    data.training.n_series = 3;
    data.training.validation = &data.series[3];
    data.training.n_validation = 2;
    expect_only(&data, DATA_COPIES, "such as validation series 0 of series 1");
    data.series[3].n_rows--;
    expect_only(&data, DATA_N_WARNINGS, "");
}

TEST(what_does_not_fit_into_an_event_is_counted)
{
    struct data data;
    make(&data, SERIES);
    for (size_t k = 0; k < SERIES; k++) {
        for (size_t t = 0; t < ROWS; t++) {
            data.x[k][2 * t + 1] = 0.25F;
        }
    }
    expect_only(&data, DATA_CONSTANT, "'load' is 0.25 in 200 rows from row 0 of series 0; ");
    const char *text = data.warnings.texts[DATA_CONSTANT];
    const char *more = strstr(text, "; and ");
    ck_assert(more != NULL && strcmp(strchr(more + 6, ' '), " more") == 0);
    ck_assert_uint_le(strlen(text), JOB_MESSAGE_MAX);
}
