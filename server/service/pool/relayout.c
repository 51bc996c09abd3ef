#include "service/pool/relayout.h"

#include "service/pool/pool_write.h"
#include "service/pool/record_ring.h"

#include <stdlib.h>
#include <string.h>

enum status relayout_begin(struct relayout *relayout, struct pool *to,
                           const struct pool_options *options, size_t n_history,
                           struct fault *fault)
{
    *relayout = (struct relayout){ .to = to, .options = options };
    relayout->readings = calloc(n_history * to->layout.n_inputs + 1, sizeof *relayout->readings);
    relayout->stamps = calloc(n_history, sizeof *relayout->stamps);
    relayout->copy = calloc(1, to->copy_bytes_max);
    return relayout->readings && relayout->stamps && relayout->copy
               ? STATUS_OK
               : fault_set(fault, STATUS_NO_MEMORY, NULL,
                           "no memory to bring sessions to another layout");
}

void relayout_end(const struct relayout *relayout)
{
    free(relayout->readings);
    free(relayout->stamps);
    free(relayout->copy);
}

/* Whether their states are of the same sizes. */
static bool has_same_state(const struct record_layout *a, const struct record_layout *b)
{
    return a->n_inputs == b->n_inputs && a->n_outputs == b->n_outputs &&
           a->n_history == b->n_history && a->state_floats == b->state_floats &&
           a->is_wide == b->is_wide;
}

static bool translate_state(const struct relayout *relayout, const struct record_layout *from,
                            struct record_copy *old, const struct record_layout *to,
                            struct record_copy *copy)
{
    const struct pool_options *options = relayout->options;
    return options->translate_state && from->n_inputs == to->n_inputs &&
           from->n_outputs == to->n_outputs &&
           options->translate_state(options->gru, record_state(from, old), from->state_floats,
                                    record_state(to, copy));
}

/* Otherwise the state is left to be re-warmed: it is of no version then. */
static void copy_state(const struct relayout *relayout, const struct record_layout *from,
                       struct record_copy *old, const struct record_layout *to,
                       struct record_copy *copy)
{
    if (from->n_outputs == to->n_outputs) {
        memcpy(copy->errors, old->errors, to->n_outputs * sizeof *copy->errors);
    }
    if (from->n_outputs == to->n_outputs && from->season == to->season) {
        memcpy(record_seasonal_of(to, copy), record_seasonal_of(from, old),
               record_seasonal_bytes(to));
    }
    if (has_same_state(from, to)) {
        memcpy(record_state(to, copy), record_state(from, old), to->state_floats * sizeof(float));
        copy->digest = old->digest;
    } else if (translate_state(relayout, from, old, to, copy)) {
        copy->digest = old->digest;
    }
    record_rebase(to, copy, copy);
    if (has_same_state(from, to) && record_has_base(from) && record_has_base(to)) {
        record_take_base(to, copy, record_base_of(from, old));
    }
}

/* Those that both layouts have; NULL: there are none. */
static const struct record_stamp *read_stamps(const struct relayout *relayout,
                                              const struct record_layout *from, char *record,
                                              const struct record_copy *old,
                                              const struct record_layout *to)
{
    if (!record_has_base(from) || !record_has_base(to)) {
        return NULL;
    }
    for (size_t k = 0; k < old->n_readings; k++) {
        relayout->stamps[k] = record_read_stamp(from, record, old->step - old->n_readings + 1 + k);
    }
    return relayout->stamps;
}

static void copy_tail(const struct relayout *relayout, const struct relayout_source *source,
                      struct record_copy *old, uint32_t to_slot)
{
    const struct pool *pool = relayout->to;
    const struct record_layout *to = pool_layout(pool, to_slot);
    if (to->tail_bytes == 0) {
        return;
    }
    const struct pool_class *wanted = &pool->classes[pool_extent(pool, to_slot)->record_class - 1];
    const struct pool_tail tail = { record_tail(source->layout, old), (uint8_t)old->tail_mark };
    struct pool_tail new_tail = { record_tail(to, relayout->copy), tail.mark };
    if (memcmp(source->kind, wanted, sizeof *wanted) == 0) {
        memcpy(new_tail.bytes, tail.bytes, to->tail_bytes);
    } else {
        (void)relayout->options->translate_tail(source->kind, &tail, wanted, &new_tail,
                                                to->n_outputs);
    }
    relayout->copy->tail_mark = new_tail.mark;
}

void relayout_session(const struct relayout *relayout, const struct relayout_source *source,
                      uint32_t to_slot)
{
    const struct record_layout *from = source->layout;
    const struct record_layout *to = pool_layout(relayout->to, to_slot);
    struct record_copy *old = record_newest(from, source->record);
    struct record_copy *copy = relayout->copy;
    size_t n = old->n_readings < to->n_history ? old->n_readings : to->n_history;
    record_clear_copy(to, copy);
    copy->step = old->step;
    copy->last_seen_at_ms = old->last_seen_at_ms;
    copy->gap = old->gap;
    copy->last_at = old->last_at;
    copy->version = old->version;
    copy_state(relayout, from, old, to, copy);
    copy_tail(relayout, source, old, to_slot);
    record_read_readings(from, source->record, old, relayout->readings);
    const struct record_stamp *stamps = read_stamps(relayout, from, source->record, old, to);
    const size_t n_left_out = old->n_readings - n;
    const struct pool_readings readings = { .x = relayout->readings + n_left_out * from->n_inputs,
                                            .stamps = stamps ? stamps + n_left_out : NULL,
                                            .n = n };
    uint64_t section = pool_begin_writes(relayout->to);
    pool_write_first(relayout->to, section, to_slot, &record_header_of(source->record)->life, copy,
                     &readings);
    pool_end_writes(relayout->to, section);
}

unsigned relayout_class(const struct relayout *relayout, const struct relayout_source *source)
{
    const struct pool *to = relayout->to;
    const size_t n_outputs = source->layout->n_outputs;
    if (!source->kind || n_outputs != to->layout.n_outputs) {
        return 0;
    }
    pool_translate_tail *translate = relayout->options->translate_tail;
    unsigned found = pool_class_of(to, source->kind, n_outputs);
    for (unsigned k = 0; translate && found == 0 && k < to->n_classes; k++) {
        found = translate(source->kind, NULL, &to->classes[k], NULL, n_outputs) ? k + 1 : 0;
    }
    return found;
}
