/* Steps on a node of a cluster, by hand: what waits for the engine, and in which order. */
#include "stepping_node.h"
#include "test.h"

#include <signal.h>
#include <stdlib.h>

enum { STEPS = 4 };

/* The first one asks for the session, which nobody has yet. While the engine says nothing more than
 * that, those behind it must wait: what they would ask for is not known to come as soon. */
TEST(no_step_overtakes_one_of_its_session_that_is_out)
{
    struct engine engine;
    struct stepping_node node;
    struct step steps[STEPS];
    double y[OUTPUTS];
    if (!engine_is_there()) {
        return;
    }
    engine = engine_start((const char *const[]){ NULL });
    world_init(&node.world);
    stepping_node_start(&node, &engine);
    double *x = readings(1, 1, STEPS);
    for (size_t k = 0; k < STEPS; k++) {
        steps[k] = step_make(&node.world, "u", x + k * INPUTS);
    }
    stepping_node_await_link(&node);
    stepping_node_turn(&node, steps, STEPS);
    ck_assert(steps[0].is_out);
    stepping_node_await(&node);
    ck_assert_int_eq(kill(engine.pid, SIGSTOP), 0);
    stepping_node_turn(&node, steps, STEPS);
    service_steps_take(node.context);
    ck_assert(!steps[0].is_out);
    stepping_node_turn(&node, steps, STEPS);
    ck_assert_int_eq(kill(engine.pid, SIGCONT), 0);
    stepping_node_finish(&node, steps, STEPS);
    for (size_t k = 0; k < STEPS; k++) {
        twin(&node.world, NULL, 1, 1, k + 1, y);
        ck_assert_int_eq(steps[k].fault.status, STATUS_OK);
        ck_assert_uint_eq(steps[k].number, k + 1);
        expect_same_values_at("y", steps[k].y, y, OUTPUTS);
    }
    free(x);
    stepping_node_done(&node);
    engine_end(&engine);
}
