/*
 * The state of a trainer, as a job's checkpoint keeps it. The first byte of an input chooses the
 * training and how far it has come; then follow patches, {place (2), n, bytes}, of its saved state,
 * and its length is cut if the last byte is odd. With the second byte odd, the state is sealed
 * again, as only someone who may write the database can do.
 *
 * A state that is refused leaves the trainer as it was; one that is taken is the one that is saved
 * again, and goes on; one that was changed and not sealed again is refused.
 */
#include "engine/train/fingerprint.h"
#include "engine/train/trainer.h"
#include "fuzz.h"

#include <string.h>

enum { SERIES = 3, ROWS = 9, INPUTS = 2, ADVANCES = 12, KINDS = 4 };

#define SEED 0x6E696172745F7267U /* the hash's, in checkpoint.c */

struct state {
    unsigned char *bytes;
    size_t n;
};

static double readings[SERIES * ROWS * INPUTS];
static struct gru_series series[SERIES];

static struct gru_training training_of(unsigned kind)
{
    static const int optimizers[KINDS] = { GRU_SGD, GRU_ADAM, GRU_ADAMW, GRU_SGD };
    struct gru_training training = { .series = series, .n_series = SERIES, .seed = 3 };
    struct gru_hyperparameters *h = &training.hyperparameters;
    for (size_t k = 0; k < sizeof readings / sizeof *readings; k++) {
        readings[k] = (double)(k * 7 % 11) / 8 - 0.5;
    }
    for (size_t k = 0; k < SERIES; k++) {
        series[k] =
            (struct gru_series){ .x = readings + k * ROWS * INPUTS, .n_rows = ROWS - 2 * k };
    }
    gru_hyperparameters_init(h);
    h->n_epochs = 3;
    h->batch_size = 2;
    h->window = 3;
    h->optimizer = optimizers[kind];
    h->momentum = kind == 3 ? 0.5 : 0;
    h->train = kind == 2 ? GRU_TRAIN_HEAD : GRU_TRAIN_ALL;
    h->dropout = kind == 1 ? 0.25 : 0;
    training.validation_fraction = kind < 2 ? 0.3 : 0;
    h->early_stopping_patience = kind == 0 ? 2 : 0;
    if (kind == 3) {
        h->horizon_loss = 3;
        h->sampling_length = 4;
        h->schedule_type = GRU_PLATEAU;
        h->schedule_patience = 1;
    }
    return training;
}

static struct gru_trainer *begin(unsigned kind, unsigned n_advances)
{
    static struct gru_model *model;
    if (!model) {
        model = fuzz_model(FUZZ_WEATHER);
    }
    struct gru_training training = training_of(kind);
    struct gru_trainer *trainer = NULL;
    struct gru_progress progress;
    FUZZ_CHECK(gru_trainer_create(model, &training, &trainer, NULL) == GRU_OK);
    while (n_advances-- > 0) {
        gru_trainer_advance(trainer, &progress);
    }
    return trainer;
}

static struct state save(const struct gru_trainer *trainer)
{
    void *bytes;
    struct state state;
    FUZZ_CHECK(gru_trainer_save(trainer, &bytes, &state.n) == GRU_OK);
    state.bytes = bytes;
    return state;
}

static bool is_same(struct state a, struct state b)
{
    return a.n == b.n && memcmp(a.bytes, b.bytes, a.n) == 0;
}

static void change(struct state *state, const uint8_t *p, size_t n)
{
    while (n >= 3) {
        size_t place = ((size_t)p[0] << 8 | p[1]) % state->n;
        size_t n_patch = p[2] % 16;
        p += 3;
        n -= 3;
        for (; n_patch > 0 && n > 0 && place < state->n; n_patch--, n--) {
            state->bytes[place++] = *p++;
        }
    }
    if (n == 1 && *p % 2 == 1) {
        state->n -= *p % state->n;
    }
}

static void seal(struct state *state)
{
    if (state->n > sizeof(uint64_t)) {
        size_t at = state->n - sizeof(uint64_t);
        uint64_t hash = gru_hash(SEED, state->bytes, at);
        memcpy(state->bytes + at, &hash, sizeof hash);
    }
}

/* What was taken is what is saved, but for a validation under way, which begins anew; and it goes
 * on. */
static void check_taken(struct gru_trainer *trainer, struct state taken)
{
    struct gru_progress progress;
    struct state saved = save(trainer), again;
    FUZZ_CHECK(saved.n == taken.n);
    FUZZ_CHECK(gru_trainer_restore(trainer, saved.bytes, saved.n) == GRU_OK);
    again = save(trainer);
    FUZZ_CHECK(is_same(saved, again));
    for (int k = 0; k < ADVANCES; k++) {
        gru_trainer_advance(trainer, &progress);
        FUZZ_CHECK(progress.epoch <= progress.n_epochs && progress.best_epoch <= progress.epoch);
    }
    free(saved.bytes);
    free(again.bytes);
}

static void check_restore(struct gru_trainer *trainer, struct state state, bool is_damaged)
{
    struct state before = save(trainer);
    enum gru_status status = gru_trainer_restore(trainer, state.bytes, state.n);
    FUZZ_CHECK(status == GRU_BAD_FILE || (status == GRU_OK && !is_damaged));
    if (status == GRU_OK) {
        check_taken(trainer, state);
    } else {
        struct state after = save(trainer);
        FUZZ_CHECK(is_same(before, after));
        free(after.bytes);
    }
    free(before.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2) {
        return 0;
    }
    const unsigned kind = bytes[0] % KINDS;
    struct gru_trainer *trainer = begin(kind, bytes[0] / KINDS % ADVANCES), *other = begin(kind, 1);
    struct state saved = save(trainer);
    struct state changed = { fuzz_copy(saved.bytes, saved.n), saved.n };
    change(&changed, bytes + 2, n - 2);
    bool is_damaged = !is_same(changed, saved);
    if (bytes[1] % 2 == 1) {
        seal(&changed);
        is_damaged = false;
    }
    check_restore(other, changed, is_damaged);
    free(saved.bytes);
    free(changed.bytes);
    gru_trainer_free(trainer);
    gru_trainer_free(other);
    return 0;
}
