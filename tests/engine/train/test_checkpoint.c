/* Saved and restored, a training continues bit for bit; what is damaged or of another training is
 * refused. */
#include "engine/fixture.h"
#include "engine/train/fingerprint.h"
#include "engine/train/trainer.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 5, ROWS_MAX = 14, INPUTS = 2, ADVANCES_MAX = 400 };

static const char grud[] =
    "{\"missing\":\"last\",\"residual\":true,\"inputs\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
    "\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";

struct set {
    struct gru_model *model;
    double *x;
    struct gru_series series[SERIES];
    struct gru_training training;
};

static void make_set(struct set *set)
{
    static const size_t rows[SERIES] = { 9, 14, 4, 2, 13 };
    memset(set, 0, sizeof *set);
    set->model = training_model(grud, INPUTS, 4, 2, 2);
    set->x = training_noise(SERIES * ROWS_MAX * INPUTS, 1);
    set->x[9] = NAN;
    set->training = (struct gru_training){ .series = set->series,
                                           .n_series = SERIES,
                                           .validation_fraction = 0.3,
                                           .hyperparameters = training_plain(),
                                           .seed = 3 };
    struct gru_hyperparameters *h = &set->training.hyperparameters;
    h->n_epochs = 4;
    h->batch_size = 2;
    h->window = 3;
    h->learning_rate = 0.05;
    h->early_stopping_patience = 1;
    h->dropout = 0.25;
    h->l2_sp = 0.01;
    h->clip_norm = 0.5;
    for (size_t k = 0; k < SERIES; k++) {
        set->series[k] =
            (struct gru_series){ .x = set->x + k * ROWS_MAX * INPUTS, .n_rows = rows[k] };
    }
}

static void free_set(struct set *set)
{
    gru_model_unref(set->model);
    free(set->x);
}

struct saved {
    unsigned char *bytes;
    size_t n;
};

static struct saved save_trainer(const struct gru_trainer *trainer)
{
    void *bytes;
    struct saved saved = { 0 };
    ck_assert_int_eq(gru_trainer_save(trainer, &bytes, &saved.n), GRU_OK);
    saved.bytes = bytes;
    return saved;
}

static void expect_same_bits(double a, double b)
{
    ck_assert_mem_eq(&a, &b, sizeof a);
}

static void expect_same_progress(const struct gru_progress *a, const struct gru_progress *b)
{
    ck_assert(a->epoch == b->epoch && a->step == b->step && a->n_skipped == b->n_skipped);
    ck_assert(a->best_epoch == b->best_epoch && a->stopped_early == b->stopped_early);
    expect_same_bits(a->step_loss, b->step_loss);
    expect_same_bits(a->grad_norm, b->grad_norm);
    expect_same_bits(a->train_loss, b->train_loss);
    expect_same_bits(a->valid_loss, b->valid_loss);
    expect_same_bits(a->best_valid_loss, b->best_valid_loss);
    expect_same_bits(a->baseline_valid_loss, b->baseline_valid_loss);
    expect_same_bits(a->persistence_valid_loss, b->persistence_valid_loss);
}

/* Saves after each call of a whole run, and lets each of the saved ones run to the end. */
static void expect_undisturbed(struct set *set)
{
    struct saved saved[ADVANCES_MAX];
    struct gru_progress end, progress;
    size_t n = 0;
    struct gru_trainer *trainer = training_begin(set->model, &set->training);
    do {
        ck_assert_uint_lt(n, ADVANCES_MAX);
        saved[n++] = save_trainer(trainer);
    } while (gru_trainer_advance(trainer, &end) != GRU_ADVANCED_END);
    struct gru_model *model = training_model_of(trainer);
    for (size_t k = 0; k < n; k++) {
        struct gru_trainer *other = training_begin(set->model, &set->training);
        for (size_t before = 0; before < k % 7; before++) { /* whatever it did before */
            gru_trainer_advance(other, &progress);
        }
        ck_assert_int_eq(gru_trainer_restore(other, saved[k].bytes, saved[k].n), GRU_OK);
        progress = training_run(other);
        expect_same_progress(&progress, &end);
        struct gru_model *continued = training_model_of(other);
        training_expect_same_weights(continued, model);
        gru_model_unref(continued);
        gru_trainer_free(other);
        free(saved[k].bytes);
    }
    gru_model_unref(model);
    gru_trainer_free(trainer);
}

TEST(restored_at_any_moment_it_ends_as_if_undisturbed)
{
    struct set set;
    make_set(&set);
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    for (h->optimizer = GRU_SGD; h->optimizer <= GRU_ADAMW; h->optimizer++) {
        for (int variant = 0; variant < 4; variant++) {
            h->momentum = h->optimizer == GRU_SGD && variant > 0 ? 0.8 : 0;
            h->weight_decay = variant > 0 ? 0.1 : 0;
            h->train = variant == 2 ? GRU_TRAIN_HEAD : GRU_TRAIN_ALL;
            h->early_stopping_patience = variant % 2 == 1 ? 0 : 1;
            set.training.validation_fraction = variant == 1 ? 0 : 0.3;
            expect_undisturbed(&set);
        }
    }
    free_set(&set);
}

TEST(roll_outs_go_on_as_if_undisturbed)
{
    struct set set;
    make_set(&set);
    set.training.hyperparameters.horizon_loss = 4;
    expect_undisturbed(&set);
    free_set(&set);
}

TEST(a_plateau_goes_on_as_if_undisturbed)
{
    for (int validates = 0; validates < 2; validates++) {
        struct set set;
        make_set(&set);
        set.training.validation_fraction = validates * 0.3;
        struct gru_hyperparameters *h = &set.training.hyperparameters;
        h->early_stopping_patience = 0;
        h->n_epochs = 7;
        h->window = 64;
        h->learning_rate = 0.5;
        h->schedule_type = GRU_PLATEAU;
        h->schedule_patience = 1;
        expect_undisturbed(&set);
        free_set(&set);
    }
}

TEST(sampling_goes_on_as_if_undisturbed)
{
    struct set set;
    make_set(&set);
    struct gru_hyperparameters *h = &set.training.hyperparameters;
    h->sampling_length = 5;
    h->sampling_burn_in = 1;
    h->sampling_per_epoch = 7;
    expect_undisturbed(&set);
    h->horizon_loss = 3;
    expect_undisturbed(&set);
    free_set(&set);
}

TEST(a_fitted_scaling_survives_a_restart)
{
    struct set set;
    make_set(&set);
    for (int fit = GRU_SCALING_FIT; fit < GRU_N_SCALING_FITS; fit++) {
        set.training.hyperparameters.scaling = fit;
        expect_undisturbed(&set);
        set.training.hyperparameters.horizon_loss = 3;
        expect_undisturbed(&set);
        set.training.hyperparameters.horizon_loss = 1;
    }
    free_set(&set);
}

TEST(early_stopping_survives_a_restart)
{
    struct set set;
    make_set(&set);
    set.training.hyperparameters.n_epochs = 60;
    set.training.hyperparameters.window = 64;
    set.training.hyperparameters.learning_rate = 0.1;
    struct gru_progress progress;
    gru_model_unref(training_whole(set.model, &set.training, &progress));
    ck_assert(progress.stopped_early && progress.epoch < 60);
    expect_undisturbed(&set);
    free_set(&set);
}

/* ---- damage ---- */

static struct gru_trainer *half_way(struct set *set)
{
    struct gru_progress progress;
    struct gru_trainer *trainer = training_begin(set->model, &set->training);
    do {
        gru_trainer_advance(trainer, &progress);
    } while (progress.step < 5);
    return trainer;
}

static void expect_bad_checkpoint(struct gru_trainer *trainer, const void *bytes, size_t n,
                                  const char *what, size_t at)
{
    enum gru_status status = gru_trainer_restore(trainer, bytes, n);
    ck_assert_msg(status == GRU_BAD_FILE, "%s %zu: status %d", what, at, (int)status);
}

TEST(damaged_checkpoints_are_refused_and_change_nothing)
{
    struct set set;
    make_set(&set);
    struct gru_trainer *trainer = half_way(&set), *undisturbed = half_way(&set);
    struct saved saved = save_trainer(trainer);
    struct gru_trainer *victim = half_way(&set);
    for (size_t at = 0; at < saved.n; at++) {
        saved.bytes[at] ^= (unsigned char)(1U << at % 8);
        expect_bad_checkpoint(victim, saved.bytes, saved.n, "byte", at);
        saved.bytes[at] ^= (unsigned char)(1U << at % 8);
        unsigned char *cut =
            malloc(at > 0 ? at : 1); /* of its exact size: nothing beyond is read */
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, saved.bytes, at);
        expect_bad_checkpoint(victim, cut, at, "cut at", at);
        free(cut);
    }
    unsigned char *longer = calloc(1, saved.n + 8);
    ck_assert_ptr_nonnull(longer);
    memcpy(longer, saved.bytes, saved.n);
    expect_bad_checkpoint(victim, longer, saved.n + 8, "longer", 0);
    free(longer);
    struct gru_progress a = training_run(victim), b = training_run(undisturbed);
    expect_same_progress(&a, &b);
    struct gru_model *model_a = training_model_of(victim),
                     *model_b = training_model_of(undisturbed);
    training_expect_same_weights(model_a, model_b);
    gru_model_unref(model_a);
    gru_model_unref(model_b);
    free(saved.bytes);
    gru_trainer_free(trainer);
    gru_trainer_free(undisturbed);
    gru_trainer_free(victim);
    free_set(&set);
}

/* Positions that no training has, with a hash that is right. */
TEST(forged_positions_are_refused)
{
    struct set set;
    make_set(&set);
    struct gru_trainer *trainer = half_way(&set);
    struct saved saved = save_trainer(trainer);
    enum { HEADER = 4 * sizeof(uint64_t) };
    struct trainer_position good;
    memcpy(&good, saved.bytes + HEADER, sizeof good);
    for (int k = 0; k < 12; k++) {
        struct trainer_position bad = good;
        bad.phase = k == 0             ? PHASE_END + 1
                    : k == 1           ? UINT64_MAX
                    : k == 2 || k == 3 ? PHASE_VALID
                                       : bad.phase;
        bad.cursor = k == 2   ? 1
                     : k == 3 ? 0
                     : k == 4 ? SERIES + 1
                     : k == 5 ? UINT64_MAX
                              : bad.cursor;
        bad.t = k == 2 ? 0 : k == 3 ? 3 : k == 6 ? ROWS_MAX : k == 7 ? UINT64_MAX : bad.t;
        bad.epoch = k == 8 ? 4 : k == 9 ? UINT64_MAX : bad.epoch;
        bad.best_epoch = k == 10 ? bad.epoch + 1 : k == 11 ? UINT64_MAX : bad.best_epoch;
        memcpy(saved.bytes + HEADER, &bad, sizeof bad);
        uint64_t magic, hash;
        memcpy(&magic, saved.bytes, sizeof magic);
        hash = gru_hash(magic, saved.bytes, saved.n - sizeof hash);
        memcpy(saved.bytes + saved.n - sizeof hash, &hash, sizeof hash);
        expect_bad_checkpoint(trainer, saved.bytes, saved.n, "forged", (size_t)k);
    }
    free(saved.bytes);
    gru_trainer_free(trainer);
    free_set(&set);
}

/* ---- another training ---- */

static void expect_other(struct set *set, const struct saved *saved, const char *what)
{
    struct gru_trainer *trainer = training_begin(set->model, &set->training);
    expect_bad_checkpoint(trainer, saved->bytes, saved->n, what, 0);
    gru_trainer_free(trainer);
}

TEST(checkpoints_of_another_training_are_refused)
{
    struct set set;
    make_set(&set);
    struct gru_trainer *trainer = half_way(&set);
    struct saved saved = save_trainer(trainer);
    gru_trainer_free(trainer);
    set.training.seed++;
    expect_other(&set, &saved, "seed");
    set.training.seed--;
    set.training.hyperparameters.learning_rate *= 2;
    expect_other(&set, &saved, "learning rate");
    set.training.hyperparameters.learning_rate /= 2;
    set.training.hyperparameters.loss = GRU_MAE;
    expect_other(&set, &saved, "loss");
    set.training.hyperparameters.loss = GRU_MSE;
    set.training.validation_fraction = 0.31;
    expect_other(&set, &saved, "fraction");
    set.training.validation_fraction = 0.3;
    double kept_reading = set.x[5];
    set.x[5] += 1;
    expect_other(&set, &saved, "data");
    set.x[5] = kept_reading;
    set.series[1].n_rows--;
    expect_other(&set, &saved, "length");
    set.series[1].n_rows++;
    struct gru_progress progress;
    struct gru_model *kept = set.model;
    set.model = training_whole(kept, &set.training, &progress);
    expect_other(&set, &saved, "weights");
    gru_model_unref(set.model);
    set.model = kept;
    trainer = training_begin(set.model, &set.training); /* and all as it was */
    ck_assert_int_eq(gru_trainer_restore(trainer, saved.bytes, saved.n), GRU_OK);
    gru_trainer_free(trainer);
    free(saved.bytes);
    free_set(&set);
}

/* ---- older builds ---- */

/* Written half way by the build before there were layers of several kinds. */
TEST(a_checkpoint_of_an_older_build_is_gone_on_from)
{
    struct set set;
    struct gru_progress progress;
    make_set(&set);
    struct file file = file_read("tests/fixtures/formats/checkpoints/plain.checkpoint");
    struct gru_trainer *trainer = training_begin(set.model, &set.training);
    ck_assert_int_eq(gru_trainer_restore(trainer, file.bytes, file.n), GRU_OK);
    struct saved saved = save_trainer(trainer); /* and this build writes the same */
    ck_assert_uint_eq(saved.n, file.n);
    ck_assert_mem_eq(saved.bytes, file.bytes, file.n);
    gru_trainer_progress(trainer, &progress);
    ck_assert_uint_eq(progress.step, 5);
    free(saved.bytes);
    free(file.bytes);
    gru_trainer_free(trainer);
    free_set(&set);
}

/* Written after two epochs, by the build that gave the last step's weights where nothing stops
 * early: so does what goes on from there, and the same weights as a training without it. */
TEST(a_checkpoint_without_a_best_epoch_is_gone_on_from)
{
    struct set set;
    make_set(&set);
    set.training.hyperparameters.early_stopping_patience = 0;
    struct file file = file_read("tests/fixtures/formats/checkpoints/last.checkpoint");
    struct gru_trainer *older = training_begin(set.model, &set.training),
                       *whole = training_begin(set.model, &set.training);
    ck_assert_int_eq(gru_trainer_restore(older, file.bytes, file.n), GRU_OK);
    struct saved saved = save_trainer(older);
    ck_assert_uint_eq(saved.n, file.n);
    ck_assert_mem_eq(saved.bytes, file.bytes, file.n);
    struct gru_progress of_older = training_run(older), of_whole = training_run(whole);
    ck_assert_uint_eq(of_older.best_epoch, 0);
    ck_assert_uint_gt(of_whole.best_epoch, 0);
    training_expect_near("loss", of_older.valid_loss, of_whole.valid_loss, 1e-3);
    for (size_t k = 0; k < whole->sizes.n_parameters; k++) { /* its machine may have been another */
        ck_assert_float_eq_tol(gru_trainer_weights(older)[k],
                               gru_backprop_parameters(whole->backprop)[k], 1e-3F);
    }
    free(saved.bytes);
    free(file.bytes);
    gru_trainer_free(older);
    gru_trainer_free(whole);
    free_set(&set);
}
