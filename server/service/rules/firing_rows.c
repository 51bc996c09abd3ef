#include "service/rules/firing_rows.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/degraded.h"
#include "service/rules/rules.h"
#include "service/service_private.h"

#include <stdlib.h>

enum { ROOM_INITIAL = 64, ROOM_MAX = 65536, RETRY_MS = 1000 };

void firing_rows_free(struct firing_rows *rows)
{
    free(rows->rows);
    *rows = (struct firing_rows){ 0 };
}

static bool make_room(struct firing_rows *rows)
{
    const size_t room = rows->room > 0 ? 2 * rows->room : ROOM_INITIAL;
    struct firing *wider = NULL;
    if (rows->n < rows->room) {
        return true;
    }
    if (room <= ROOM_MAX) {
        wider = reallocarray(rows->rows, room, sizeof *wider);
    }
    if (wider) {
        rows->rows = wider;
        rows->room = room;
    }
    return wider != NULL;
}

void firing_rows_add(struct firing_rows *rows, const struct firing *firing)
{
    if (make_room(rows)) {
        rows->rows[rows->n++] = *firing;
    } else {
        log_event(LOG_ERROR, "firing_not_written", LOG_STRING("session", firing->session));
    }
}

void firing_rows_write(struct firing_rows *rows, struct service *service, bool rules_are_over)
{
    struct rules *rules = service->rules;
    struct fault fault;
    const int64_t now_ms = clock_monotonic_ms();
    const bool is_soon = rows->failed_at_ms != 0 && now_ms - rows->failed_at_ms < RETRY_MS;
    if ((rows->n == 0 && !rules_are_over) || is_soon) {
        return;
    }
    pthread_mutex_lock(&rules->mutex);
    enum status status = rule_store_write(rules->store, rows->rows, rows->n, &fault);
    if (status == STATUS_OK && rules_are_over) {
        status = rule_store_forget(rules->store, &fault);
    }
    pthread_mutex_unlock(&rules->mutex);
    if (status == STATUS_OK) {
        rows->n = 0;
    } else if (rows->failed_at_ms == 0) {
        log_event(LOG_ERROR, "rules_not_written", LOG_STRING("reason", fault.message));
    }
    rows->failed_at_ms = status == STATUS_OK ? 0 : now_ms;
    degraded_settle(service, DEGRADED_RULES, status);
}
