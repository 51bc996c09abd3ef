/*
 * checkpoint.c - a trainer as bytes: gru_trainer_save and gru_trainer_restore.
 *
 *     header | position | weights [P] | moments [P'] each | best weights [P] | losses | plateau |
 *     states | hash
 *
 * Which arrays there are follows from the hyper-parameters, so the length is known before a byte is
 * read. All numbers are as the machine has them; another byte order shows in the magic number.
 *
 * The losses are the starting model's by stream (selection.h). A trainer without a selection has
 * none, and its version is 1. That is also what builds wrote that chose the epoch by the pooled
 * loss, and that kept no best epoch without early stopping: a trainer that goes on from there does
 * so to its end, and comes to the weights that they would have given. Where today's trainer has no
 * selection but keeps the best epoch without early stopping, its version is 3.
 *
 * A version is raised by hand when the bytes change their meaning. Another version, older or newer,
 * is GRU_BAD_FILE, as is a checkpoint of another training: it saves time and holds nothing else, so
 * the caller trains from the beginning and comes to the same weights.
 */
#include "engine/buffer.h"
#include "engine/train/fingerprint.h"
#include "engine/train/trainer.h"

#include <string.h>

enum {
    VERSION_POOLED = 1,
    VERSION_BY_STREAM = 2,
    VERSION_POOLED_BEST = 3,
    ARRAYS_MAX = 5 + OPTIMIZER_MOMENTS_MAX
};

#define MAGIC 0x6E696172745F7267U /* "gr_train" */

struct header {
    uint64_t magic, version, n_bytes, fingerprint;
};

_Static_assert(sizeof(struct trainer_position) % sizeof(uint64_t) == 0,
               "a position has no padding");

/* An array of the trainer that goes into a checkpoint. */
struct piece {
    void *values;
    size_t n_bytes;
};

static struct piece floats_of(float *values, size_t n)
{
    return (struct piece){ values, values ? n * sizeof *values : 0 };
}

static bool stops_early(const struct gru_trainer *trainer)
{
    return trainer->training.hyperparameters.early_stopping_patience > 0;
}

/* Whether checkpoints of a version have the best epoch's weights. */
static bool has_best(const struct gru_trainer *trainer, uint64_t version)
{
    return trainer->arrays.best && (version != VERSION_POOLED || stops_early(trainer));
}

static size_t list_pieces(const struct gru_trainer *trainer, uint64_t version,
                          struct piece pieces[ARRAYS_MAX])
{
    const struct trainer_arrays *arrays = &trainer->arrays;
    const struct trainer_sizes *sizes = &trainer->sizes;
    size_t n = 0;
    pieces[n++] = floats_of(gru_backprop_parameters(trainer->backprop), sizes->n_parameters);
    for (size_t k = 0; k < OPTIMIZER_MOMENTS_MAX; k++) {
        pieces[n++] = floats_of(arrays->moments[k], sizes->n_trained);
    }
    pieces[n++] = floats_of(has_best(trainer, version) ? arrays->best : NULL, sizes->n_parameters);
    if (version == VERSION_BY_STREAM) {
        double *base = trainer->selection->base;
        pieces[n++] = (struct piece){ base, trainer->selection->n_streams * sizeof *base };
    }
    if (trainer->training.hyperparameters.schedule_type == GRU_PLATEAU) {
        pieces[n++] = (struct piece){ arrays->plateau, sizeof *arrays->plateau };
    }
    pieces[n++] = floats_of(arrays->states, sizes->n_states);
    return n;
}

static size_t n_position_bytes(uint64_t version)
{
    return version == VERSION_BY_STREAM ? sizeof(struct trainer_position)
                                        : offsetof(struct trainer_position, valid_standing);
}

/* The arrays are in memory, so their sum is no overflow. */
static size_t n_checkpoint_bytes(uint64_t version, const struct piece *pieces, size_t n)
{
    size_t n_bytes = sizeof(struct header) + n_position_bytes(version) + sizeof(uint64_t);
    for (size_t k = 0; k < n; k++) {
        n_bytes += pieces[k].n_bytes;
    }
    return n_bytes;
}

static uint64_t hash_of(const char *bytes, size_t n_bytes)
{
    return gru_hash(MAGIC, bytes, n_bytes - sizeof(uint64_t));
}

/* ---- saving ---- */

static char *put(char *p, const void *from, size_t n)
{
    if (n > 0) {
        memcpy(p, from, n);
    }
    return p + n;
}

/* A validation under way is begun anew: its sums are not saved. */
static struct trainer_position saved_position(const struct gru_trainer *trainer)
{
    struct trainer_position position = trainer->position;
    if (position.phase != PHASE_TRAIN) {
        position.cursor = 0;
        position.t = 0;
    }
    return position;
}

static uint64_t version_of(const struct gru_trainer *trainer)
{
    if (trainer->selection) {
        return VERSION_BY_STREAM;
    }
    return trainer->keeps_best && !stops_early(trainer) ? VERSION_POOLED_BEST : VERSION_POOLED;
}

enum gru_status gru_trainer_save(const struct gru_trainer *trainer, void **ret_bytes,
                                 size_t *ret_n_bytes)
{
    const uint64_t version = version_of(trainer);
    struct piece pieces[ARRAYS_MAX];
    size_t n = list_pieces(trainer, version, pieces);
    size_t n_bytes = n_checkpoint_bytes(version, pieces, n);
    char *bytes = gru_array_alloc(n_bytes, 1);
    if (!bytes) {
        return GRU_NO_MEMORY;
    }
    const struct header header = { MAGIC, version, n_bytes, trainer->fingerprint };
    const struct trainer_position position = saved_position(trainer);
    char *p = put(bytes, &header, sizeof header);
    p = put(p, &position, n_position_bytes(version));
    for (size_t k = 0; k < n; k++) {
        p = put(p, pieces[k].values, pieces[k].n_bytes);
    }
    const uint64_t hash = hash_of(bytes, n_bytes);
    put(p, &hash, sizeof hash);
    *ret_bytes = bytes;
    *ret_n_bytes = n_bytes;
    return GRU_OK;
}

/* ---- restoring ---- */

/* Whether the position can be one of this training. */
static bool position_fits(const struct gru_trainer *trainer, uint64_t version,
                          const struct trainer_position *position)
{
    const size_t n_epochs = trainer->training.hyperparameters.n_epochs;
    if (position->phase > PHASE_END || position->epoch > n_epochs ||
        position->best_epoch > position->epoch ||
        (position->best_epoch > 0 && !has_best(trainer, version))) {
        return false;
    }
    switch ((enum trainer_phase)position->phase) {
    case PHASE_BASELINE:
    case PHASE_VALID:
        return trainer->validates && position->epoch < n_epochs && position->cursor == 0 &&
               position->t == 0;
    case PHASE_TRAIN:
        break;
    case PHASE_END:
        return position->cursor == 0 && position->t == 0;
    }
    struct order order = { &trainer->dataset, PART_TRAIN,
                           gru_epoch_key(trainer->training.seed, position->epoch) };
    if (position->epoch >= n_epochs || position->cursor > gru_order_n(&order)) {
        return false;
    }
    size_t longest;
    gru_batch_extent(&order, position->cursor, trainer->sizes.n_lanes, &longest);
    return position->t == 0 || position->t < longest;
}

static bool reads_version(const struct gru_trainer *trainer, uint64_t version)
{
    switch (version) {
    case VERSION_POOLED:
        return true;
    case VERSION_BY_STREAM:
        return trainer->selection != NULL;
    case VERSION_POOLED_BEST:
        return trainer->arrays.best && !trainer->selection && !stops_early(trainer);
    default:
        return false;
    }
}

/* The header, whose version the trainer can read. */
static bool read_header(const struct gru_trainer *trainer, const char *bytes, size_t n_bytes,
                        struct header *ret_header)
{
    if (n_bytes < sizeof *ret_header) {
        return false;
    }
    memcpy(ret_header, bytes, sizeof *ret_header);
    return ret_header->magic == MAGIC && ret_header->n_bytes == n_bytes &&
           ret_header->fingerprint == trainer->fingerprint &&
           reads_version(trainer, ret_header->version);
}

static enum gru_status check_bytes(const struct gru_trainer *trainer, uint64_t version,
                                   const char *bytes, size_t n_bytes, size_t n_expected,
                                   struct trainer_position *ret_position)
{
    uint64_t hash;
    if (n_bytes != n_expected) {
        return GRU_BAD_FILE;
    }
    memcpy(&hash, bytes + n_bytes - sizeof hash, sizeof hash);
    if (hash != hash_of(bytes, n_bytes)) {
        return GRU_BAD_FILE;
    }
    struct trainer_position position = { 0 };
    memcpy(&position, bytes + sizeof(struct header), n_position_bytes(version));
    if (!position_fits(trainer, version, &position)) {
        return GRU_BAD_FILE;
    }
    *ret_position = position;
    return GRU_OK;
}

enum gru_status gru_trainer_restore(struct gru_trainer *trainer, const void *bytes, size_t n_bytes)
{
    struct piece pieces[ARRAYS_MAX];
    struct trainer_position position;
    struct header header;
    if (!read_header(trainer, bytes, n_bytes, &header)) {
        return GRU_BAD_FILE;
    }
    size_t n = list_pieces(trainer, header.version, pieces);
    enum gru_status status = check_bytes(trainer, header.version, bytes, n_bytes,
                                         n_checkpoint_bytes(header.version, pieces, n), &position);
    if (status != GRU_OK) {
        return status;
    }
    if (header.version == VERSION_POOLED) {
        gru_selection_free(trainer->selection);
        trainer->selection = NULL;
    }
    trainer->keeps_best = has_best(trainer, header.version);
    trainer->position = position;
    trainer->optimizer.n_updates = position.n_updates;
    gru_trainer_begin_phase(trainer, (enum trainer_phase)position.phase);
    const char *p = (const char *)bytes + sizeof header + n_position_bytes(header.version);
    for (size_t k = 0; k < n; k++) {
        if (pieces[k].n_bytes > 0) {
            memcpy(pieces[k].values, p, pieces[k].n_bytes);
        }
        p += pieces[k].n_bytes;
    }
    trainer->optimizer.learning_rate = gru_trainer_rate(trainer);
    gru_trainer_refresh(trainer);
    if (position.phase == PHASE_TRAIN) {
        trainer->position.cursor = position.cursor;
        trainer->position.t = position.t;
        gru_trainer_take_batch(trainer);
    } else {
        memset(trainer->arrays.states, 0, trainer->sizes.n_states * sizeof *trainer->arrays.states);
    }
    return GRU_OK;
}
