#include "service_support.h"

#include "base/log.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- folders and files ---- */

struct bytes file_load(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    struct bytes bytes = { .n = (size_t)ftell(file) };
    rewind(file);
    bytes.p = malloc(bytes.n + 1);
    ck_assert_ptr_nonnull(bytes.p);
    ck_assert_uint_eq(fread(bytes.p, 1, bytes.n, file), bytes.n);
    fclose(file);
    return bytes;
}

void file_store(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot create %s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

size_t folder_count(const char *path)
{
    DIR *stream = opendir(path);
    size_t n = 0;
    while (stream && readdir(stream)) { // NOLINT(concurrency-mt-unsafe): a stream of our own
        n++;
    }
    if (stream) {
        closedir(stream);
    }
    return n > 2 ? n - 2 : 0;
}

void disk_limit(size_t bytes)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes ? bytes : limit.rlim_max;
    signal(SIGXFSZ, bytes ? SIG_IGN : SIG_DFL);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int remove_entry(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)file;
    (void)type;
    (void)walk;
    return remove(path);
}

/* ---- a service ---- */

void world_init(struct world *world)
{
    log_setup(LOG_ERROR, LOG_TEXT);
    memset(world, 0, sizeof *world);
    snprintf(world->folder, sizeof world->folder, "/tmp/grud-service-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(world->folder));
    snprintf(world->models, sizeof world->models, "%s/models", world->folder);
    snprintf(world->data, sizeof world->data, "%s/data", world->folder);
    ck_assert_int_eq(mkdir(world->models, 0700), 0);
    world->config = (struct config){ .interval_levels = "0.8,0.9,0.95",
                                     .interval_horizon_max = 24,
                                     .models = world->models,
                                     .data = "",
                                     .cluster = "",
                                     .session_max = 10000,
                                     .session_history = 8,
                                     .gap_max = 100,
                                     .session_full = CONFIG_REJECT,
                                     .tombstone_max = 1000,
                                     .job_max = 16,
                                     .job_memory_max = (size_t)1 << 30,
                                     .sync_interval_ms = 1000 };
    arena_init(&world->arena, (size_t)1 << 30);
    arena_init(&world->kept, (size_t)1 << 30);
    world_add_model(world, "m", network_file(HIDDEN, SEED));
}

void world_use_data(struct world *world)
{
    world->config.data = world->data;
}

void world_add_model(struct world *world, const char *name, struct bytes bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.safetensors", world->models, name);
    file_store(path, bytes.p, bytes.n);
    free(bytes.p);
}

void world_start(struct world *world)
{
    enum status status = service_create(&world->config, &world->service, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    ck_assert_int_eq(service_context_create(world->service, &world->context), STATUS_OK);
}

void world_start_with_data(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
}

void world_stop(struct world *world)
{
    service_context_free(world->context);
    service_free(world->service);
    world->context = NULL;
    world->service = NULL;
}

void world_restart(struct world *world)
{
    world_stop(world);
    world_start(world);
}

void world_done(struct world *world)
{
    world_stop(world);
    arena_done(&world->arena);
    arena_done(&world->kept);
    while (world->n_held > 0) {
        gru_model_unref(world->held[--world->n_held]);
    }
    int failed = nftw(world->folder, remove_entry, 8,
                      FTW_DEPTH | FTW_PHYS); /* NOLINT(concurrency-mt-unsafe) */
    ck_assert_int_eq(failed, 0);
}

const struct model *world_model(struct world *world)
{
    const struct model *model;
    service_context_turn(world->context);
    enum status status = model_find(world->context, "m", &model, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    return model;
}

struct pool *world_pool(struct world *world)
{
    return world_model(world)->pool;
}

unsigned world_put_version(struct world *world, struct bytes bytes)
{
    const struct model *model;
    enum status status = model_put(world->context, "m", bytes.p, bytes.n, &model, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    free(bytes.p);
    return model->versions[model->n_versions - 1].number;
}

void world_activate(struct world *world, unsigned number)
{
    const struct model *model;
    service_context_turn(world->context);
    enum status status = model_activate(world->context, "m", number, &model, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    ck_assert_uint_eq(model->active->number, number);
}

struct service_figures world_figures(struct world *world)
{
    struct service_figures figures;
    service_read_figures(world->service, &figures);
    return figures;
}

static uint32_t find_slot(struct pool *pool, const char *session)
{
    struct pool_key key = pool_key_of(session);
    struct index_shard *shard = index_lock(&pool->index, key.hash);
    uint32_t slot = index_find(&pool->index, shard, key.hash, key.id, key.n);
    index_unlock(shard);
    return slot;
}

static uint32_t slot_of(struct pool *pool, const char *session)
{
    uint32_t slot = find_slot(pool, session);
    ck_assert_uint_ne(slot, INDEX_NONE);
    return slot;
}

bool world_has_session(struct world *world, const char *session)
{
    return find_slot(world_pool(world), session) != INDEX_NONE;
}

enum status world_delete(struct world *world, const char *session)
{
    return session_delete(world->context, world_model(world), session, &world->fault);
}

char *world_record(struct world *world, const char *session)
{
    struct pool *pool = world_pool(world);
    return pool_record(pool, slot_of(pool, session));
}

enum record_use world_use_of(struct world *world, char *record)
{
    return record_use_of(world_layout(world), record);
}

const struct record_layout *world_layout(struct world *world)
{
    return &world_pool(world)->layouts_by_room[0][0];
}

void world_age(struct world *world, const char *session, int64_t ms)
{
    struct pool *pool = world_pool(world);
    uint32_t slot = slot_of(pool, session);
    char *record = pool_record(pool, slot);
    const struct record_layout *layout = pool_layout(pool, slot);
    struct record_copy *copy = record_newest(layout, record);
    copy->last_seen_at_ms -= ms;
    record_seal(layout, record, copy);
    atomic_store(&pool_slot(pool, slot)->last_seen_at_ms, copy->last_seen_at_ms);
}

/* ---- steps ---- */

void reading(uint64_t stream, uint64_t number, double x[INPUTS])
{
    const uint64_t which[] = { stream, number };
    uint64_t bits = digest_64(which, sizeof which, 0);
    for (size_t k = 0; k < INPUTS; k++) {
        x[k] = (float)(bits >> (32 * k) & 0xffff) / 32768.0F - 1;
    }
}

double *readings(uint64_t stream, uint64_t first, uint64_t last)
{
    size_t n = (size_t)(last + 1 - first);
    double *x = malloc((n + 1) * INPUTS * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (size_t k = 0; k < n; k++) {
        reading(stream, first + k, x + k * INPUTS);
    }
    return x;
}

struct step step_make(struct world *world, const char *session, const double *x)
{
    struct step step = { .arena = &world->arena, .model_name = "m", .x = x };
    snprintf(step.session, sizeof step.session, "%s", session);
    return step;
}

struct forecast_options forecast_options_make(struct world *world, size_t horizon,
                                              const double *future, size_t n_rows)
{
    return (struct forecast_options){ .horizon = horizon,
                                      .future = future,
                                      .n_future_rows = n_rows,
                                      .future_columns = forecast_options_columns(
                                          gru_model_info(world_model(world)->active->gru)) };
}

enum status step_take(struct world *world, struct step *step)
{
    struct step *steps[] = { step };
    while (!step->is_done) {
        service_context_turn(world->context);
        step->may_slice = true;
        service_steps(world->context, steps, 1);
        if (step->slices) {
            struct fault fault;
            enum status status = STATUS_OK;
            while (status == STATUS_OK && step->slices->n_rows_left > 0) {
                status = predict_go_on(world->context, step->slices, &fault);
            }
            step_end_slices(step, status, &fault);
        }
    }
    world->fault = step->fault;
    return step->fault.status == STATUS_OK ? world_commit(world) : step->fault.status;
}

enum status world_commit(struct world *world)
{
    if (!commit_is_owed(world->context)) {
        return STATUS_OK;
    }
    commit_run(world->context);
    return commit_has_failed(world->context, "m") ? commit_refuse(&world->fault) : STATUS_OK;
}

enum status step_x(struct world *world, const char *session, const double *x, struct step *ret_step)
{
    arena_reset(&world->arena);
    *ret_step = step_make(world, session, x);
    return step_take(world, ret_step);
}

enum status step_with_seq(struct world *world, const char *session, uint64_t stream,
                          uint64_t number)
{
    double x[INPUTS];
    reading(stream, number, x);
    arena_reset(&world->arena);
    struct step step = step_make(world, session, x);
    step.has_seq = true;
    step.seq = number;
    return step_take(world, &step);
}

void expect_step(struct world *world, const char *session, uint64_t stream, uint64_t number,
                 double y[OUTPUTS])
{
    double x[INPUTS];
    struct step step;
    reading(stream, number, x);
    enum status status = step_x(world, session, x, &step);
    ck_assert_msg(status == STATUS_OK, "step %d of %s: %s", (int)number, session,
                  step.fault.message);
    ck_assert_uint_eq(step.number, number);
    memcpy(y, step.y, OUTPUTS * sizeof *y);
}

void expect_steps(struct world *world, const char *session, uint64_t stream, uint64_t first,
                  uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        double y[OUTPUTS];
        expect_step(world, session, stream, number, y);
    }
}

void expect_fault(struct world *world, const char *session, enum status status)
{
    const double x[INPUTS] = { 0 };
    struct step step;
    enum status got = step_x(world, session, x, &step);
    ck_assert_msg(got == status, "%s instead of %s: %s", status_code(got), status_code(status),
                  step.fault.message);
}

void twin(struct world *world, struct gru_model *gru, uint64_t stream, uint64_t first,
          uint64_t last, double y[OUTPUTS])
{
    double *x = readings(stream, first, last);
    struct gru_work *work;
    ck_assert_int_eq(gru_work_create(&work), GRU_OK);
    struct gru_lane lane = {
        .x = x, .n_rows = (size_t)(last + 1 - first), .y = y, .last_only = true
    };
    ck_assert_int_eq(gru_run(gru ? gru : world_model(world)->active->gru, work, &lane, 1), GRU_OK);
    ck_assert_int_eq(lane.status, GRU_OK);
    gru_work_free(work);
    free(x);
}

void expect_twin(struct world *world, const char *session, uint64_t stream, uint64_t number)
{
    double y[OUTPUTS], undisturbed[OUTPUTS];
    expect_step(world, session, stream, number, y);
    twin(world, NULL, stream, 1, number, undisturbed);
    expect_same_values(y, undisturbed, OUTPUTS);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void expect_same_floats_at(const char *where, const float *a, const float *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(bits_of(a[k]) == bits_of(b[k]), "%s: [%zu] %.9g instead of %.9g", where, k,
                      (double)a[k], (double)b[k]);
    }
}

void expect_same_values_at(const char *where, const double *a, const double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(memcmp(&a[k], &b[k], sizeof a[k]) == 0, "%s: [%zu] %.17g instead of %.17g",
                      where, k, a[k], b[k]);
    }
}

void expect_y(const struct gru_model *gru, const float *state, const double *y)
{
    for (size_t o = 0; o < OUTPUTS; o++) {
        ck_assert(gru_state_y(gru, state, o) == y[o]);
    }
}

/* ---- whole sessions ---- */

static void hold(struct world *world, const struct gru_model *gru)
{
    for (size_t k = 0; k < world->n_held; k++) {
        if (world->held[k] == gru) {
            return;
        }
    }
    ck_assert_uint_lt(world->n_held, HELD_NETWORKS);
    const struct model *model = world_model(world);
    for (size_t k = 0; k < model->n_versions; k++) {
        if (model->versions[k].gru == gru) {
            world->held[world->n_held++] = gru_model_ref(model->versions[k].gru);
        }
    }
}

struct session session_get(struct world *world, const char *session)
{
    struct session got;
    enum status status = session_read(world->context, world_model(world), session, &world->kept,
                                      &got, &world->fault);
    ck_assert_msg(status == STATUS_OK, "%s", world->fault.message);
    hold(world, got.gru);
    return got;
}

static void expect_same_errors(const struct session_errors *a, const struct session_errors *b)
{
    ck_assert_mem_eq(a->n, b->n, OUTPUTS * sizeof *a->n);
    expect_same_floats(a->mae, b->mae, OUTPUTS);
    expect_same_floats(a->rmse, b->rmse, OUTPUTS);
    ck_assert(a->means && b->means);
    ck_assert_uint_eq(a->season, b->season);
    ck_assert_mem_eq(a->means, b->means, session_errors_bytes(OUTPUTS, a->season));
}

void expect_same_session(const struct session *a, const struct session *b, bool also_times)
{
    size_t n_state = gru_model_info(a->gru)->state_floats;
    ck_assert_uint_eq(a->row.step, b->row.step);
    ck_assert_uint_eq(a->row.version, b->row.version);
    ck_assert_int_eq(a->ttl_s, b->ttl_s);
    ck_assert_mem_eq(&a->digest, &b->digest, sizeof a->digest);
    expect_same_floats(a->state, b->state, n_state);
    ck_assert_uint_eq(a->n_readings, b->n_readings);
    expect_same_values(a->readings, b->readings, a->n_readings * INPUTS);
    expect_same_errors(&a->errors, &b->errors);
    ck_assert_int_eq(a->time.is_known, b->time.is_known);
    ck_assert(a->time.last_at == b->time.last_at);
    ck_assert_uint_eq(a->time.n_filled, b->time.n_filled);
    ck_assert_int_eq(a->time.is_restarted, b->time.is_restarted);
    ck_assert_int_eq(a->time.is_untimed, b->time.is_untimed);
    bool same_times = a->row.created_at_ms == b->row.created_at_ms &&
                      a->row.last_seen_at_ms == b->row.last_seen_at_ms &&
                      a->row.expires_at_ms == b->row.expires_at_ms;
    ck_assert(same_times || !also_times);
}

enum status session_put_whole(struct world *world, const char *session,
                              const struct session_restore *restore, bool *ret_created)
{
    struct session_restore whole = *restore;
    struct restore_replay replay;
    struct arena arena;
    enum status status = STATUS_OK;
    arena_init(&arena, (size_t)1 << 30);
    if (restore_is_due(restore)) {
        status = restore_begin(world_model(world), restore, &arena, &replay, &world->fault);
        if (status == STATUS_OK) {
            status = prediction_finish(world, &replay.prediction, 3);
        }
        restore_take(&replay, &whole);
    }
    if (status == STATUS_OK) {
        status = session_put(world->context, world_model(world), session, &whole, ret_created,
                             &world->fault);
    }
    arena_done(&arena);
    return status;
}

struct session_restore restore_of(const struct session *session)
{
    return (struct session_restore){ .ttl_s = session->ttl_s,
                                     .step = session->row.step,
                                     .has_digest = true,
                                     .digest = session->digest,
                                     .state = session->state,
                                     .readings = session->readings,
                                     .n_readings = session->n_readings,
                                     .created_at_ms = session->row.created_at_ms,
                                     .errors = session->errors,
                                     .time = session->time };
}
