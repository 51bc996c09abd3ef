/* Activation: what becomes of the sessions, also when their records change their size. */
#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct gru_model *network_of(struct world *world, unsigned number)
{
    const struct version *version;
    ck_assert_int_eq(version_find(world_model(world), number, &version, &world->fault), STATUS_OK);
    return version->gru;
}

/* The session's next step is as if the version's network had seen the last readings that were kept,
 * and nothing before them. */
static void expect_rewarmed(struct world *world, unsigned version, const char *session,
                            uint64_t stream, uint64_t number)
{
    double y[OUTPUTS], expected[OUTPUTS];
    size_t n_history = world->config.session_history;
    uint64_t first = number > n_history ? number - n_history : 1;
    expect_step(world, session, stream, number, y);
    twin(world, network_of(world, version), stream, first, number, expected);
    expect_same_values(y, expected, OUTPUTS);
}

static void expect_activation_to_rewarm(size_t hidden)
{
    enum { SESSIONS = 25 };
    struct world world;
    world_start_with_data(&world);
    char id[32];
    uint64_t steps[SESSIONS];
    for (uint64_t s = 0; s < SESSIONS; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        steps[s] = s + 1;
        expect_steps(&world, id, s, 1, steps[s]);
    }
    unsigned other = world_put_version(&world, network_file(hidden, 99));
    struct service_figures figures;
    for (unsigned round = 0; round < 6; round++) {
        unsigned number = round % 2 ? 1 : other;
        struct session before = session_get(&world, "s20");
        world_activate(&world, number);
        service_read_figures(world.service, &figures);
        uint64_t n_rewarmed = figures.n_rewarmed;
        if (round > 3) {
            world_restart(&world);
            n_rewarmed = 0;
        }
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), SESSIONS);
        expect_rewarmed(&world, number, "s3", 3, ++steps[3]);
        service_read_figures(world.service, &figures);
        ck_assert_uint_eq(figures.n_rewarmed,
                          n_rewarmed + 1); /* the others are left until they are used */
        struct session after = session_get(&world, "s20");
        ck_assert_uint_eq(after.row.version, number);
        ck_assert_uint_eq(after.row.step, before.row.step);
        ck_assert_int_eq(after.row.created_at_ms, before.row.created_at_ms);
        ck_assert_int_eq(after.row.last_seen_at_ms, before.row.last_seen_at_ms);
        expect_same_values(after.readings, before.readings, before.n_readings * INPUTS);
        expect_same_floats(after.errors.mae, before.errors.mae, OUTPUTS);
        for (uint64_t s = 0; s < SESSIONS; s++) {
            if (s != 3) {
                snprintf(id, sizeof id, "s%d", (int)s);
                expect_rewarmed(&world, number, id, s, ++steps[s]);
            }
        }
    }
    world_done(&world);
}

TEST(activation_replays_the_kept_readings_through_the_new_version)
{
    expect_activation_to_rewarm(HIDDEN);
}

TEST(activation_of_a_version_of_another_size_converts_the_sessions_and_rewarms_them)
{
    expect_activation_to_rewarm(HIDDEN + 7);
    expect_activation_to_rewarm(HIDDEN - 2);
}

TEST(activation_without_a_data_directory_converts_sessions_in_memory)
{
    struct world world;
    world_init(&world);
    char path[256];
    snprintf(path, sizeof path, "%s/m", world.models);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    world_add_model(&world, "m/2", network_file(33, 2));
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 30);
    world_activate(&world, 1);
    expect_rewarmed(&world, 1, "s", 1, 31);
    world_activate(&world, 2);
    expect_rewarmed(&world, 2, "s", 1, 32);
    world_done(&world);
}

TEST(a_list_names_the_version_that_a_session_was_at)
{
    struct world world;
    world_start_with_data(&world);
    unsigned other = world_put_version(&world, network_file(9, 9));
    expect_steps(&world, "s", 1, 1, 3);
    world_activate(&world, other);
    struct session_row row;
    size_t n;
    bool has_more;
    const struct session_query query = { .model = world_model(&world), .prefix = "", .limit = 1 };
    ck_assert_int_eq(session_list(world.context, &query, &row, &n, &has_more, &world.fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(row.version, 1);
    ck_assert_uint_eq(row.step, 3);
    world_done(&world);
}

TEST(the_number_of_kept_readings_may_change_between_restarts)
{
    struct world world;
    world_start_with_data(&world);
    static const size_t histories[] = { 3, 20, 4096, 1, 8 };
    uint64_t number = 0, n_kept = 0;
    expect_steps(&world, "s", 1, 1, 30);
    number = 30;
    n_kept = 8;
    for (size_t k = 0; k < 5; k++) {
        world.config.session_history = histories[k];
        world_restart(&world);
        n_kept = n_kept < histories[k] ? n_kept : histories[k];
        struct session session = session_get(&world, "s");
        ck_assert_uint_eq(session.row.step, number);
        ck_assert_uint_eq(session.n_readings, n_kept);
        double *x = readings(1, number - n_kept + 1, number);
        expect_same_values(session.readings, x, n_kept * INPUTS);
        free(x);
        double y[OUTPUTS], expected[OUTPUTS];
        number++;
        expect_step(&world, "s", 1, number, y);
        twin(&world, NULL, 1, number - n_kept, number, expected);
        expect_same_values(y, expected, OUTPUTS);
        n_kept++;
        n_kept = n_kept < histories[k] ? n_kept : histories[k];
    }
    world_done(&world);
}

/* The new version refuses missing readings; what came after the last one counts. */
TEST(readings_that_the_new_version_refuses_are_passed_over)
{
    struct world world;
    world_start_with_data(&world);
    expect_steps(&world, "s", 1, 1, 2);
    struct step step;
    ck_assert_int_eq(step_x(&world, "s", (const double[]){ 20.0F, NAN }, &step), STATUS_OK);
    double x[INPUTS], y[OUTPUTS], expected[OUTPUTS];
    for (uint64_t k = 4; k <= 5; k++) {
        expect_step(&world, "s", 1, k, y);
    }
    world_activate(&world, world_put_version(&world, network_file_that_is_strict()));
    reading(1, 6, x);
    ck_assert_int_eq(step_x(&world, "s", x, &step), STATUS_OK);
    twin(&world, NULL, 1, 4, 6, expected);
    expect_same_values(step.y, expected, OUTPUTS);
    world_done(&world);
}

/* Steps and forecasts may wait while another version becomes active. */
TEST(known_future_values_of_other_inputs_than_by_now_are_refused)
{
    struct world world;
    world_start_with_data(&world);
    expect_steps(&world, "s", 3, 1, 5);
    unsigned other = world_put_version(
        &world, network_file_with(
                    HIDDEN, SEED,
                    "{\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"humidity\\\"}],"
                    "\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\",\\\"feeds\\\":null},"
                    "{\\\"name\\\":\\\"comfort\\\",\\\"feeds\\\":\\\"humidity\\\"}]}"));
    const double x[INPUTS] = { 0.5F, 0.5F }, future[3] = { 0.1F, 0.2F, 0.3F };
    struct step step = step_make(&world, "s", x);
    step.forecast_options =
        forecast_options_make(&world, 4, future, 3); /* of humidity; then of temp */
    world_activate(&world, other);
    struct session before = session_get(&world, "s");
    struct session_forecast forecast;
    ck_assert_int_eq(step_take(&world, &step), STATUS_INCOMPATIBLE_MODEL);
    ck_assert_str_eq(step.fault.param, "future");
    ck_assert_int_eq(session_forecast_begin(world.context, world_model(&world), "s",
                                            &step.forecast_options, &world.arena, &forecast,
                                            &world.fault),
                     STATUS_INCOMPATIBLE_MODEL);
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    step = step_make(&world, "s", x);
    step.forecast_options = forecast_options_make(&world, 4, future, 3);
    ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    world_done(&world);
}

/* ---- what is too long for one turn ---- */

enum { MANY_READINGS = 4096, WIDE = 160 }; /* two slices */

static void with_many_readings(struct world *world, const char *const *sessions, size_t n)
{
    world_init(world);
    world_use_data(world);
    world->config.session_history = MANY_READINGS;
    world_start(world);
    for (size_t k = 0; k < n; k++) {
        expect_steps(world, sessions[k], k, 1, MANY_READINGS + 10);
    }
    world_activate(world, world_put_version(world, network_file(WIDE, 99)));
    ck_assert_uint_gt(MANY_READINGS, slice_rows(network_of(world, 2)));
}

static unsigned n_turns_of(struct world *world, struct step *step, struct step *other)
{
    struct step *steps[] = { step, other };
    unsigned n = 0;
    for (; !step->is_done; n++) {
        service_context_turn(world->context);
        service_steps(world->context, steps, other ? 2 : 1);
        ck_assert(!other || other->is_done); /* it is not kept waiting */
        ck_assert_uint_lt(n, 1000);
    }
    return n;
}

TEST(a_long_rewarming_takes_several_turns_and_keeps_nobody_waiting)
{
    static const char *const sessions[] = { "s" };
    struct world world;
    double x[INPUTS], expected[OUTPUTS];
    with_many_readings(&world, sessions, 1);
    reading(0, MANY_READINGS + 11, x);
    struct step step = step_make(&world, "s", x), other = step_make(&world, "new", x);
    ck_assert_uint_gt(n_turns_of(&world, &step, &other), 2);
    ck_assert_int_eq(step.fault.status, STATUS_OK);
    twin(&world, network_of(&world, 2), 0, 11, MANY_READINGS + 11, expected);
    expect_same_values(step.y, expected, OUTPUTS);
    world_done(&world);
}

TEST(several_long_rewarmings_take_turns)
{
    static const char *const sessions[] = { "a", "b", "c" };
    struct world world;
    double x[INPUTS], expected[OUTPUTS];
    struct step steps[3];
    struct step *handed[3];
    with_many_readings(&world, sessions, 3);
    for (size_t k = 0; k < 3; k++) {
        reading(k, MANY_READINGS + 11, x);
        double *own = arena_array(&world.arena, INPUTS, sizeof *own);
        memcpy(own, x, sizeof x);
        steps[k] = step_make(&world, sessions[k], own);
        handed[k] = &steps[k];
    }
    for (int n = 0; !steps[0].is_done || !steps[1].is_done || !steps[2].is_done; n++) {
        service_context_turn(world.context);
        service_steps(world.context, handed, 3);
        ck_assert_int_lt(n, 1000);
    }
    for (size_t k = 0; k < 3; k++) {
        ck_assert_int_eq(steps[k].fault.status, STATUS_OK);
        twin(&world, network_of(&world, 2), k, 11, MANY_READINGS + 11, expected);
        expect_same_values(steps[k].y, expected, OUTPUTS);
    }
    world_done(&world);
}

/* Of those that are short a turn does no more than a slice has work. */
TEST(a_batch_rewarms_no_more_sessions_in_a_turn_than_a_slice_has_work)
{
    enum { SESSIONS = 40, READINGS = 400 };
    struct world world;
    struct service_figures figures;
    char id[32];
    struct step steps[SESSIONS];
    struct step *handed[SESSIONS];
    const double x[INPUTS] = { 1, 2 };
    world_init(&world);
    world_use_data(&world);
    world.config.session_history = READINGS;
    world_start(&world);
    for (int k = 0; k < SESSIONS; k++) {
        snprintf(id, sizeof id, "s%d", k);
        expect_steps(&world, id, 1, 1, READINGS);
        steps[k] = step_make(&world, id, x);
        handed[k] = &steps[k];
    }
    world_activate(&world, world_put_version(&world, network_file(WIDE, 99)));
    const struct gru_model *gru = network_of(&world, 2);
    const uint64_t most = SLICE_WORK / (READINGS * slice_row_work(gru)) + 1;
    uint64_t n_before = 0;
    unsigned n_turns = 0;
    ck_assert_uint_lt(most, SESSIONS);
    while (n_before < SESSIONS) {
        service_context_turn(world.context);
        service_steps(world.context, handed, SESSIONS);
        service_read_figures(world.service, &figures);
        ck_assert_uint_le(figures.n_rewarmed - n_before, most);
        ck_assert_uint_gt(figures.n_rewarmed, n_before);
        n_before = figures.n_rewarmed;
        n_turns++;
    }
    ck_assert_uint_ge(n_turns, SESSIONS / most);
    for (int k = 0; k < SESSIONS; k++) {
        ck_assert(steps[k].is_done && steps[k].fault.status == STATUS_OK);
    }
    world_done(&world);
}

TEST(a_session_that_is_read_is_rewarmed_over_turns_too)
{
    static const char *const sessions[] = { "s" };
    struct world world;
    struct session session;
    unsigned n = 0;
    with_many_readings(&world, sessions, 1);
    const struct model *model = world_model(&world);
    while (session_read(world.context, model, "s", &world.kept, &session, &world.fault) !=
           STATUS_OK) {
        ck_assert(session_was_blocked(world.context));
        ck_assert_uint_lt(n++, 1000);
        model = world_model(&world);
    }
    ck_assert_uint_gt(n, 2);
    ck_assert_uint_eq(session.row.version, 2);
    expect_rewarmed(&world, 2, "s", 0, MANY_READINGS + 11);
    world_done(&world);
}
