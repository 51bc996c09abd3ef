#include "timed_readings.h"

#include "test.h"

#include <stdio.h>

const double first_day = 1763668800;

void timed_start(struct world *world, size_t n_history, bool use_data)
{
    char metadata[300];
    snprintf(metadata, sizeof metadata,
             "{\\\"interval_seconds\\\":%d,\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\"},"
             "{\\\"name\\\":\\\"humidity\\\"}],\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\"},"
             "{\\\"name\\\":\\\"comfort\\\"}]}",
             INTERVAL_S);
    world_init(world);
    world_add_model(world, "m", network_file_with(HIDDEN, SEED, metadata));
    world->config.session_history = n_history;
    world->config.amend = 1;
    if (use_data) {
        world_use_data(world);
    }
    world_start(world);
}

struct step timed_step(struct world *world, const char *id, const struct timed_reading *reading)
{
    arena_reset(&world->arena);
    struct step step = step_make(world, id, reading->x);
    step.has_at = step.may_amend = true;
    step.at = reading->at;
    return step;
}

struct step timed_take(struct world *world, struct step step)
{
    ck_assert_msg(step_take(world, &step) == STATUS_OK, "%s", step.fault.message);
    return step;
}

void timed_send(struct world *world, const char *id, const struct timed_reading *reading)
{
    (void)timed_take(world, timed_step(world, id, reading));
}
