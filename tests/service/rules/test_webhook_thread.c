/* What the webhook thread writes and deletes; what it posts is tested from outside, in tests/e2e.
 */
#include "service/rules/webhook_thread.h"

#include "service/rules/rules.h"
#include "service/service_support.h"
#include "test.h"
#include "webhook/webhook_client.h"

#include <string.h>

enum { RULES_MAX = 4, CHANGES = 50 };

static void start(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world->config.rule_max = RULES_MAX;
    world->config.rule_firing_max = 100;
    world->config.webhook_ca = "";
    world_start(world);
    ck_assert_int_eq(webhook_client_setup(false, &world->fault), STATUS_OK);
    ck_assert_int_eq(webhook_thread_start(world->service, &world->fault), STATUS_OK);
}

static void put(struct world *world, const char *name, double bound)
{
    struct rule rule = { .model = "m",
                         .kind = RULE_COVERAGE,
                         .bound = bound,
                         .n_for = 1,
                         .url = "https://example.org/" };
    bool is_new;
    strcpy(rule.name, name);
    enum status status = rule_put(world->context, &rule, &is_new, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
}

struct counts {
    size_t n_live, n_over;
};

static enum status count_rule(void *cls, const struct rule *rule, struct fault *fault)
{
    struct counts *counts = cls;
    (void)fault;
    counts->n_over += rule->is_over;
    counts->n_live += !rule->is_over;
    return STATUS_OK;
}

/* In the database, once the service has ended. */
static struct counts counts_in(const struct world *world)
{
    struct rule_store *store;
    struct counts counts = { 0 };
    struct fault fault;
    ck_assert_int_eq(rule_store_open(world->data, &store, &fault), STATUS_OK);
    ck_assert_int_eq(rule_store_each(store, count_rule, &counts, &fault), STATUS_OK);
    rule_store_close(store);
    return counts;
}

static void stop(struct world *world)
{
    webhook_thread_stop(world->service);
    world_stop(world);
}

/* Also those that never fired: else the database would grow with each change. */
TEST(rules_that_are_over_are_deleted)
{
    struct world world;
    start(&world);
    for (int k = 1; k <= CHANGES; k++) {
        put(&world, "changed", 1.0 / k);
        put(&world, "deleted", 0.5);
        ck_assert_int_eq(rule_delete(world.context, "m", "deleted", &world.fault), STATUS_OK);
    }
    put(&world, "kept", 0.5);
    stop(&world);
    const struct counts counts = counts_in(&world);
    ck_assert_uint_eq(counts.n_live, 2);
    ck_assert_uint_eq(counts.n_over, 0);
    world_done(&world);
}

/* A process that was killed has left them. */
TEST(rules_that_were_over_before_are_deleted)
{
    struct world world;
    start(&world);
    put(&world, "deleted", 0.5);
    webhook_thread_stop(world.service); /* as if it was not there any more */
    ck_assert_int_eq(rule_delete(world.context, "m", "deleted", &world.fault), STATUS_OK);
    world_stop(&world);
    ck_assert_uint_eq(counts_in(&world).n_over, 1);
    world_start(&world);
    ck_assert_int_eq(webhook_thread_start(world.service, &world.fault), STATUS_OK);
    stop(&world);
    ck_assert_uint_eq(counts_in(&world).n_over, 0);
    world_done(&world);
}
