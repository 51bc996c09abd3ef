#include "http/exchange_support.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void make_model(struct exchange_world *world)
{
    static const char *const names[] = { "temp" };
    static const size_t hidden_sizes[] = { 4 };
    const struct gru_plan plan = { .n_inputs = 1,
                                   .inputs = names,
                                   .n_outputs = 1,
                                   .outputs = names,
                                   .n_layers = 1,
                                   .hidden_sizes = hidden_sizes,
                                   .seed = 1 };
    ck_assert_int_eq(gru_model_create(&plan, &world->version.gru, NULL), GRU_OK);
    world->model.active = &world->version;
}

void exchange_world_begin(struct exchange_world *world, const struct route *route)
{
    char *const arguments[] = { (char[]){ "grud" }, NULL }, *const environment[] = { NULL };
    char error[512];
    memset(world, 0, sizeof *world);
    ck_assert(config_read(1, arguments, environment, &world->config, error, sizeof error));
    world->http.config = &world->config;
    world->http.memory.max = &world->config.memory_max;
    addresses_init(&world->http.addresses);
    world->worker.http = &world->http;
    world->worker.metrics = metrics_create(0);
    ck_assert_ptr_nonnull(world->worker.metrics);
    load_init(&world->worker.load);
    make_model(world);
    world->connection = (struct connection){ .fd = -1, .target = "/", .n_target = 1 };
    arena_init(&world->buffers.arena, 1 << 20);
    world->buffers.arena.total = &world->http.memory;
    world->exchange = &world->buffers.exchange;
    world->request = &world->exchange->request;
    *world->exchange = (struct exchange){ .request = { .arena = &world->buffers.arena,
                                                       .http = &world->http,
                                                       .config = &world->config,
                                                       .route = route,
                                                       .body = "",
                                                       .fault = &world->buffers.fault },
                                          .worker = &world->worker,
                                          .connection = &world->connection,
                                          .buffers = &world->buffers };
}

void exchange_world_end(struct exchange_world *world)
{
    arena_done(&world->buffers.arena);
    free(world->worker.metrics);
    gru_model_unref(world->version.gru);
    config_done(&world->config);
}
