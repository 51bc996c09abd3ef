#include "service/sessions/step_seq.h"

#include "service/pool/record_ring.h"
#include "service/sessions/steps.h"

#include <math.h>
#include <stdio.h>

bool step_seq_is_kept(const struct step *step, const struct record_layout *layout, char *record,
                      const struct record_copy *now)
{
    if (!step->has_seq || step->seq > now->step || now->step - step->seq >= now->n_readings) {
        return false;
    }
    const float *kept = record_reading(layout, record, step->seq);
    for (uint32_t k = 0; k < layout->n_inputs; k++) {
        if (!(kept[k] == step->x[k]) && !(isnan(kept[k]) && isnan(step->x[k]))) {
            return false;
        }
    }
    return true;
}

uint64_t step_seq_last(const struct step *step, const struct record_copy *now)
{
    uint64_t last = now ? now->step : 0;
    return last == 0 && step->has_seq && step->may_begin && step->seq > 0 ? step->seq - 1 : last;
}

/* What to do about it, as the end of a sentence. */
static void advise(const struct step *step, const struct record_copy *now, size_t gap_max,
                   char *advice, size_t size)
{
    const uint64_t last = now ? now->step : 0;
    advice[0] = '\0';
    if (step->seq > last && last == 0 && !step->may_fill) {
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

bool step_seq_is_wrong(struct step *step, const struct record_copy *now, size_t gap_max)
{
    const uint64_t last = step_seq_last(step, now), next = last + 1;
    if (!step->has_seq || step->seq == next ||
        (step->may_fill && step->seq > next && step->seq - next <= gap_max)) {
        return false;
    }
    char advice[128];
    advise(step, now, gap_max, advice, sizeof advice);
    fault_set(&step->fault, STATUS_SEQUENCE_MISMATCH, "seq",
              "the next step of session '%s' is %llu, not %llu%s", step->session,
              (unsigned long long)next, (unsigned long long)step->seq, advice);
    step->fault.has_expected = true;
    step->fault.expected = next;
    return true;
}
