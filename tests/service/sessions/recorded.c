#include "recorded.h"

#include "test.h"

#include <stdlib.h>

void start_recording(struct world *world, bool use_data)
{
    world_init(world);
    if (use_data) {
        world_use_data(world);
    }
    world->config.record = ROWS;
    world_start(world);
}

void flush_recorder(struct world *world)
{
    enum status status = recorder_flush(world->service->recorder, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}

const struct gru_series *recorded_by(struct world *world, const char *session, size_t *ret_n)
{
    struct gru_series *series = NULL;
    flush_recorder(world);
    arena_reset(&world->kept);
    enum status status =
        recorder_read(world->service->recorder, NULL, "m", INPUTS, JOB_SESSIONS, &session, 1,
                      SIZE_MAX / 2, &world->kept, &series, ret_n, &world->fault);
    if (status == STATUS_OK) {
        return series;
    }
    ck_assert_msg(status == STATUS_SESSION_NOT_FOUND, "%s", world->fault.message);
    ck_assert_str_eq(world->fault.param, "training.sessions[0]");
    return NULL;
}

void expect_series(const struct gru_series *series, struct part part)
{
    ck_assert_uint_eq(series->n_rows, part.last + 1 - part.first);
    ck_assert_ptr_null(series->y);
    double *x = readings(part.stream, part.first, part.last);
    expect_same_values(series->x, x, series->n_rows * INPUTS);
    free(x);
}

void expect_recorded(struct world *world, const char *session, const struct part *parts, size_t n)
{
    size_t n_series = 0;
    const struct gru_series *series = recorded_by(world, session, &n_series);
    ck_assert_ptr_nonnull(series);
    ck_assert_uint_eq(n_series, n);
    for (size_t k = 0; k < n; k++) {
        expect_series(&series[k], parts[k]);
        ck_assert_int_eq(series[k].is_continuation, k > 0);
    }
}

void expect_nothing_recorded(struct world *world, const char *session)
{
    size_t n;
    ck_assert_ptr_null(recorded_by(world, session, &n));
}

uint64_t recorder_figure(struct world *world, bool lost)
{
    uint64_t n_recorded, n_lost;
    recorder_figures(world->service->recorder, &n_recorded, &n_lost);
    return lost ? n_lost : n_recorded;
}

void put_session(struct world *world, const char *session, uint64_t step, int64_t created_at_ms)
{
    bool created;
    const struct session_restore restore = { .ttl_s = -1,
                                             .step = step,
                                             .created_at_ms = created_at_ms };
    enum status status =
        session_put(world->context, world_model(world), session, &restore, &created, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}

void delete_session(struct world *world, const char *session)
{
    enum status status = world_delete(world, session);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}
