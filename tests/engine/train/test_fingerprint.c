/* What a checkpoint belongs to: whatever a training depends on changes its fingerprint, and nothing
 * else does. */
#include "engine/fixture.h"
#include "engine/train/fingerprint.h"
#include "test.h"
#include "training.h"
#include "trial.h"

#include <math.h>
#include <string.h>

/* ---- the hash ---- */

TEST(each_bit_and_each_length_has_a_hash_of_its_own)
{
    enum { N = 19, N_HASHES = N * 8 + N + 1 };
    unsigned char bytes[N] = { 0 };
    uint64_t hashes[N_HASHES];
    size_t n = 0;
    for (size_t bit = 0; bit < (size_t)N * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        hashes[n++] = gru_hash(7, bytes, N);
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
    for (size_t length = 0; length <= N; length++) { /* of zeros, which no word tells apart */
        hashes[n++] = gru_hash(7, bytes, length);
    }
    for (size_t k = 0; k < N_HASHES; k++) {
        for (size_t i = 0; i < k; i++) {
            ck_assert_msg(hashes[i] != hashes[k], "%zu and %zu", i, k);
        }
    }
}

TEST(a_hash_goes_on_from_another)
{
    ck_assert(gru_hash(1, "abc", 3) != gru_hash(2, "abc", 3));
    ck_assert(gru_hash(gru_hash(1, "a", 1), "b", 1) != gru_hash(gru_hash(1, "b", 1), "a", 1));
    ck_assert(gru_hash(gru_hash(1, "a", 1), "b", 1) != gru_hash(1, "ab", 2));
    ck_assert(gru_hash(1, "xabc" + 1, 3) == gru_hash(1, "abc", 3)); /* wherever it lies */
}

/* ---- a training ---- */

#define INPUTS "\"inputs\":[{\"name\":\"a\",\"mean\":1,\"std\":2},{\"name\":\"b\"}]"

static const char usual[] = "{" INPUTS ",\"outputs\":[{\"name\":\"a\"},{\"name\":\"q\"}]}";

static uint64_t fingerprint(const char *grud, const struct training_set *set)
{
    struct gru_model *model = training_model(grud, TRAINING_INPUTS, 5, 2, TRAINING_OUTPUTS);
    uint64_t hash = gru_training_fingerprint(model, &set->training);
    gru_model_unref(model);
    return hash;
}

TEST(a_fingerprint_depends_on_values_and_not_on_where_they_are)
{
    struct training_set set, same;
    training_set_make(&set, usual);
    training_set_make(&same, usual);
    ck_assert(set.x != same.x && set.model != same.model);
    ck_assert(gru_training_fingerprint(set.model, &set.training) ==
              gru_training_fingerprint(same.model, &same.training));
    training_set_free(&set);
    training_set_free(&same);
}

TEST(whatever_the_model_is_described_as_counts_but_for_names)
{
    static const char *const others[] = {
        "{\"reset\":\"before\"," INPUTS ",\"outputs\":[{\"name\":\"a\"},{\"name\":\"q\"}]}",
        "{\"activation\":\"tanh\"," INPUTS ",\"outputs\":[{\"name\":\"a\"},{\"name\":\"q\"}]}",
        "{\"missing\":\"mean\"," INPUTS ",\"outputs\":[{\"name\":\"a\"},{\"name\":\"q\"}]}",
        "{\"residual\":true," INPUTS ",\"outputs\":[{\"name\":\"a\",\"mean\":1,\"std\":2},"
        "{\"name\":\"q\"}]}",
        "{\"inputs\":[{\"name\":\"a\",\"mean\":1,\"std\":3},{\"name\":\"b\"}],"
        "\"outputs\":[{\"name\":\"a\",\"mean\":1,\"std\":2},{\"name\":\"q\"}]}",
        "{" INPUTS ",\"outputs\":[{\"name\":\"a\",\"mean\":1.5,\"std\":2},{\"name\":\"q\"}]}",
        "{" INPUTS ",\"outputs\":[{\"name\":\"a\",\"feeds\":null,\"mean\":1,\"std\":2},"
        "{\"name\":\"q\"}]}",
        "{" INPUTS ",\"outputs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
    };
    struct training_set set;
    training_set_make(&set, usual);
    uint64_t hash = gru_training_fingerprint(set.model, &set.training);
    ck_assert(fingerprint(usual, &set) == hash);
    ck_assert(fingerprint("{\"inputs\":[{\"name\":\"c\",\"mean\":1,\"std\":2},{\"name\":\"d\"}],"
                          "\"outputs\":[{\"name\":\"c\"},{\"name\":\"r\"}]}",
                          &set) == hash);
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        ck_assert_msg(fingerprint(others[k], &set) != hash, "%s", others[k]);
    }
    training_set_free(&set);
}

/* Files of former builds say nothing of missing readings, and another default is theirs now. */
TEST(a_policy_that_fills_nothing_does_not_count)
{
    static const char last[] =
        "{\"missing\":\"last\"," INPUTS ",\"outputs\":[{\"name\":\"a\"},{\"name\":\"q\"}]}";
    struct training_set set;
    training_set_make(&set, usual);
    ck_assert(fingerprint(usual, &set) == fingerprint(last, &set));
    set.x[3] = NAN;
    ck_assert(fingerprint(usual, &set) != fingerprint(last, &set));
    training_set_free(&set);
}

/* ---- a network ---- */

enum { CHAIN = 6 };

static uint64_t fingerprint_of_chain(const struct plan_layer *chain, float eps,
                                     struct gru_head *heads, size_t n_heads)
{
    struct training_set set;
    const struct plan plan = { .chain = chain, .n_layers = CHAIN, .n_inputs = 2, .steps = 1 };
    training_set_make(&set, NULL);
    struct gru_model *model = trial_model(&plan);
    model->layers[1].shape.eps = eps;
    model->info.heads = heads;
    model->info.n_heads = n_heads;
    const uint64_t hash = gru_training_fingerprint(model, &set.training);
    model->info.heads = NULL;
    gru_model_unref(model);
    training_set_free(&set);
    return hash;
}

TEST(whatever_a_network_is_made_of_counts)
{
    const struct plan_layer plain[CHAIN] = {
        { .kind = GRU_LAYER_GRU, .n_units = 4 },
        { .kind = GRU_LAYER_NORM, .is_bare = true },
        { .kind = GRU_LAYER_GRU, .n_units = 4 },
        { .kind = GRU_LAYER_ACTIVATION, .activation = GRU_RELU },
        { .kind = GRU_LAYER_DENSE, .n_units = 3 },
        { .kind = GRU_LAYER_DENSE, .n_units = 2 },
    };
    struct gru_head heads[] = { { GRU_TANH, 1 }, { GRU_LINEAR, 1 } };
    struct gru_head others[] = { { GRU_LINEAR, 1 }, { GRU_TANH, 1 } };
    uint64_t hashes[16];
    size_t n = 0;
    hashes[n++] = fingerprint_of_chain(plain, 1e-5F, NULL, 0);
    ck_assert(fingerprint_of_chain(plain, 1e-5F, NULL, 0) == hashes[0]);
    hashes[n++] = fingerprint_of_chain(plain, 1e-4F, NULL, 0);
    hashes[n++] = fingerprint_of_chain(plain, 1e-5F, heads, 2);
    hashes[n++] = fingerprint_of_chain(plain, 1e-5F, others, 2);
    for (int k = 0; k < 5; k++) {
        struct plan_layer chain[CHAIN];
        memcpy(chain, plain, sizeof chain);
        chain[3].activation = k == 0 ? GRU_ELU : GRU_RELU;
        chain[2].reset = k == 1 ? GRU_RESET_BEFORE : GRU_RESET_AFTER;
        chain[2].has_learned_state = k == 2;
        chain[1].kind = k == 3 ? GRU_LAYER_ACTIVATION : GRU_LAYER_NORM; /* as bare as the norm */
        chain[1].activation = GRU_LINEAR;
        chain[4].is_bare = k == 4;
        hashes[n++] = fingerprint_of_chain(chain, 1e-5F, NULL, 0);
    }
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < k; i++) {
            ck_assert_msg(hashes[i] != hashes[k], "%zu and %zu", i, k);
        }
    }
}

/* ---- values ---- */

/* Changes the byte and back. */
static void expect_counts(const struct training_set *set, void *byte, const char *what, size_t at)
{
    uint64_t hash = gru_training_fingerprint(set->model, &set->training);
    *(unsigned char *)byte ^= 1;
    ck_assert_msg(gru_training_fingerprint(set->model, &set->training) != hash, "%s %zu", what, at);
    *(unsigned char *)byte ^= 1;
    ck_assert(gru_training_fingerprint(set->model, &set->training) == hash);
}

/* The lowest bit of a double that its float has, too: the model is not wide. (The 29 below it are
 * lost.) */
static void *lowest_of_float(double *value)
{
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    bits &= ~((UINT64_C(1) << 32) - 1);
    memcpy(value, &bits, sizeof bits);
    return (unsigned char *)value + 4;
}

TEST(every_weight_reading_and_target_counts)
{
    struct training_set set;
    training_set_make(&set, usual);
    for (size_t k = 0; k < TRAINING_SERIES; k++) {
        const size_t n = set.series[k].n_rows;
        double *x = set.x + k * TRAINING_ROWS * TRAINING_INPUTS;
        double *y = set.y + k * TRAINING_ROWS * TRAINING_OUTPUTS;
        for (size_t i = 0; i < n * TRAINING_INPUTS; i++) {
            expect_counts(&set, lowest_of_float(&x[i]), "reading", i);
        }
        for (size_t i = 0; i < n * TRAINING_OUTPUTS; i++) {
            expect_counts(&set, lowest_of_float(&y[i]), "target", i);
        }
    }
    for (size_t l = 0; l < set.model->n_layers; l++) {
        for (size_t k = 0; k < LAYER_TENSORS_MAX; k++) {
            const struct gru_tensor *tensor = &set.model->layers[l].tensors[k];
            for (size_t i = 0; i < gru_tensor_floats(tensor); i++) {
                expect_counts(&set, &tensor->values[i], "weight", i);
            }
        }
    }
    training_set_free(&set);
}

TEST(how_it_is_trained_counts)
{
    struct training_set set;
    training_set_make(&set, usual);
    struct gru_training *training = &set.training;
    uint64_t hash = gru_training_fingerprint(set.model, training);
    expect_counts(&set, &training->seed, "seed", 0);
    expect_counts(&set, &training->validation_fraction, "fraction", 0);
    expect_counts(&set, &training->hyperparameters.n_epochs, "epochs", 0);
    expect_counts(&set, &training->hyperparameters.learning_rate, "learning rate", 0);
    expect_counts(&set, &training->hyperparameters.loss, "loss", 0);
    expect_counts(&set, &training->hyperparameters.schedule_type, "schedule", 0);
    expect_counts(&set, &training->hyperparameters.schedule_warmup_steps, "warm-up", 0);
    expect_counts(&set, &training->hyperparameters.schedule_step_epochs, "epochs of a step", 0);
    expect_counts(&set, &training->hyperparameters.schedule_factor, "factor", 0);
    expect_counts(&set, &training->hyperparameters.horizon_loss, "horizon", 0);
    expect_counts(&set, &training->hyperparameters.sampling_length, "length", 0);
    expect_counts(&set, &training->hyperparameters.sampling_burn_in, "burn-in", 0);
    expect_counts(&set, &training->hyperparameters.schedule_patience, "patience", 0);
    expect_counts(&set, &training->hyperparameters.scaling, "scaling", 0);
    training->hyperparameters.class_weighting = GRU_CLASSES_GIVEN;
    ck_assert(gru_training_fingerprint(set.model, training) != hash);
    expect_counts(&set, &training->hyperparameters.class_weights[7], "class weight", 7);
    training->hyperparameters.class_weighting = GRU_CLASSES_ALIKE;
    training->hyperparameters.n_output_weights = 2;
    ck_assert(gru_training_fingerprint(set.model, training) != hash);
    expect_counts(&set, &training->hyperparameters.output_weights[1], "output weight", 1);
    training->hyperparameters.n_output_weights = 0;
    training->n_series--; /* the same series for validation are another training */
    training->validation = &set.series[TRAINING_SERIES - 1];
    training->n_validation = 1;
    ck_assert(gru_training_fingerprint(set.model, training) != hash);
    training->n_series++;
    training->n_validation = 0;
    struct gru_series first = set.series[0];
    set.series[0] = set.series[1];
    set.series[1] = first;
    ck_assert(gru_training_fingerprint(set.model, training) != hash);
    training_set_free(&set);
}
