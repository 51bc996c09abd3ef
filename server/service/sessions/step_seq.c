#include "service/sessions/step_seq.h"

#include "service/pool/record_ring.h"
#include "service/sessions/steps.h"

#include <math.h>
#include <stdio.h>

/* ---- time ---- */

struct step_time step_seq_time(const struct step *step, const struct record_copy *now,
                               const struct gru_info *info, size_t gap_max)
{
    if (!step->has_at || !now) {
        return (struct step_time){ .order = STEP_IS_NEXT };
    }
    const struct step_clock clock = { .last_at = now->last_at,
                                      .is_untimed = now->gap == RECORD_GAP_UNTIMED,
                                      .interval_seconds = info->interval_seconds,
                                      .gap_max = info->missing == GRU_MISSING_ERROR ? 0 : gap_max };
    return step_time_of(&clock, step->at);
}

bool step_seq_is_late(struct step *step, const struct step_time *time,
                      const struct record_copy *now)
{
    if (time->order == STEP_IS_NEXT) {
        return false;
    }
    if (time->order == STEP_IS_SAME) {
        fault_set(&step->fault, STATUS_LATE_READING, "at",
                  "session '%s' has its last reading, step %llu, of this time already, and this is "
                  "not the same",
                  step->session, (unsigned long long)now->step);
    } else {
        fault_set(&step->fault, STATUS_LATE_READING, "at",
                  "this reading of session '%s' is late: its time %.15g is not after %.15g, that "
                  "of a reading before it; readings are taken in the order of their times",
                  step->session, step->at, now->last_at);
    }
    step->fault.has_last_at = true;
    step->fault.last_at = now->last_at;
    return true;
}

/* ---- steps that were made before ---- */

static bool is_kept(const struct step *step, const struct record_layout *layout, char *record,
                    const struct record_copy *now, uint64_t number)
{
    if (number > now->step || now->step - number >= now->n_readings) {
        return false;
    }
    const float *kept = record_reading(layout, record, number);
    for (uint32_t k = 0; k < layout->n_inputs; k++) {
        const double value = record_value(layout, kept, k);
        if (!(value == step->x[k]) && !(isnan(value) && isnan(step->x[k]))) {
            return false;
        }
    }
    return true;
}

/* Whether the step of that seq may have had this time, as far as times are kept. */
static bool agrees(const struct step *step, const struct step_time *time,
                   const struct record_copy *now)
{
    if (!step->has_at || isnan(now->last_at) || now->gap == RECORD_GAP_UNTIMED) {
        return true;
    }
    return step->seq == now->step ? time->order == STEP_IS_SAME : time->order == STEP_IS_LATE;
}

/* The number of the reading of that time, where times are kept; 0: there is none. What was filled
 * is none. */
static uint64_t find_at(const struct step *step, const struct record_layout *layout, char *record,
                        const struct record_copy *now)
{
    size_t n_filled = 0;
    for (uint32_t k = 0; record_has_base(layout) && k < now->n_readings; k++) {
        const struct record_stamp stamp = record_read_stamp(layout, record, now->step - k);
        const bool is_filled = n_filled > 0;
        if (!is_filled && stamp.gap != RECORD_GAP_UNTIMED && stamp.last_at == step->at) {
            return now->step - k;
        }
        n_filled = is_filled ? n_filled - 1 : stamp.gap <= RECORD_GAP_FILLED_MAX ? stamp.gap : 0;
    }
    return 0;
}

uint64_t step_seq_made(const struct step *step, const struct step_time *time,
                       const struct record_layout *layout, char *record,
                       const struct record_copy *now)
{
    const uint64_t number = step->has_seq                 ? step->seq
                            : time->order == STEP_IS_SAME ? now->step
                            : time->order == STEP_IS_LATE ? find_at(step, layout, record, now)
                                                          : 0;
    const bool is_made = (step->has_seq || number > 0) &&
                         is_kept(step, layout, record, now, number) &&
                         (!step->has_seq || agrees(step, time, now));
    return is_made ? number : 0;
}

/* ---- the next step ---- */

uint64_t step_seq_last(const struct step *step, const struct record_copy *now)
{
    uint64_t last = now ? now->step : 0;
    return last == 0 && step->has_seq && step->may_begin && step->seq > 0 ? step->seq - 1 : last;
}

size_t step_seq_rows(const struct step *step, const struct step_time *time, uint64_t last)
{
    return step->has_seq ? (size_t)(step->seq - last) : 1 + time->n_missing;
}

/* What to do about it, as the end of a sentence. */
static void advise(const struct step *step, const struct step_time *time,
                   const struct record_copy *now, size_t gap_max, char *advice, size_t size)
{
    const uint64_t last = now ? now->step : 0;
    advice[0] = '\0';
    if (step->seq > last && time->is_restart) {
        snprintf(advice, size,
                 "; by `at` more is missing than is filled, and the step number goes on");
    } else if (step->seq > last && time->is_measured) {
        snprintf(advice, size,
                 "; by `at` %.3g intervals have passed since the last one; without `seq` the "
                 "readings between are taken as missing ones",
                 time->n_intervals);
    } else if (step->seq > last && last == 0 && !step->may_fill) {
        snprintf(advice, size, "; with \"begin\":true a new session begins at this seq");
    } else if (step->seq > last && step->seq - last - 1 > gap_max) {
        snprintf(advice, size, "; the %llu readings between are more than --gap-max %zu",
                 (unsigned long long)(step->seq - last - 1), gap_max);
    } else if (step->seq > last) {
        snprintf(advice, size,
                 "; with \"fill\":true the readings between are taken as missing ones");
    } else if (now && last - step->seq < now->n_readings) {
        snprintf(advice, size, "; this seq was given to another reading");
    } else if (step->seq > 0) {
        snprintf(advice, size, "; the reading of this seq is no longer kept");
    }
}

bool step_seq_is_wrong(struct step *step, const struct step_time *time,
                       const struct record_copy *now, size_t gap_max)
{
    const uint64_t last = step_seq_last(step, now), next = last + 1;
    if (!step->has_seq) {
        return false;
    }
    const bool may_fill = step->may_fill || time->is_measured;
    if ((step->seq == next || (may_fill && step->seq > next && step->seq - next <= gap_max)) &&
        step_time_fits(time, (size_t)(step->seq - last))) {
        return false;
    }
    char advice[160];
    advise(step, time, now, gap_max, advice, sizeof advice);
    fault_set(&step->fault, STATUS_SEQUENCE_MISMATCH, "seq",
              "the next step of session '%s' is %llu, not %llu%s", step->session,
              (unsigned long long)(next + time->n_missing), (unsigned long long)step->seq, advice);
    step->fault.has_expected = true;
    step->fault.expected = next + time->n_missing;
    return true;
}
