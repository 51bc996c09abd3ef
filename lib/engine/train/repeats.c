/* Rows by a hash of what came before them; see repeats.h. */
#include "engine/train/repeats.h"
#include "engine/random.h"
#include "engine/readings.h"
#include "engine/train/fingerprint.h"

#include <math.h>

/* Odd, so that products lose nothing (M. O. Rabin, "Fingerprinting by random polynomials", 1981,
 * with 2^64 in place of a polynomial). */
static const uint64_t BASE_OF_CONTEXT = 0x9E3779B97F4A7C15U;
static const float STEPS = 1024;

void gru_repeats_cut(struct repeats *repeats, size_t n_rows, struct block_cutter *cutter)
{
    size_t n_slots = 64, n_most = n_rows < REPEATS_MAX ? n_rows : REPEATS_MAX;
    while (n_slots < 2 * n_most) {
        n_slots *= 2;
    }
    repeats->n_slots = n_slots;
    repeats->keys = block_take(cutter, n_slots, sizeof *repeats->keys);
    repeats->streams = block_take(cutter, n_slots, sizeof *repeats->streams);
}

static uint64_t add_value(uint64_t hash, double value, const struct gru_variable *variable)
{
    float steps = variable ? roundf(gru_normalise(variable, value) * STEPS) + 0.0F : (float)value;
    steps = isnan(steps) ? NAN : steps;
    return gru_hash(hash, &steps, sizeof steps);
}

void gru_repeats_begin_series(struct repeats *repeats)
{
    repeats->context = 0;
    repeats->n_rows = repeats->n_same = 0;
}

void gru_repeats_see(struct repeats *repeats, const double *x)
{
    uint64_t row = 0, leaves = BASE_OF_CONTEXT;
    for (size_t i = 0; i < repeats->info->n_inputs; i++) {
        row = add_value(row, x[i], &repeats->info->inputs[i]);
    }
    const size_t at = repeats->n_rows % REPEATS_CONTEXT;
    const size_t before = (repeats->n_rows + REPEATS_CONTEXT - 1) % REPEATS_CONTEXT;
    const bool is_same = repeats->n_rows > 0 && repeats->rows[before] == row;
    for (size_t k = 1; k < REPEATS_CONTEXT; k++) {
        leaves *= BASE_OF_CONTEXT;
    }
    repeats->context = repeats->context * BASE_OF_CONTEXT + row;
    if (repeats->n_rows >= REPEATS_CONTEXT) {
        repeats->context -= repeats->rows[at] * leaves;
    }
    repeats->rows[at] = row;
    repeats->n_same = is_same ? repeats->n_same + 1 : 1;
    repeats->n_rows++;
}

enum repeat gru_repeats_look(struct repeats *repeats, size_t stream, const double *targets,
                             size_t n_targets, const struct gru_variable *variables,
                             size_t n_variables)
{
    const size_t n_context = repeats->n_rows < REPEATS_CONTEXT ? repeats->n_rows : REPEATS_CONTEXT;
    uint64_t key = gru_random_mix(repeats->context + n_context);
    if (repeats->n_same >= REPEATS_CONTEXT) {
        return REPEAT_NONE;
    }
    for (size_t k = 0; k < n_targets; k++) {
        key = add_value(key, targets[k], variables ? &variables[k % n_variables] : NULL);
    }
    key += key == 0;
    size_t slot = key % repeats->n_slots;
    while (repeats->keys[slot] != 0 && repeats->keys[slot] != key) {
        slot = (slot + 1) % repeats->n_slots;
    }
    if (repeats->keys[slot] == key) {
        return repeats->streams[slot] == (uint32_t)stream ? REPEAT_OWN : REPEAT_OTHER;
    }
    if (repeats->n < REPEATS_MAX) {
        repeats->keys[slot] = key;
        repeats->streams[slot] = (uint32_t)stream;
        repeats->n++;
    }
    return REPEAT_NONE;
}
