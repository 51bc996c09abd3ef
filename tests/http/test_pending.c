#include "http/pending.h"

#include "http/exchange_support.h"
#include "test.h"

#include <string.h>

static const struct route route = { .scope = SCOPE_PREDICT };

static void begin(struct exchange_world *world)
{
    exchange_world_begin(world, &route);
    pending_init(&world->worker.pending);
    load_begin(&world->worker.load, 1000000000, 0);
}

TEST(steps_are_gathered_until_they_are_done)
{
    struct exchange_world world;
    struct step steps[3];
    size_t n_rows;
    memset(steps, 0, sizeof steps);
    steps[1].forecast_options.horizon = 5;
    steps[2].is_done = true; /* refused before */
    begin(&world);
    ck_assert_int_eq(request_hand_in(world.request, steps, 3), STATUS_OK);
    pending_add(world.exchange);
    ck_assert_int_eq(world.exchange->phase, PHASE_STEPPING);
    ck_assert_uint_eq(world.worker.load.n_rows, 8);
    ck_assert_uint_eq(pending_gather_steps(&world.worker, &n_rows), 2);
    ck_assert_uint_eq(n_rows, 7);
    ck_assert_ptr_eq(world.worker.pending.batch[0], &steps[0]);
    ck_assert_ptr_eq(world.worker.pending.batch[1], &steps[1]);
    steps[0].is_done = true;
    ck_assert_uint_eq(pending_gather_steps(&world.worker, &n_rows), 1);
    ck_assert_ptr_eq(world.worker.pending.batch[0], &steps[1]);
    pending_remove(world.exchange);
    ck_assert_uint_eq(world.worker.load.n_rows, 0);
    ck_assert_uint_eq(pending_gather_steps(&world.worker, &n_rows), 0);
    exchange_world_end(&world);
}

TEST(a_long_list_does_not_keep_the_others_waiting)
{
    static struct step steps[STEPS_PER_REQUEST + 1];
    struct exchange_world world;
    size_t n_rows;
    begin(&world);
    world.worker.load.row_ns = 1;
    ck_assert_int_eq(request_hand_in(world.request, steps, STEPS_PER_REQUEST + 1), STATUS_OK);
    pending_add(world.exchange);
    ck_assert_uint_le(pending_gather_steps(&world.worker, &n_rows), STEPS_PER_REQUEST);
    ck_assert_uint_eq(world.worker.load.n_rows, STEPS_PER_REQUEST);
    pending_remove(world.exchange);
    exchange_world_end(&world);
}

TEST(a_prediction_counts_as_work_until_it_is_done)
{
    struct exchange_world world;
    struct prediction prediction = { .n_rows_left = 100, .row_work = 3 };
    begin(&world);
    world.request->prediction = &prediction;
    pending_add(world.exchange);
    ck_assert_int_eq(world.exchange->phase, PHASE_PREDICTING);
    ck_assert_ptr_eq(TAILQ_FIRST(&world.worker.pending.predicting), world.exchange);
    ck_assert_uint_eq(world.worker.load.n_work, 300);
    prediction.n_rows_left = 60;
    load_drop_work(&world.worker.load, 120); /* as a slice does */
    pending_remove(world.exchange);
    ck_assert_uint_eq(world.worker.load.n_work, 0);
    ck_assert(TAILQ_EMPTY(&world.worker.pending.predicting));
    exchange_world_end(&world);
}
