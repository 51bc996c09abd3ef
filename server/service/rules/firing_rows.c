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

/* It has failed in the last second. */
static bool is_soon(const struct firing_rows *rows)
{
    return rows->failed_at_ms != 0 && clock_monotonic_ms() - rows->failed_at_ms < RETRY_MS;
}

static void settle(struct firing_rows *rows, struct service *service, enum status status,
                   const struct fault *fault)
{
    if (status != STATUS_OK && rows->failed_at_ms == 0) {
        log_event(LOG_ERROR, "rules_not_written", LOG_STRING("reason", fault->message));
    }
    rows->failed_at_ms = status == STATUS_OK ? 0 : clock_monotonic_ms();
    degraded_settle(service, DEGRADED_RULES, status);
}

void firing_rows_write(struct firing_rows *rows, struct service *service)
{
    struct rules *rules = service->rules;
    struct fault fault;
    if (rows->n == 0 || is_soon(rows)) {
        return;
    }
    pthread_mutex_lock(&rules->mutex);
    enum status status = rule_store_write(rules->store, rows->rows, rows->n, &fault);
    pthread_mutex_unlock(&rules->mutex);
    rows->n = status == STATUS_OK ? 0 : rows->n;
    settle(rows, service, status, &fault);
}

bool firing_rows_forget(struct firing_rows *rows, struct service *service, uint64_t generation)
{
    struct rules *rules = service->rules;
    struct fault fault;
    enum status status = STATUS_OK;
    if (rows->n > 0 || is_soon(rows)) {
        return false;
    }
    pthread_mutex_lock(&rules->mutex);
    const bool is_newest = atomic_load(&rules->generation) == generation;
    if (is_newest) {
        status = rule_store_forget(rules->store, &fault);
    }
    pthread_mutex_unlock(&rules->mutex);
    settle(rows, service, status, &fault);
    return is_newest && status == STATUS_OK;
}
