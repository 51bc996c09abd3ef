/* What a thread brings along when it calls the verbs. */
#include "service_support.h"
#include "test.h"

TEST(no_two_contexts_claim_as_one_owner)
{
    enum { N = 100 };
    struct world world;
    struct service_context *contexts[N];
    world_init(&world);
    world_start(&world);
    for (size_t k = 0; k < N; k++) {
        ck_assert_int_eq(service_context_create(world.service, &contexts[k]), STATUS_OK);
        ck_assert_ptr_eq(service_context_service(contexts[k]), world.service);
        ck_assert(contexts[k]->owner != world.context->owner);
        for (size_t other = 0; other < k; other++) {
            ck_assert(contexts[k]->owner != contexts[other]->owner);
        }
    }
    for (size_t k = 0; k < N; k++) {
        service_context_free(contexts[k]);
    }
    service_context_free(NULL);
    world_done(&world);
}

TEST(an_owner_is_never_one_of_the_reserved_words)
{
    struct world world;
    world_init(&world);
    world_start(&world);
    atomic_store(&world.service->n_contexts, OWNER_MAIN - 3);
    for (int k = 0; k < 6; k++) {
        struct service_context *context;
        ck_assert_int_eq(service_context_create(world.service, &context), STATUS_OK);
        ck_assert(context->owner != OWNER_NONE && context->owner != OWNER_MAIN &&
                  context->owner != OWNER_MOVED);
        service_context_free(context);
    }
    world_done(&world);
}
