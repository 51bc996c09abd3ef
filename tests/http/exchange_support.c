#include "http/exchange_support.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

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
    config_done(&world->config);
}
