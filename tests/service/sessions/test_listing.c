/* Lists of sessions by when they were last seen, and of all models: pages while steps go on. */
#include "service/sessions/listing.h"

#include "service/service_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 100, SESSIONS = 500 };

struct page {
    struct session_row rows[PAGE_MAX];
    size_t n;
    bool has_more;
};

static void list(struct world *world, const struct session_query *query, struct page *page)
{
    ck_assert_int_eq(
        session_list(world->context, query, page->rows, &page->n, &page->has_more, &world->fault),
        STATUS_OK);
}

/* A step of a session of any model; all have the same inputs. */
static void step_on(struct world *world, const char *name, const char *id)
{
    static const double x[INPUTS] = { 1, 2 };
    const struct model *model;
    (void)world_model(world); /* a new turn */
    ck_assert_int_eq(model_find(world->context, name, &model, &world->fault), STATUS_OK);
    struct step step = { .arena = &world->arena, .model = model, .x = x };
    snprintf(step.model_name, sizeof step.model_name, "%s", name);
    snprintf(step.session, sizeof step.session, "%s", id);
    ck_assert_int_eq(step_take(world, &step), STATUS_OK);
}

static void start(struct world *world)
{
    world_init(world);
    world_add_model(world, "a", network_file(HIDDEN, 2));
    world_add_model(world, "z", network_file(HIDDEN, 3));
    world_start(world);
}

static int compare_newest_first(const struct session_row *a, const struct session_row *b)
{
    const int by_time =
        (a->last_seen_at_ms < b->last_seen_at_ms) - (a->last_seen_at_ms > b->last_seen_at_ms);
    const int by_model = strcmp(a->model, b->model);
    return by_time != 0 ? by_time : by_model != 0 ? by_model : strcmp(a->session, b->session);
}

/* All pages one behind the other: in order, and each session once. Returns how many there are. */
static size_t list_all(struct world *world, struct session_query query, bool steps_go_on)
{
    static struct page page;
    struct session_row last;
    struct session_mark mark;
    size_t n = 0, n_new = 0;
    do {
        list(world, &query, &page);
        ck_assert(page.n > 0 && page.n <= query.limit);
        for (size_t k = 0; k < page.n; k++) {
            const struct session_row *row = &page.rows[k];
            if (n++ > 0 && query.order == SESSIONS_BY_LAST_SEEN) {
                ck_assert_int_lt(compare_newest_first(&last, row), 0);
            } else if (n > 1) {
                const int by_model = strcmp(last.model, row->model);
                ck_assert(by_model < 0 ||
                          (by_model == 0 && strcmp(last.session, row->session) < 0));
            }
            ck_assert_int_eq(strncmp(row->session, query.prefix, strlen(query.prefix)), 0);
            last = *row;
            n_new += strcmp(row->session, "new") == 0; /* of the millisecond of a mark, perhaps */
        }
        mark = session_mark_of(&page.rows[page.n - 1]);
        query.after = &mark;
        if (steps_go_on) { /* sessions that were listed, and a new one, are seen */
            step_on(world, page.rows[0].model, page.rows[0].session);
            step_on(world, "z", "new");
        }
    } while (page.has_more);
    ck_assert_uint_le(n_new, 1);
    return n - n_new;
}

static void make_sessions(struct world *world)
{
    char id[32];
    for (unsigned k = 0; k < SESSIONS; k++) {
        static const char *const models[] = { "a", "m", "z" };
        snprintf(id, sizeof id, "%s-%u", k % 2 ? "pump" : "fan", k * 7919 % SESSIONS);
        step_on(world, models[k % 3], id);
        if (k % 3 == 1) {
            world_age(world, id, (int64_t)(k * 31 % 17) * 1000);
        }
    }
}

TEST(lists_go_across_models)
{
    struct world world;
    start(&world);
    make_sessions(&world);
    for (enum session_order order = SESSIONS_BY_ID; order <= SESSIONS_BY_LAST_SEEN; order++) {
        static const size_t limits[] = { 1, 7, 100 };
        for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
            struct session_query query = { .prefix = "", .order = order, .limit = limits[k] };
            ck_assert_uint_eq(list_all(&world, query, false), SESSIONS);
            query.prefix = "pump-";
            ck_assert_uint_eq(list_all(&world, query, false), SESSIONS / 2);
            query.model = world_model(&world);
            query.prefix = "";
            ck_assert_uint_eq(list_all(&world, query, false), (SESSIONS + 1) / 3);
        }
    }
    world_done(&world);
}

/* Sessions that make a step meanwhile move to the front: no page has one that was listed, and those
 * that make none are all listed. */
TEST(pages_are_stable_while_steps_go_on)
{
    struct world world;
    start(&world);
    make_sessions(&world);
    const struct session_query query = { .prefix = "",
                                         .order = SESSIONS_BY_LAST_SEEN,
                                         .limit = 13 };
    ck_assert_uint_eq(list_all(&world, query, true), SESSIONS);
    world_done(&world);
}

/* The newest come first, and a row says when its session was last seen as the list has it. */
TEST(the_newest_come_first)
{
    static struct page page;
    struct world world;
    start(&world);
    for (int k = 0; k < 5; k++) {
        char id[32];
        snprintf(id, sizeof id, "s%d", k);
        expect_steps(&world, id, 1, 1, (uint64_t)k + 1);
        world_age(&world, id, (int64_t)k * 60000);
    }
    const struct session_query query = {
        .model = world_model(&world), .prefix = "", .order = SESSIONS_BY_LAST_SEEN, .limit = 3
    };
    list(&world, &query, &page);
    ck_assert(page.n == 3 && page.has_more);
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(page.rows[k].session[1], '0' + k);
        ck_assert_uint_eq(page.rows[k].step, (uint64_t)k + 1);
        ck_assert_str_eq(page.rows[k].model, "m");
    }
    const struct session s0 = session_get(&world, "s0");
    ck_assert_int_eq(page.rows[0].last_seen_at_ms, s0.row.last_seen_at_ms);
    world_done(&world);
}

/* A mark is a place: whether its session, or its model, is still there makes no difference. */
TEST(a_mark_needs_no_session)
{
    static struct page page;
    struct world world;
    start(&world);
    make_sessions(&world);
    const struct session_mark marks[] = { { .model = "b", .session = "x" },
                                          { .model = "a", .session = "zzz" },
                                          { .model = "zz", .session = "a" } };
    for (size_t k = 0; k < 3; k++) {
        const struct session_query query = { .prefix = "", .after = &marks[k], .limit = 1 };
        list(&world, &query, &page);
        ck_assert_uint_eq(page.n, k < 2);
        ck_assert(k == 2 || strcmp(page.rows[0].model, "m") == 0);
    }
    world_done(&world);
}
