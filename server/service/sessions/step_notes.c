#include "service/sessions/step_notes.h"

#include "service/sessions/reading_wire.h"
#include "service/sessions/recorder.h"

#include <stdlib.h>

struct step_notes *step_notes_create(struct recorder *recorder)
{
    struct step_notes *notes = calloc(1, sizeof *notes);
    if (notes) {
        notes->recorder = recorder;
        arena_init(&notes->arena, RECORDER_BACKLOG_MAX);
    }
    return notes;
}

void step_notes_free(struct step_notes *notes)
{
    if (notes) {
        arena_done(&notes->arena);
        free(notes);
    }
}

/* Puts those of `more` behind those of `recording`. */
static void append(struct engine_recording *recording, const struct engine_recording *more)
{
    if (more->n == 0) {
        return;
    }
    if (recording->last) {
        recording->last->next = more->first;
    } else {
        recording->first = more->first;
    }
    recording->last = more->last;
    recording->n += more->n;
    recording->n_bytes += more->n_bytes;
}

void step_notes_add(struct step_notes *notes, const struct recorded *reading)
{
    const size_t n_bytes = reading_wire_bytes(reading);
    struct engine_reading *note = arena_alloc(&notes->arena, sizeof *note + n_bytes);
    if (!note) {
        recorder_count(notes->recorder, 0, 1);
        return;
    }
    note->next = NULL;
    note->n_bytes = n_bytes;
    reading_wire_write(reading, note->bytes);
    const struct engine_recording one = { .n = 1, .n_bytes = n_bytes, .first = note, .last = note };
    append(&notes->latest, &one);
}

void step_notes_take(struct step_notes *notes, struct engine_recording *recording)
{
    if (notes) {
        recording->rows_max = recorder_rows_max(notes->recorder);
        append(recording, &notes->latest);
        notes->latest = (struct engine_recording){ .n = 0 };
    }
}

void step_notes_reset(struct step_notes *notes)
{
    if (notes) {
        notes->latest = (struct engine_recording){ .n = 0 };
        arena_reset(&notes->arena);
    }
}
