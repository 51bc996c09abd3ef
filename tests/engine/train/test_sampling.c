/* Stretches that are drawn: where they lie, how often, and what their targets are. */
#include "engine/train/batches.h"
#include "engine/train/trainer.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>

static const char feeds[] = "{\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
                            "\"outputs\":[{\"name\":\"b\"},{\"name\":\"a\"}]}";

/* The rows of the set's series are 6, 19, 3, 12, 1, 19, 8. */
static void make_set(struct training_set *set, size_t length, size_t burn_in, size_t per_epoch)
{
    training_set_make(set, feeds);
    struct gru_hyperparameters *h = &set->training.hyperparameters;
    h->sampling_length = length;
    h->sampling_burn_in = burn_in;
    h->sampling_per_epoch = per_epoch;
}

static void fill(const struct training_set *set, struct dataset *dataset)
{
    gru_dataset_init(dataset, set->model, &set->training);
    ck_assert_int_eq(gru_dataset_fill(dataset, set->model, NULL), GRU_OK);
}

TEST(each_row_that_can_begin_a_stretch_is_drawn_alike)
{
    enum { LENGTH = 7, DRAWS = 20000 };
    struct training_set set;
    struct dataset dataset;
    size_t n[TRAINING_SERIES][TRAINING_ROWS] = { { 0 } }, n_places = 0;
    make_set(&set, LENGTH, 2, 0);
    set.training.validation_fraction = 0.25; /* of 19 rows 4 are held back, of 12 3, of 8 2 */
    fill(&set, &dataset);
    ck_assert_uint_eq(dataset.n_begins, 2 * (15 - LENGTH + 1) + (9 - LENGTH + 1));
    ck_assert_uint_eq(dataset.n_stretches, (2 * 15 + 9 + 4) / 5); /* rounded up: 5 have a loss */
    const struct order order = { &dataset, PART_TRAIN, 42 };
    for (size_t k = 0; k < DRAWS; k++) {
        struct dataset_lane lane;
        size_t next;
        ck_assert_uint_eq(
            gru_batch_take(&(struct order){ &dataset, PART_TRAIN, k }, 0, 1, &lane, &next), 1);
        ck_assert_uint_eq(lane.n_rows, LENGTH);
        ck_assert_uint_eq(lane.n_burned, 2);
        ck_assert_ptr_eq(lane.x, lane.series->x + lane.begin * TRAINING_INPUTS);
        n[lane.series - set.series][lane.begin]++;
    }
    for (size_t s = 0; s < TRAINING_SERIES; s++) {
        for (size_t t = 0; t < TRAINING_ROWS; t++) {
            const size_t n_train = set.series[s].n_rows == 19   ? 15
                                   : set.series[s].n_rows == 12 ? 9
                                                                : 0;
            const bool can_begin = t + LENGTH <= n_train;
            const double mean = (double)DRAWS / (double)dataset.n_begins;
            ck_assert_msg(can_begin ? fabs((double)n[s][t] - mean) < 6 * sqrt(mean) : n[s][t] == 0,
                          "%zu, %zu: %zu", s, t, n[s][t]);
            n_places += n[s][t] > 0;
        }
    }
    ck_assert_uint_eq(n_places, dataset.n_begins);
    ck_assert_uint_eq(gru_order_n(&order), dataset.n_stretches);
    gru_dataset_done(&dataset);
    training_set_free(&set);
}

/* With y and without it: those of the series' own rows, but none in the burn-in. */
TEST(targets_of_a_stretch_are_those_of_its_rows)
{
    enum { LENGTH = 5, BURN_IN = 2 };
    for (int with_y = 0; with_y < 2; with_y++) {
        struct training_set set;
        struct dataset dataset;
        make_set(&set, LENGTH, BURN_IN, 0);
        set.training.validation_fraction = 0.25;
        for (size_t k = 0; !with_y && k < TRAINING_SERIES; k++) {
            set.series[k].y = NULL;
            set.series[k].n_targets = 0;
        }
        fill(&set, &dataset);
        for (uint64_t draw = 0; draw < dataset.n_begins; draw++) {
            const struct dataset_lane lane = gru_dataset_stretch(&dataset, draw);
            const struct dataset_lane whole =
                gru_dataset_lane(&dataset, PART_TRAIN, (size_t)(lane.series - set.series));
            for (size_t t = 0; t < LENGTH; t++) {
                float in[TRAINING_INPUTS], due[TRAINING_INPUTS];
                gru_dataset_inputs(&dataset, &lane, t, in);
                gru_dataset_inputs(&dataset, &whole, lane.begin + t, due);
                ck_assert_mem_eq(in, due, sizeof in);
                for (size_t o = 0; o < TRAINING_OUTPUTS; o++) {
                    const double raw = gru_dataset_raw_target(&dataset, &lane, t, o);
                    const double of_series =
                        gru_dataset_raw_target(&dataset, &whole, lane.begin + t, o);
                    ck_assert(t < BURN_IN || isnan(of_series) ? isnan(raw) : raw == of_series);
                }
            }
        }
        gru_dataset_done(&dataset);
        training_set_free(&set);
    }
}

/* A batch of stretches is what a batch of series that are these stretches is. */
TEST(a_stretch_is_trained_as_a_series_of_its_own)
{
    enum { LENGTH = 8 };
    struct training_set set;
    struct dataset dataset;
    struct gru_progress progress;
    struct gru_series cut[3];
    make_set(&set, LENGTH, 0, 3);
    set.training.hyperparameters.batch_size = 3;
    set.training.hyperparameters.n_epochs = 1;
    fill(&set, &dataset);
    const struct order order = { &dataset, PART_TRAIN, gru_epoch_key(set.training.seed, 0) };
    struct dataset_lane lanes[3];
    size_t next;
    ck_assert_uint_eq(gru_batch_take(&order, 0, 3, lanes, &next), 3);
    struct gru_training of_series = set.training;
    of_series.hyperparameters.sampling_length = of_series.hyperparameters.sampling_per_epoch = 0;
    for (size_t k = 0; k < 3; k++) {
        cut[k] = (struct gru_series){ .x = lanes[k].x,
                                      .n_rows = LENGTH,
                                      .y = lanes[k].series->y + lanes[k].begin * TRAINING_OUTPUTS,
                                      .n_targets = LENGTH };
    }
    of_series.series = cut;
    of_series.n_series = 3;
    struct gru_model *drawn = training_whole(set.model, &set.training, &progress);
    const double loss = progress.train_loss;
    struct gru_model *whole = training_whole(set.model, &of_series, &progress);
    training_expect_near("loss", loss, progress.train_loss, 1e-6);
    size_t n;
    float *a = training_weights(drawn, &n), *b = training_weights(whole, &n);
    for (size_t k = 0; k < n; k++) { /* lanes are in another order, and so are their sums */
        ck_assert_float_eq_tol(a[k], b[k], 2e-4F);
    }
    free(a);
    free(b);
    gru_model_unref(drawn);
    gru_model_unref(whole);
    gru_dataset_done(&dataset);
    training_set_free(&set);
}

TEST(steps_of_stretches_are_counted)
{
    for (size_t burn_in = 0; burn_in < 11; burn_in += 5) { /* windows are of 5 rows */
        struct training_set set;
        struct gru_progress progress;
        make_set(&set, 12, burn_in, 8);
        gru_model_unref(training_whole(set.model, &set.training, &progress));
        ck_assert_uint_eq(progress.n_steps, 4 * 3 * (3 - burn_in / 5));
        ck_assert_uint_eq(progress.step, progress.n_steps);
        training_set_free(&set);
    }
}

TEST(sampling_fits_the_series)
{
    struct training_set set;
    make_set(&set, 20, 0, 0);
    training_expect_bad(set.model, &set.training, "hyperparameters.sampling.length",
                        "is 20, but the longest series has 19 rows");
    set.training.hyperparameters.sampling_length = 19;
    training_info(set.model, &set.training);
    set.training.validation_fraction = 0.5;
    training_expect_bad(set.model, &set.training, "hyperparameters.sampling.length",
                        "has 10 rows to train on");
    set.training.validation_fraction = 0;
    set.series[3].n_targets = 1;
    training_expect_bad(set.model, &set.training, "hyperparameters.sampling",
                        "'training.series[3]' has one for all");
    training_set_free(&set);
}
