#include "service/sessions/step_time.h"

#include <math.h>

struct step_time step_time_of(const struct step_clock *clock, double at)
{
    struct step_time time = { .order = STEP_IS_NEXT };
    if (isnan(clock->last_at)) {
        return time;
    }
    if (!(at > clock->last_at)) {
        time.order = at == clock->last_at && !clock->is_untimed ? STEP_IS_SAME : STEP_IS_LATE;
        return time;
    }
    if (clock->is_untimed || !(clock->interval_seconds > 0)) {
        return time;
    }
    time.is_measured = true;
    time.n_intervals = (at - clock->last_at) / clock->interval_seconds;
    const double n_missing = fmax(round(time.n_intervals) - 1, 0);
    time.is_restart = n_missing > (double)clock->gap_max;
    time.n_missing = time.is_restart ? 0 : (size_t)n_missing;
    return time;
}

bool step_time_fits(const struct step_time *time, size_t n)
{
    if (time->is_restart) {
        return n == 1;
    }
    return !time->is_measured || n == time->n_missing + 1 ||
           fabs((double)n - time->n_intervals) < 1;
}
