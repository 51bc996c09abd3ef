/* What a checkpoint belongs to: whatever a training depends on changes its fingerprint, and nothing
 * else does. */
#include "engine/fixture.h"
#include "engine/train/fingerprint.h"
#include "test.h"
#include "training.h"

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

/* Changes the byte and back. */
static void expect_counts(const struct training_set *set, void *byte, const char *what, size_t at)
{
    uint64_t hash = gru_training_fingerprint(set->model, &set->training);
    *(unsigned char *)byte ^= 1;
    ck_assert_msg(gru_training_fingerprint(set->model, &set->training) != hash, "%s %zu", what, at);
    *(unsigned char *)byte ^= 1;
    ck_assert(gru_training_fingerprint(set->model, &set->training) == hash);
}

TEST(every_weight_reading_and_target_counts)
{
    struct training_set set;
    training_set_make(&set, usual);
    for (size_t k = 0; k < TRAINING_SERIES; k++) {
        const size_t n = set.series[k].n_rows;
        float *x = set.x + k * TRAINING_ROWS * TRAINING_INPUTS;
        float *y = set.y + k * TRAINING_ROWS * TRAINING_OUTPUTS;
        for (size_t i = 0; i < n * TRAINING_INPUTS; i++) {
            expect_counts(&set, &x[i], "reading", i);
        }
        for (size_t i = 0; i < n * TRAINING_OUTPUTS; i++) {
            expect_counts(&set, &y[i], "target", i);
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
