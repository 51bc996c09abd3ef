#include "http/pending.h"

#include "http/exchange_support.h"
#include "test.h"

static const struct route route = { .scope = SCOPE_PREDICT };

static void begin(struct exchange_world *world, struct step *steps, size_t n)
{
    exchange_world_begin(world, &route);
    pending_init(&world->worker.pending);
    load_begin(&world->worker.load, 1000000000, 0);
    for (size_t k = 0; k < n; k++) {
        steps[k] = (struct step){ .model = &world->model };
    }
}

TEST(steps_are_gathered_until_they_are_done)
{
    struct exchange_world world;
    struct step steps[3];
    size_t n_rows;
    begin(&world, steps, 3);
    steps[1].forecast_options.horizon = 5;
    steps[2].is_done = true; /* refused before */
    ck_assert_int_eq(request_hand_in(world.request, steps, 3), STATUS_OK);
    pending_add(world.exchange);
    ck_assert_ptr_eq(TAILQ_FIRST(&world.worker.pending.stepping), world.exchange);
    ck_assert_uint_eq(world.worker.load.n_rows, 7);
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
    begin(&world, steps, STEPS_PER_REQUEST + 1);
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
    begin(&world, NULL, 0);
    world.request->prediction = &prediction;
    pending_add(world.exchange);
    ck_assert_ptr_eq(TAILQ_FIRST(&world.worker.pending.predicting), world.exchange);
    ck_assert_uint_eq(world.worker.load.n_work, 300);
    prediction.n_rows_left = 60;
    load_drop_work(&world.worker.load, 120); /* as a slice does */
    pending_remove(world.exchange);
    ck_assert_uint_eq(world.worker.load.n_work, 0);
    ck_assert(TAILQ_EMPTY(&world.worker.pending.predicting));
    exchange_world_end(&world);
}

/* Rows are no measure where models differ: what a turn takes is bounded by work, too. */
TEST(a_turn_takes_no_more_work_than_a_slice_whatever_rows_cost)
{
    enum { N = 100 };
    static struct step steps[N];
    struct exchange_world world;
    size_t n_rows, n_work = 0;
    begin(&world, steps, N);
    world.worker.load.row_ns = 1e-6; /* as if small models had been asked for before */
    for (size_t k = 0; k < N; k++) {
        steps[k].forecast_options.horizon = slice_rows(world.version.gru) / 10 - 1;
    }
    ck_assert_int_eq(request_hand_in(world.request, steps, N), STATUS_OK);
    pending_add(world.exchange);
    size_t n = pending_gather_steps(&world.worker, &n_rows);
    for (size_t k = 0; k < n; k++) {
        n_work += world.worker.pending.batch[k]->n_work;
    }
    ck_assert_uint_ge(n_work, SLICE_WORK);
    ck_assert_uint_lt(n_work, SLICE_WORK + steps[0].n_work);
    pending_remove(world.exchange);
    exchange_world_end(&world);
}

TEST(a_long_forecast_of_a_step_counts_as_work_in_slices_and_not_as_rows)
{
    struct exchange_world world;
    struct step steps[2];
    struct prediction prediction = { .n_rows_left = 100, .row_work = 3 };
    size_t n_rows;
    begin(&world, steps, 2);
    steps[0].forecast_options.horizon = slice_rows(world.version.gru) + 1;
    ck_assert_int_eq(request_hand_in(world.request, steps, 2), STATUS_OK);
    pending_add(world.exchange);
    ck_assert_uint_eq(world.worker.load.n_rows, 2);
    ck_assert_uint_eq(pending_gather_steps(&world.worker, &n_rows), 2);
    ck_assert(steps[0].may_slice && !steps[1].may_slice);
    steps[0].slices = &prediction; /* as service_steps leaves it */
    pending_begin_slices(world.exchange);
    ck_assert_uint_eq(world.worker.load.n_rows, 0);
    ck_assert_uint_eq(world.worker.load.n_work, 300);
    ck_assert_uint_eq(pending_gather_steps(&world.worker, &n_rows), 0);
    ck_assert_ptr_eq(TAILQ_FIRST(&world.worker.pending.predicting), world.exchange);
    pending_remove(world.exchange);
    ck_assert_uint_eq(world.worker.load.n_work, 0);
    exchange_world_end(&world);
}
