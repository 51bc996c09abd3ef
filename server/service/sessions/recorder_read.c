/* recorder_read.c - what was recorded, for jobs and for whoever looks at a session. */
#include "service/sessions/recorder_private.h"
#include "service/sessions/recordings_cluster.h"

#include <stdio.h>

/* Nobody waits for another's trip to the engine. */
static void lock(struct recorder *recorder)
{
    if (recorder->recordings) {
        pthread_mutex_lock(&recorder->mutex);
    }
}

static void unlock(struct recorder *recorder)
{
    if (recorder->recordings) {
        pthread_mutex_unlock(&recorder->mutex);
    }
}

/* ---- for jobs ---- */

struct reading_list {
    struct gru_series *series;
    size_t n, room, n_bytes;
    const char *session; /* of the last one */
};

/* A session's sequences are one stream. */
static bool add_series(struct reading_list *list, const struct recording *recording,
                       size_t n_inputs, struct arena *arena)
{
    if (list->n == list->room) {
        size_t room = 2 * list->room + 16;
        struct gru_series *series =
            arena_grow(arena, list->series, list->room * sizeof *series, room * sizeof *series);
        if (!series) {
            return false;
        }
        list->series = series;
        list->room = room;
    }
    list->n_bytes += recording->n_rows * n_inputs * sizeof(double);
    list->series[list->n++] =
        (struct gru_series){ .x = recording->x,
                             .n_rows = recording->n_rows,
                             .is_continuation = list->session == recording->session };
    list->session = recording->session;
    return true;
}

enum status recorder_read(struct recorder *recorder, const struct recorded_trips *trips,
                          const char *model, size_t n_inputs, enum job_source source,
                          const char *const *sessions, size_t n_sessions, size_t bytes_max,
                          struct arena *arena, struct gru_series **ret_series, size_t *ret_n,
                          struct fault *fault)
{
    if (!recorder) {
        return fault_set(fault, STATUS_RECORDING_OFF, NULL,
                         "sessions record nothing (--record is 0)");
    }
    struct reading_list list = { .n = 0 };
    bool is_prefix = source == JOB_SESSIONS_PREFIX;
    enum status status = STATUS_OK;
    lock(recorder);
    for (size_t k = 0; status == STATUS_OK && k < n_sessions; k++) {
        struct recording *recordings;
        size_t n;
        const size_t bytes_left = bytes_max - list.n_bytes;
        status = trips ? recordings_cluster_read(trips, recorder->rows_max, model, sessions[k],
                                                 is_prefix, n_inputs, bytes_left, arena,
                                                 &recordings, &n, fault)
                       : recordings_read(recorder->recordings, model, sessions[k], is_prefix,
                                         n_inputs, bytes_left, arena, &recordings, &n, fault);
        if (status == STATUS_OK && n == 0) {
            char param[48];
            snprintf(param, sizeof param, "training.sessions[%zu]", k);
            status = fault_set(
                fault, STATUS_SESSION_NOT_FOUND, is_prefix ? "training.sessions_prefix" : param,
                is_prefix
                    ? "no session of model '%s' whose id begins with '%s' has recorded anything"
                    : "model '%s' has nothing recorded by a session '%s'",
                model, sessions[k]);
        }
        for (size_t r = 0; status == STATUS_OK && r < n; r++) {
            if (recordings[r].n_rows >= 2 && !add_series(&list, &recordings[r], n_inputs, arena)) {
                status = fault_set(fault, STATUS_NO_MEMORY, NULL,
                                   "no memory for what sessions recorded");
            }
        }
    }
    unlock(recorder);
    if (status == STATUS_OK) {
        *ret_series = list.series;
        *ret_n = list.n;
    }
    return status;
}

/* ---- for whoever looks at a session ---- */

enum status recorder_read_page(struct recorder *recorder, const struct recorded_trips *trips,
                               const struct record_life *life, struct recordings_page page,
                               struct arena *arena, struct recorded_reading **ret_readings,
                               size_t *ret_n, struct fault *fault)
{
    *ret_n = 0;
    if (!recorder) {
        return STATUS_OK;
    }
    page.first = recorder_number(life, 0);
    page.before = recorder_number(life, page.before < UINT32_MAX ? page.before : UINT32_MAX);
    lock(recorder);
    enum status status = trips ? STATUS_OK : recorder_write_notes(recorder, 0, fault);
    if (status == STATUS_OK) {
        status = trips ? recordings_cluster_read_page(trips, recorder->rows_max, &page, arena,
                                                      ret_readings, ret_n, fault)
                       : recordings_read_page(recorder->recordings, &page, arena, ret_readings,
                                              ret_n, fault);
    }
    unlock(recorder);
    for (size_t k = 0; status == STATUS_OK && k < *ret_n; k++) {
        (*ret_readings)[k].step = (uint32_t)(*ret_readings)[k].step;
    }
    return status;
}
