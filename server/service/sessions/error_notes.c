#include "service/sessions/error_notes.h"

#include "service/models/drift.h"
#include "service/models/models.h"
#include "service/scores/error_totals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 8 };

struct error_notes {
    size_t n, room;
    struct error_note {
        enum { NOTE_FORECAST, NOTE_INTERVAL, NOTE_DRIFT } kind;
        uint32_t place; /* of its tally */
        union {
            struct {
                double truth, forecast, persistence, seasonal_naive;
            } forecast;
            struct {
                double level, truth, lower, upper;
            } interval;
            double error;
        };
    } notes[];
};

/* ---- keeping ---- */

/* Makes room for n more; false: no memory. */
static bool grow(struct error_notes **notes, size_t n)
{
    struct error_notes *old = *notes;
    const size_t n_kept = old ? old->n : 0;
    size_t room = old ? old->room : 0;
    if (n_kept + n <= room) {
        return true;
    }
    room = 2 * room > ROOM_FIRST ? 2 * room : ROOM_FIRST;
    room = room > n_kept + n ? room : n_kept + n;
    struct error_notes *wider = realloc(old, sizeof *wider + room * sizeof *wider->notes);
    if (!wider) {
        return false;
    }
    wider->n = n_kept;
    wider->room = room;
    *notes = wider;
    return true;
}

static void add(struct error_notes **notes, const struct error_note *note)
{
    if (grow(notes, 1)) {
        (*notes)->notes[(*notes)->n++] = *note;
    }
}

void error_notes_add_forecast(struct error_notes **notes, size_t output, double truth,
                              double forecast, double persistence, double seasonal_naive)
{
    const struct error_note note = { .kind = NOTE_FORECAST,
                                     .place = (uint32_t)output,
                                     .forecast = { truth, forecast, persistence, seasonal_naive } };
    add(notes, &note);
}

void error_notes_add_interval(struct error_notes **notes, size_t place, double level, double truth,
                              double lower, double upper)
{
    const struct error_note note = { .kind = NOTE_INTERVAL,
                                     .place = (uint32_t)place,
                                     .interval = { level, truth, lower, upper } };
    add(notes, &note);
}

void error_notes_add_drift(struct error_notes **notes, double error)
{
    const struct error_note note = { .kind = NOTE_DRIFT, .error = error };
    if (!isnan(error)) {
        add(notes, &note);
    }
}

void error_notes_move(struct error_notes **notes, struct error_notes **more)
{
    if (!*notes) {
        *notes = *more;
        *more = NULL;
        return;
    }
    if (*more && grow(notes, (*more)->n)) {
        memcpy((*notes)->notes + (*notes)->n, (*more)->notes, (*more)->n * sizeof *(*more)->notes);
        (*notes)->n += (*more)->n;
    }
    error_notes_drop(more);
}

/* ---- what becomes of them ---- */

static void tell(const struct error_note *note, const struct model *model, unsigned thread,
                 int64_t now_ms)
{
    struct error_tally *tallies;
    struct interval_tally *intervals;
    switch (note->kind) {
    case NOTE_FORECAST:
        tallies = error_totals_of(model->error_totals, thread);
        if (tallies) {
            error_tally_note(&tallies[note->place], note->forecast.truth, note->forecast.forecast,
                             note->forecast.persistence, note->forecast.seasonal_naive);
        }
        break;
    case NOTE_INTERVAL:
        intervals = error_totals_intervals_of(model->error_totals, thread);
        if (intervals) {
            interval_tally_note(&intervals[note->place], note->interval.level, note->interval.truth,
                                note->interval.lower, note->interval.upper);
        }
        break;
    default:
        drift_note(model->drift, thread, note->error, now_ms);
    }
}

void error_notes_tell(struct error_notes **notes, const struct model *model, unsigned thread,
                      int64_t now_ms)
{
    for (size_t k = 0; *notes && k < (*notes)->n; k++) {
        tell(&(*notes)->notes[k], model, thread, now_ms);
    }
    error_notes_drop(notes);
}

void error_notes_drop(struct error_notes **notes)
{
    free(*notes);
    *notes = NULL;
}
