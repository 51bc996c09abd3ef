#include "service/sessions/session_time.h"

#include "service/pool/record.h"

#include <math.h>

_Static_assert((int)SESSION_FILLED_MAX == (int)RECORD_GAP_FILLED_MAX, "a session fits its record");

struct session_time session_time_read(const struct record_copy *copy)
{
    if (isnan(copy->last_at)) {
        return (struct session_time){ .is_known = false };
    }
    return (struct session_time){ .is_known = true,
                                  .last_at = copy->last_at,
                                  .n_filled = copy->gap <= RECORD_GAP_FILLED_MAX ? copy->gap : 0,
                                  .is_restarted = copy->gap == RECORD_GAP_RESTARTED,
                                  .is_untimed = copy->gap == RECORD_GAP_UNTIMED };
}

double session_time_last_at(const struct session_time *time)
{
    return time->is_known && !time->is_untimed ? time->last_at : NAN;
}

void session_time_write(const struct session_time *time, struct record_copy *copy)
{
    copy->last_at = time->is_known ? time->last_at : NAN;
    copy->gap = time->is_restarted ? RECORD_GAP_RESTARTED
                : time->is_untimed ? RECORD_GAP_UNTIMED
                                   : time->n_filled;
}
