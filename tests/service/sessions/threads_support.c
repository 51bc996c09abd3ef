#include "threads_support.h"

#include "test.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void team_init(struct team *team, size_t n_batches)
{
    memset(team, 0, sizeof *team);
    world_init(&team->world);
    world_use_data(&team->world);
    team->world.config.sync_interval_ms = 5;
    team->n_batches = n_batches;
}

struct service_context *team_worker(const struct team *team)
{
    struct service_context *context = NULL;
    if (service_context_create(team->world.service, &context) != STATUS_OK) {
        abort();
    }
    return context;
}

void team_note_unexpected(struct team *team, const struct fault *fault)
{
    if (atomic_fetch_add(&team->n_unexpected, 1) == 0) {
        snprintf(team->unexpected, sizeof team->unexpected, "%s: %.300s",
                 status_code(fault->status), fault->message);
    }
}

bool is_one_of(enum status status, enum status a, enum status b)
{
    return status == STATUS_OK || status == a || status == b;
}

void *team_activate_versions(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context = team_worker(team);
    for (unsigned k = 0; !atomic_load(&team->is_over); k++) {
        const struct model *model;
        struct fault fault;
        service_context_turn(context);
        if (model_activate(context, "m", k % 4 + 1, &model, &fault) != STATUS_OK) {
            team_note_unexpected(team, &fault);
        }
        atomic_fetch_add(&team->n_activations, 1);
        sched_yield();
    }
    service_context_free(context);
    return NULL;
}

void team_run(struct team *team, void *(*const *roles)(void *), size_t n_roles, size_t n_that_end)
{
    struct member members[16];
    for (size_t k = 0; k < n_roles; k++) {
        members[k] = (struct member){ .team = team, .number = k };
        ck_assert_int_eq(pthread_create(&members[k].thread, NULL, roles[k], &members[k]), 0);
    }
    while (atomic_load(&team->n_done) < n_that_end) { /* this is the main thread of the daemon */
        service_tick(team->world.service);
        sched_yield();
    }
    atomic_store(&team->is_over, true);
    for (size_t k = 0; k < n_roles; k++) {
        ck_assert_int_eq(pthread_join(members[k].thread, NULL), 0);
    }
    ck_assert_msg(atomic_load(&team->n_unexpected) == 0, "%d unexpected replies, such as %s",
                  (int)atomic_load(&team->n_unexpected), team->unexpected);
}
