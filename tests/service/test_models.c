#include "support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status put(struct world *world, const char *name, struct bytes bytes,
                       const struct model **ret_model)
{
    worker_turn(world->worker);
    enum status status = model_put(world->worker, name, bytes.p, bytes.n, ret_model, &world->fault);
    free(bytes.p);
    return status;
}

static enum status delete_version(struct world *world, unsigned number)
{
    worker_turn(world->worker);
    return model_delete_version(world->worker, "m", number, &world->fault);
}

static enum status activate(struct world *world, const char *name, unsigned number)
{
    const struct model *model;
    worker_turn(world->worker);
    return model_activate(world->worker, name, number, &model, &world->fault);
}

static void with_data(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
}

static size_t n_stored(const struct world *world, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/models/%s", world->data, name);
    return folder_count(path);
}

/* ---- versions ---- */

TEST(the_first_version_of_a_model_is_activated_and_later_ones_wait)
{
    struct world world;
    with_data(&world);
    const struct model *model;
    for (unsigned k = 1; k <= 4; k++) {
        ck_assert_int_eq(put(&world, "fresh", network_file(HIDDEN, k), &model), STATUS_OK);
        ck_assert_uint_eq(model->n_versions, k);
        ck_assert_uint_eq(model->active->number, 1);
        ck_assert_uint_eq(model->versions[k - 1].number, k);
        ck_assert(!model->versions[k - 1].read_only && model->versions[k - 1].created_at_ms > 0);
    }
    ck_assert_uint_eq(world_put_version(&world, network_file(HIDDEN, 9)), 2);
    ck_assert_uint_eq(world_model(&world)->active->number, 1);
    ck_assert(world_model(&world)->versions[0].read_only);
    world_done(&world);
}

/* More changes in one turn of the worker than any small bound, and with another worker in between. */
TEST(many_changes_in_one_turn_are_all_kept)
{
    struct world world;
    with_data(&world);
    struct worker *other;
    ck_assert_int_eq(worker_create(world.service, &other), STATUS_OK);
    const struct model *model, *first;
    worker_turn(world.worker);
    ck_assert_int_eq(model_find(world.worker, "m", &first, &world.fault), STATUS_OK);
    for (unsigned k = 0; k < 30; k++) {
        struct bytes bytes = network_file(HIDDEN, k + 10);
        ck_assert_int_eq(model_put(k % 3 ? world.worker : other, "m", bytes.p, bytes.n, &model, &world.fault),
                         STATUS_OK);
        free(bytes.p);
        ck_assert_uint_eq(model->n_versions, k + 2);
        ck_assert_int_eq(model_activate(k % 2 ? world.worker : other, "m", k + 2, &model, &world.fault),
                         STATUS_OK);
        ck_assert_uint_eq(model->active->number, k + 2);
    }
    ck_assert_uint_eq(first->n_versions, 1); /* what was found before is still there */
    ck_assert_uint_eq(first->active->number, 1);
    ck_assert_uint_eq(world_model(&world)->n_versions, 31);
    worker_free(other);
    world_done(&world);
}

TEST(a_version_with_other_inputs_or_outputs_is_refused)
{
    struct world world;
    with_data(&world);
    const struct model *model;
    ck_assert_int_eq(put(&world, "m", network_file_of_other_shape(), &model), STATUS_INCOMPATIBLE_MODEL);
    ck_assert_str_eq(world.fault.param, "inputs");
    struct bytes renamed = network_file(HIDDEN, 2);
    char *name = memmem(renamed.p, renamed.n, "comfort", 7);
    ck_assert_ptr_nonnull(name);
    memcpy(name, "comfurt", 7);
    ck_assert_int_eq(put(&world, "m", renamed, &model), STATUS_INCOMPATIBLE_MODEL);
    ck_assert_str_eq(world.fault.param, "outputs");
    ck_assert_msg(strstr(world.fault.message, "'comfurt'"), "%s", world.fault.message);
    ck_assert_uint_eq(n_stored(&world, "m"), 0);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_done(&world);
}

TEST(garbage_is_refused_and_leaves_nothing_behind)
{
    struct world world;
    with_data(&world);
    const struct model *model;
    for (size_t n = 0; n < 2000; n += 97) {
        struct bytes half = network_file(HIDDEN, 1);
        half.n = n < half.n ? n : half.n - 1;
        ck_assert_int_eq(put(&world, "junk", half, &model), STATUS_INVALID_MODEL);
        ck_assert(world.fault.message[0] != '\0');
    }
    struct bytes half = network_file(HIDDEN, 1);
    half.n /= 2;
    ck_assert_int_eq(put(&world, "m", half, &model), STATUS_INVALID_MODEL);
    char path[256];
    snprintf(path, sizeof path, "%s/models", world.data);
    ck_assert_uint_eq(folder_count(path), 0);
    worker_turn(world.worker);
    ck_assert_int_eq(model_find(world.worker, "junk", &model, &world.fault), STATUS_MODEL_NOT_FOUND);
    ck_assert_uint_eq(world_model(&world)->n_versions, 1);
    world_restart(&world);
    size_t n;
    models_list(world.worker, &n);
    ck_assert_uint_eq(n, 1);
    world_done(&world);
}

/* The sessions of a model that is gone lie in the way of one of the same name with other inputs. */
TEST(a_model_that_cannot_have_its_sessions_is_refused_and_leaves_nothing_behind)
{
    struct world world;
    with_data(&world);
    const struct model *model;
    expect_steps(&world, "s", 1, 1, 3);
    world_stop(&world);
    char path[256];
    snprintf(path, sizeof path, "%s/m.safetensors", world.models);
    ck_assert_int_eq(unlink(path), 0);
    world_start(&world);
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(put(&world, "m", network_file_of_other_shape(), &model), STATUS_STORAGE_FAILED);
        ck_assert_msg(strstr(world.fault.message, "2 inputs, not 1"), "%s", world.fault.message);
        ck_assert_uint_eq(n_stored(&world, "m"), 0);
    }
    ck_assert_int_eq(put(&world, "m", network_file(HIDDEN, SEED), &model), STATUS_OK);
    expect_twin(&world, "s", 1, 4);
    world_done(&world);
}

TEST(a_version_file_is_given_back_byte_for_byte)
{
    struct world world;
    with_data(&world);
    for (int restart = 0; restart < 2; restart++) {
        struct bytes bytes = network_file(20, 3);
        if (restart == 0) {
            struct bytes same = { malloc(bytes.n), bytes.n };
            memcpy(same.p, bytes.p, bytes.n);
            ck_assert_uint_eq(world_put_version(&world, same), 2);
        } else {
            world_restart(&world);
        }
        const struct version *version;
        const void *got;
        size_t n;
        ck_assert_int_eq(version_find(world_model(&world), 2, &version, &world.fault), STATUS_OK);
        ck_assert_int_eq(model_read_file(version, &world.arena, &got, &n, &world.fault), STATUS_OK);
        ck_assert_uint_eq(n, bytes.n);
        ck_assert_mem_eq(got, bytes.p, n);
        struct digest digest = digest_128(bytes.p, bytes.n);
        ck_assert_mem_eq(&version->digest, &digest, sizeof digest);
        free(bytes.p);
    }
    world_done(&world);
}

TEST(a_version_is_deleted_unless_it_is_active_or_read_only)
{
    struct world world;
    with_data(&world);
    world_put_version(&world, network_file(HIDDEN, 2));
    world_put_version(&world, network_file(HIDDEN, 3));
    ck_assert_int_eq(delete_version(&world, 1), STATUS_VERSION_ACTIVE);
    world_activate(&world, 2);
    ck_assert_int_eq(delete_version(&world, 2), STATUS_VERSION_ACTIVE);
    ck_assert_int_eq(delete_version(&world, 1), STATUS_VERSION_READ_ONLY);
    ck_assert_int_eq(delete_version(&world, 7), STATUS_VERSION_NOT_FOUND);
    ck_assert_int_eq(delete_version(&world, 3), STATUS_OK);
    ck_assert_int_eq(delete_version(&world, 3), STATUS_VERSION_NOT_FOUND);
    ck_assert_int_eq(activate(&world, "m", 3), STATUS_VERSION_NOT_FOUND);
    ck_assert_int_eq(activate(&world, "nothing", 1), STATUS_MODEL_NOT_FOUND);
    ck_assert_uint_eq(n_stored(&world, "m"), 2); /* 2.safetensors, active */
    world_restart(&world);
    ck_assert_uint_eq(world_model(&world)->n_versions, 2);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    world_done(&world);
}

TEST(versions_and_the_active_one_survive_a_restart)
{
    struct world world;
    with_data(&world);
    for (unsigned k = 2; k <= 12; k++) {
        world_put_version(&world, network_file(HIDDEN, k));
    }
    static const unsigned actives[] = { 5, 12, 1, 11 };
    for (size_t k = 0; k < 4; k++) {
        world_activate(&world, actives[k]);
        int64_t created_at_ms = world_model(&world)->versions[3].created_at_ms;
        world_restart(&world);
        const struct model *model = world_model(&world);
        ck_assert_uint_eq(model->active->number, actives[k]);
        ck_assert_uint_eq(model->n_versions, 12);
        for (unsigned v = 0; v < 12; v++) {
            ck_assert_uint_eq(model->versions[v].number, v + 1);
            ck_assert(model->versions[v].read_only == (v == 0));
        }
        ck_assert_int_eq(model->versions[3].created_at_ms, created_at_ms);
    }
    world_done(&world);
}

TEST(without_a_data_directory_nothing_is_put_but_versions_are_switched)
{
    struct world world;
    const struct model *model;
    world_init(&world);
    char path[256];
    snprintf(path, sizeof path, "%s/m", world.models);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    world_add_model(&world, "m/2", network_file(HIDDEN, 2));
    world_start(&world);
    ck_assert_uint_eq(world_model(&world)->active->number, 2);
    ck_assert_int_eq(put(&world, "m", network_file(HIDDEN, 3), &model), STATUS_NO_DATA_DIRECTORY);
    ck_assert_int_eq(put(&world, "n", network_file(HIDDEN, 3), &model), STATUS_NO_DATA_DIRECTORY);
    world_activate(&world, 1);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}

/* ---- the start ---- */

TEST(one_bad_file_is_left_out_and_the_good_ones_are_served)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    char path[256];
    struct bytes junk = { strdup("junk"), 4 };
    world_add_model(&world, "bad", junk);
    snprintf(path, sizeof path, "%s/many", world.models);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    world_add_model(&world, "many/1", network_file(HIDDEN, 1));
    junk = (struct bytes){ strdup("junk"), 4 };
    world_add_model(&world, "many/2", junk);
    world_add_model(&world, "many/3", network_file_of_other_shape());
    world_add_model(&world, "many/4", network_file(HIDDEN, 4));
    world_add_model(&world, "many/04", network_file(HIDDEN, 5));
    world_add_model(&world, "many/0", network_file(HIDDEN, 5));
    world_add_model(&world, "many/x", network_file(HIDDEN, 5));
    world_add_model(&world, ".hidden", network_file(HIDDEN, 5));
    world_add_model(&world, "a b", network_file(HIDDEN, 5));
    struct bytes nothing = { strdup(""), 0 };
    world_add_model(&world, "empty", nothing);
    world_start(&world);
    size_t n;
    const struct model *const *models = models_list(world.worker, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(models[0]->name, "m");
    ck_assert_str_eq(models[1]->name, "many");
    ck_assert_uint_eq(models[1]->n_versions, 2);
    ck_assert_uint_eq(models[1]->active->number, 4);
    world_done(&world);
}

TEST(a_second_daemon_on_one_data_directory_is_refused)
{
    struct world world;
    with_data(&world);
    struct service *second = NULL;
    struct fault fault;
    ck_assert_int_eq(service_create(&world.config, &second, &fault), STATUS_STORAGE_FAILED);
    ck_assert_msg(strstr(fault.message, "another grud is using"), "%s", fault.message);
    ck_assert_str_eq(fault.param, "data");
    ck_assert_ptr_null(second);
    expect_twin(&world, "s", 1, 1);
    world_restart(&world); /* the lock goes with its holder */
    expect_twin(&world, "s", 1, 2);
    world_done(&world);
}

TEST(directories_that_are_not_there_are_refused)
{
    struct world world;
    world_init(&world);
    struct service *service = NULL;
    struct fault fault;
    world.config.models = "/nonexistent/models";
    ck_assert_int_eq(service_create(&world.config, &service, &fault), STATUS_STORAGE_FAILED);
    ck_assert(strstr(fault.message, "/nonexistent/models"));
    world.config.models = world.models;
    world.config.data = "/nonexistent/data";
    ck_assert_int_eq(service_create(&world.config, &service, &fault), STATUS_STORAGE_FAILED);
    ck_assert(strstr(fault.message, "/nonexistent/data"));
    world_done(&world);
}

/* ---- re-warming ---- */

static struct gru_model *network_of(struct world *world, unsigned number)
{
    const struct version *version;
    ck_assert_int_eq(version_find(world_model(world), number, &version, &world->fault), STATUS_OK);
    return version->gru;
}

/* The session's next step is as if the version's network had seen the last readings that were kept, and
 * nothing before them. */
static void expect_rewarmed(struct world *world, unsigned version, const char *session, uint64_t stream,
                            uint64_t number)
{
    float y[OUTPUTS], expected[OUTPUTS];
    size_t n_history = world->config.session_history;
    uint64_t first = number > n_history ? number - n_history : 1;
    expect_step(world, session, stream, number, y);
    twin(world, network_of(world, version), stream, first, number, expected);
    expect_same_floats(y, expected, OUTPUTS);
}

static void expect_activation_to_rewarm(size_t hidden)
{
    enum { SESSIONS = 25 };
    struct world world;
    with_data(&world);
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
        ck_assert_uint_eq(figures.n_rewarmed, n_rewarmed + 1); /* the others are left until they are used */
        struct session after = session_get(&world, "s20");
        ck_assert_uint_eq(after.row.version, number);
        ck_assert_uint_eq(after.row.step, before.row.step);
        ck_assert_int_eq(after.row.created_at_ms, before.row.created_at_ms);
        ck_assert_int_eq(after.row.last_seen_at_ms, before.row.last_seen_at_ms);
        expect_same_floats(after.readings, before.readings, before.n_readings * INPUTS);
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

TEST(a_conversion_keeps_times_to_live_and_tombstones_and_figures)
{
    struct world world;
    with_data(&world);
    unsigned other = world_put_version(&world, network_file(9, 9));
    const struct session_restore own = { .ttl_s = 50 };
    bool created;
    for (unsigned round = 0; round < 4; round++) {
        char id[32], gone[32];
        snprintf(id, sizeof id, "own%d", (int)round);
        snprintf(gone, sizeof gone, "gone%d", (int)round);
        ck_assert_int_eq(session_put(world.worker, world_model(&world), id, &own, &created, &world.fault),
                         STATUS_OK);
        ck_assert_int_eq(session_put(world.worker, world_model(&world), gone, &own, &created, &world.fault),
                         STATUS_OK);
        world_age(&world, gone, 60000);
        service_tick(world.service);
        world_activate(&world, round % 2 ? 1 : other);
        ck_assert_uint_eq(atomic_load(&world_pool(&world)->n_own_ttl), 1);
        ck_assert_int_eq(session_get(&world, id).ttl_s, 50);
        expect_fault(&world, gone, STATUS_SESSION_EXPIRED);
        expect_fault(&world, "gone0", STATUS_SESSION_EXPIRED);
        struct service_figures figures;
        service_read_figures(world.service, &figures);
        ck_assert_uint_eq(figures.n_sessions_created, 2 * round + 2);
        ck_assert_uint_eq(figures.n_sessions_expired, 2 * round + 1);
        world_age(&world, id, 60000);
        service_tick(world.service);
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), 0);
        ck_assert_uint_eq(atomic_load(&world_pool(&world)->n_own_ttl), 0);
    }
    world_done(&world);
}

TEST(a_list_names_the_version_that_a_session_was_at)
{
    struct world world;
    with_data(&world);
    unsigned other = world_put_version(&world, network_file(9, 9));
    expect_steps(&world, "s", 1, 1, 3);
    world_activate(&world, other);
    struct session_row row;
    size_t n;
    bool has_more;
    ck_assert_int_eq(
        session_list(world.worker, world_model(&world), "", "", 1, &row, &n, &has_more, &world.fault),
        STATUS_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(row.version, 1);
    ck_assert_uint_eq(row.step, 3);
    world_done(&world);
}

TEST(the_number_of_kept_readings_may_change_between_restarts)
{
    struct world world;
    with_data(&world);
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
        float *x = readings(1, number - n_kept + 1, number);
        expect_same_floats(session.readings, x, n_kept * INPUTS);
        free(x);
        float y[OUTPUTS], expected[OUTPUTS];
        number++;
        expect_step(&world, "s", 1, number, y);
        twin(&world, NULL, 1, number - n_kept, number, expected);
        expect_same_floats(y, expected, OUTPUTS);
        n_kept++;
        n_kept = n_kept < histories[k] ? n_kept : histories[k];
    }
    world_done(&world);
}

TEST(a_full_pool_of_large_records_becomes_one_of_small_records)
{
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world.config.session_max = 50;
    world.config.session_history = 2000;
    world_start(&world);
    char id[32];
    for (uint64_t s = 0; s < 50; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_steps(&world, id, s, 1, 3);
    }
    world.config.session_history = 4;
    world_restart(&world);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 50);
    for (uint64_t s = 0; s < 50; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_twin(&world, id, s, 4);
    }
    world_done(&world);
}

TEST(a_conversion_that_was_interrupted_leaves_nothing_in_the_way)
{
    struct world world;
    with_data(&world);
    expect_steps(&world, "s", 1, 1, 3);
    unsigned other = world_put_version(&world, network_file(9, 9));
    world_stop(&world);
    char path[256];
    snprintf(path, sizeof path, "%s/sessions/m.pool.new", world.data);
    file_store(path, "half", 4);
    world_start(&world);
    ck_assert(!file_exists(path));
    file_store(path, "half", 4);
    world_activate(&world, other);
    expect_rewarmed(&world, other, "s", 1, 4);
    ck_assert(!file_exists(path));
    world_done(&world);
}

TEST(a_conversion_that_does_not_fit_the_disk_changes_nothing)
{
    struct world world;
    with_data(&world);
    char path[256], id[32];
    const struct model *model;
    snprintf(path, sizeof path, "%s/sessions/m.pool.new", world.data);
    for (uint64_t s = 0; s < 100; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_steps(&world, id, s, 1, 3);
    }
    unsigned large = world_put_version(&world, network_file(200, 9));
    worker_turn(world.worker);
    disk_limit(atomic_load(&world_pool(&world)->region.size) + 1000);
    enum status status = model_activate(world.worker, "m", large, &model, &world.fault);
    disk_limit(0);
    ck_assert_int_eq(status, STATUS_STORAGE_FAILED);
    ck_assert(!file_exists(path));
    for (uint64_t number = 4; number <= 5; number++) {
        ck_assert_uint_eq(world_model(&world)->active->number, 1);
        for (uint64_t s = 0; s < 100; s++) {
            snprintf(id, sizeof id, "s%d", (int)s);
            expect_twin(&world, id, s, number);
        }
        expect_fault(&world, number == 4 ? "new4" : "new5", STATUS_OK);
        world_restart(&world);
    }
    world_activate(&world, large);
    expect_rewarmed(&world, large, "s7", 7, 6);
    world_done(&world);
}
