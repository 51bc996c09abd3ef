#include "service/service_support.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status put(struct world *world, const char *id, const struct session_restore *restore)
{
    bool created;
    return session_put_whole(world, id, restore, &created);
}

static void expect_put(struct world *world, const char *id, const struct session_restore *restore,
                       bool is_new)
{
    bool created = !is_new;
    enum status status = session_put_whole(world, id, restore, &created);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    ck_assert(created == is_new);
}

static enum status fork_session(struct world *world, const char *id, const char *to)
{
    return session_fork(world->context, world_model(world), id, to, &world->arena, &world->fault);
}

/* ---- reading ---- */

TEST(an_unknown_session_is_unknown_to_every_verb_but_step)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    struct session session;
    struct session_forecast forecast;
    const struct forecast_options forecast_options = { .horizon = 1 };
    const struct model *model = world_model(&world);
    ck_assert_int_eq(session_read(world.context, model, "no", &world.arena, &session, &world.fault),
                     STATUS_SESSION_NOT_FOUND);
    ck_assert_int_eq(session_delete(world.context, model, "no", &world.fault),
                     STATUS_SESSION_NOT_FOUND);
    ck_assert_int_eq(fork_session(&world, "no", "to"), STATUS_SESSION_NOT_FOUND);
    ck_assert_int_eq(session_forecast_begin(world.context, model, "no", &forecast_options,
                                            &world.arena, &forecast, &world.fault),
                     STATUS_SESSION_NOT_FOUND);
    ck_assert_uint_eq(model_n_sessions(model), 0);
    world_done(&world);
}

TEST(a_session_keeps_its_last_readings)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    for (uint64_t number = 1; number <= 30; number++) {
        expect_steps(&world, "s", 5, number, number);
        struct session session = session_get(&world, "s");
        uint64_t n = number < 8 ? number : 8;
        ck_assert_uint_eq(session.row.step, number);
        ck_assert_uint_eq(session.n_readings, n);
        double *x = readings(5, number - n + 1, number);
        expect_same_values(session.readings, x, n * INPUTS);
        free(x);
    }
    world_done(&world);
}

TEST(a_forecast_is_the_one_that_a_step_with_that_horizon_gave_and_changes_nothing)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 9);
    double x[INPUTS], future[11];
    for (int k = 0; k < 11; k++) {
        future[k] = k % 3 ? 0.1F * (float)k : NAN;
    }
    reading(1, 10, x);
    struct step step = step_make(&world, "s", x);
    step.forecast_options = forecast_options_make(&world, 12, future, 11);
    ck_assert_int_eq(step_take(&world, &step), STATUS_OK);
    ck_assert_uint_eq(step.n_forecast, 12);
    expect_same_values(step.forecast, step.y, OUTPUTS);
    struct session before = session_get(&world, "s");
    struct session_forecast forecast;
    forecast_begin(&world, &world.arena, "s", &step.forecast_options, &forecast);
    ck_assert_int_eq(prediction_finish(&world, &forecast.prediction, 0), STATUS_OK);
    ck_assert_uint_eq(forecast.step, 10);
    ck_assert_uint_eq(forecast.sequence.n_forecast, 12);
    expect_same_values(forecast.sequence.forecast, step.forecast, 12 * OUTPUTS);
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    expect_twin(&world, "s", 1, 11);
    world_done(&world);
}

TEST(there_is_no_forecast_before_the_first_reading)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    const struct session_restore restore = { .ttl_s = -1 };
    const struct forecast_options forecast_options = { .horizon = 1 };
    struct session_forecast forecast;
    expect_put(&world, "s", &restore, true);
    forecast_begin(&world, &world.arena, "s", &forecast_options, &forecast);
    ck_assert_int_eq(prediction_finish(&world, &forecast.prediction, 0), STATUS_NO_READING);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}

/* ---- restoring ---- */

TEST(put_of_what_read_gave_restores_the_session_bit_for_bit)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    static const int64_t ttls[] = { -1, 0, 77 };
    for (uint64_t number = 1; number <= 24; number++) {
        char id[32], other[32];
        snprintf(id, sizeof id, "s%d", (int)number);
        snprintf(other, sizeof other, "copy%d", (int)number);
        const struct session_restore fresh = { .ttl_s = ttls[number % 3] };
        expect_put(&world, id, &fresh, true);
        expect_steps(&world, id, number, 1, number);
        struct session session = session_get(&world, id);
        struct session_restore restore = restore_of(&session);
        expect_put(&world, other, &restore, true);
        struct session copy = session_get(&world, other);
        expect_same_session(&session, &copy, false);
        ck_assert_int_eq(copy.row.created_at_ms, session.row.created_at_ms);
        for (int k = 0; k < 6; k++) {
            expect_fault(&world, id, STATUS_OK); /* goes astray, and is brought back */
        }
        expect_put(&world, id, &restore, false);
        struct session back = session_get(&world, id);
        expect_same_session(&session, &back, false);
        world_restart(&world);
        back = session_get(&world, id);
        expect_same_session(&session, &back, false);
        expect_twin(&world, id, number, number + 1);
        expect_twin(&world, other, number, number + 1);
        struct session a = session_get(&world, id), b = session_get(&world, other);
        expect_same_session(&a, &b, false);
    }
    world_done(&world);
}

TEST(the_state_of_another_model_is_refused_and_changes_nothing)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 5);
    struct session session = session_get(&world, "s");
    struct session_restore restore = restore_of(&session);
    restore.step = 99;
    restore.digest.high ^= 1;
    ck_assert_int_eq(put(&world, "s", &restore), STATUS_DIGEST_MISMATCH);
    ck_assert_int_eq(put(&world, "new", &restore), STATUS_DIGEST_MISMATCH);
    restore.digest.high ^= 1;
    restore.digest.low ^= 1;
    ck_assert_int_eq(put(&world, "s", &restore), STATUS_DIGEST_MISMATCH);
    restore.digest.low ^= 1;
    restore.has_digest = false;
    ck_assert_int_eq(put(&world, "s", &restore), STATUS_DIGEST_MISMATCH);
    ck_assert_str_eq(world.fault.param, "digest");
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    struct session after = session_get(&world, "s");
    expect_same_session(&session, &after, true);
    expect_twin(&world, "s", 1, 6);
    world_done(&world);
}

TEST(rewarming_from_readings_is_replaying_them_from_a_fresh_state)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    for (uint64_t n = 1; n <= 40; n++) { /* also more of them than are kept */
        char id[32];
        snprintf(id, sizeof id, "s%d", (int)n);
        double *x = readings(3, 1, n);
        const struct session_restore restore = {
            .ttl_s = -1, .readings = x, .n_readings = n, .step = n % 2 ? 0 : 1000
        };
        expect_put(&world, id, &restore, true);
        struct session session = session_get(&world, id);
        ck_assert_uint_eq(session.row.step, n % 2 ? n : 1000);
        ck_assert_uint_eq(session.n_readings, n < 8 ? n : 8);
        expect_same_values(session.readings, x + (n - session.n_readings) * INPUTS,
                           session.n_readings * INPUTS);
        double y[OUTPUTS], expected[OUTPUTS];
        if (n % 4 == 0) {
            world_restart(&world);
        }
        struct step step;
        double next[INPUTS];
        reading(3, n + 1, next);
        ck_assert_int_eq(step_x(&world, id, next, &step), STATUS_OK);
        ck_assert_uint_eq(step.number, session.row.step + 1);
        memcpy(y, step.y, sizeof y);
        twin(&world, NULL, 3, 1, n + 1, expected);
        expect_same_values(y, expected, OUTPUTS);
        free(x);
    }
    world_done(&world);
}

TEST(readings_that_do_not_run_are_refused_and_change_nothing)
{
    struct world world;
    world_init(&world);
    world_add_model(&world, "m", network_file_that_is_strict());
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 5);
    struct session before = session_get(&world, "s");
    double x[2 * INPUTS] = { 0 };
    const struct session_restore restore = { .ttl_s = 7, .readings = x, .n_readings = 2 };
    memcpy(x + INPUTS, huge, sizeof huge);
    ck_assert_int_eq(put(&world, "s", &restore), STATUS_NON_FINITE_RESULT);
    x[INPUTS] = NAN;
    ck_assert_int_eq(put(&world, "s", &restore), STATUS_MISSING_INPUT);
    ck_assert_int_eq(put(&world, "new", &restore), STATUS_MISSING_INPUT);
    struct session after = session_get(&world, "s");
    expect_same_session(&before, &after, true);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    world_done(&world);
}

TEST(put_without_anything_begins_the_session_anew)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    expect_steps(&world, "s", 1, 1, 20);
    const struct session_restore restore = { .ttl_s = 5 };
    expect_put(&world, "s", &restore, false);
    struct session session = session_get(&world, "s");
    ck_assert_uint_eq(session.row.step, 0);
    ck_assert_uint_eq(session.n_readings, 0);
    ck_assert_uint_eq(session.errors.n[0], 0);
    ck_assert_int_eq(session.ttl_s, 5);
    expect_twin(&world, "s", 2, 1);
    world_done(&world);
}

/* ---- forking ---- */

TEST(a_fork_steps_on_its_own)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    const struct session_restore fresh = { .ttl_s = 60 };
    expect_put(&world, "s", &fresh, true);
    expect_steps(&world, "s", 1, 1, 20);
    ck_assert_int_eq(fork_session(&world, "s", "what-if"), STATUS_OK);
    struct session a = session_get(&world, "s"), b = session_get(&world, "what-if");
    expect_same_session(&a, &b, false);
    expect_twin(&world, "what-if", 1, 21);
    struct session later = session_get(&world, "s");
    expect_same_session(&a, &later, true);
    expect_steps(&world, "what-if", 2, 22, 30);
    expect_twin(&world, "s", 1, 21);
    world_restart(&world);
    expect_twin(&world, "s", 1, 22);
    ck_assert_int_eq(fork_session(&world, "s", "what-if"), STATUS_SESSION_EXISTS);
    ck_assert_int_eq(fork_session(&world, "s", "s"), STATUS_SESSION_EXISTS);
    ck_assert_uint_eq(session_get(&world, "what-if").row.step, 30);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 2);
    world_done(&world);
}

/* ---- listing ---- */

struct page {
    struct session_row rows[1000];
    size_t n;
    bool has_more;
};

static void list(struct world *world, const char *prefix, const char *after, size_t limit,
                 struct page *page)
{
    struct session_mark mark = { .model = "" };
    const struct session_query query = { .model = world_model(world),
                                         .prefix = prefix,
                                         .after = after[0] ? &mark : NULL,
                                         .limit = limit };
    memcpy(mark.model, query.model->name, sizeof mark.model);
    memcpy(mark.session, after, strlen(after) + 1);
    ck_assert_int_eq(
        session_list(world->context, &query, page->rows, &page->n, &page->has_more, &world->fault),
        STATUS_OK);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum { LISTED = 3000 };

/* Ids with long common beginnings and of all allowed characters. */
static char **list_some(struct world *world)
{
    static const char marks[] = "-.:_~";
    char **ids = calloc(LISTED, sizeof *ids);
    ck_assert_ptr_nonnull(ids);
    for (int k = 0; k < LISTED; k++) {
        ck_assert_int_gt(
            asprintf(&ids[k], "%s%c%d", k % 3 ? "pump" : "Pump", marks[k % 5], k * 7919 % LISTED),
            0);
        expect_steps(world, ids[k], 1, 1, (uint64_t)(k % 3 + 1));
    }
    qsort(ids, LISTED, sizeof *ids, by_text);
    return ids;
}

static void expect_pages(struct world *world, char **ids, const char *prefix, size_t limit)
{
    static struct page page;
    char after[SESSION_ID_MAX + 1] = "";
    size_t at = 0;
    do {
        list(world, prefix, after, limit, &page);
        ck_assert_uint_le(page.n, limit);
        for (size_t k = 0; k < page.n; k++) {
            while (strncmp(ids[at], prefix, strlen(prefix)) != 0) {
                at++;
            }
            ck_assert_str_eq(page.rows[k].session, ids[at++]);
        }
        snprintf(after, sizeof after, "%s", page.n ? page.rows[page.n - 1].session : "");
    } while (page.has_more);
    for (; at < LISTED; at++) {
        ck_assert_int_ne(strncmp(ids[at], prefix, strlen(prefix)), 0);
    }
}

TEST(pages_of_a_list_are_all_sessions_in_order)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    char **ids = list_some(&world);
    static const size_t limits[] = { 1000, 999, 100, 73 };
    static const char *const prefixes[] = { "",       "p",        "pump", "pump:",
                                            "pump~1", "pump~299", "q",    "Pump-" };
    for (size_t l = 0; l < 4; l++) {
        for (size_t p = 0; p < 8; p++) {
            expect_pages(&world, ids, prefixes[p], limits[l]);
        }
    }
    struct page page;
    list(&world, "", ids[41], 1, &page);
    ck_assert(page.n == 1 && page.has_more);
    ck_assert_str_eq(page.rows[0].session, ids[42]);
    struct session session = session_get(&world, ids[42]);
    ck_assert_uint_eq(page.rows[0].step, session.row.step);
    ck_assert_uint_eq(page.rows[0].version, session.row.version);
    ck_assert_int_eq(page.rows[0].last_seen_at_ms, session.row.last_seen_at_ms);
    list(&world, "", ids[LISTED - 1], 10, &page);
    ck_assert(page.n == 0 && !page.has_more);
    list(&world, "", "pump", 0, &page);
    ck_assert(page.n == 0 && page.has_more);
    list(&world, "", "", 10, &page);
    for (int k = 0; k < LISTED; k++) {
        free(ids[k]);
    }
    free(ids);
    world_done(&world);
}

TEST(a_page_is_not_empty_while_there_is_more)
{
    struct world world;
    world_init(&world);
    world.config.session_ttl = 300;
    world_start(&world);
    char id[32];
    for (int k = 0; k < 40; k++) {
        snprintf(id, sizeof id, "s%02d", k);
        expect_steps(&world, id, 1, 1, 1);
        if (k < 30) {
            world_age(&world, id, 400000);
        }
    }
    struct page page;
    list(&world, "", "", 10, &page);
    ck_assert_uint_gt(page.n, 0);
    ck_assert_str_eq(page.rows[0].session, "s30");
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 10);
    world_done(&world);
}

/* ---- deleting ---- */

TEST(a_deleted_session_is_gone_also_after_a_restart)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    for (uint64_t k = 0; k < 50; k++) {
        char id[32];
        snprintf(id, sizeof id, "s%d", (int)k);
        expect_steps(&world, id, k, 1, 3);
    }
    for (uint64_t k = 0; k < 50; k += 2) {
        char id[32];
        snprintf(id, sizeof id, "s%d", (int)k);
        ck_assert_int_eq(world_delete(&world, id), STATUS_OK);
    }
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 25);
    world_restart(&world);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 25);
    for (uint64_t k = 0; k < 50; k++) {
        char id[32];
        snprintf(id, sizeof id, "s%d", (int)k);
        expect_twin(&world, id, k, k % 2 ? 4 : 1);
    }
    world_done(&world);
}

TEST(an_id_of_the_greatest_length_survives_a_restart)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    char id[SESSION_ID_MAX + 1] = "";
    memset(id, 'x', SESSION_ID_MAX);
    expect_steps(&world, id, 1, 1, 3);
    world_restart(&world);
    expect_twin(&world, id, 1, 4);
    id[SESSION_ID_MAX - 1] = '\0';
    expect_twin(&world, id, 2, 1);
    world_done(&world);
}
