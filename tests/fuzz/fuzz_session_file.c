/*
 * The session file. An input says what has become of a file of five sessions while grud was away:
 *
 *     how the pool is opened (a bit each, enum way), then operations (enum operation) with their
 * operands.
 *
 * A sealed part that was not sealed again after it was changed is damaged: then a session is served
 * as it was, or not at all. Sealed again it is forged, as only someone who may write the file can
 * do: then anything may be served that survives a restart.
 */
#include "base/clock.h"
#include "base/log.h"
#include "codec/codec.h"
#include "fuzz.h"
#include "service/models/catalogue.h"
#include "service/models/model_versions.h"
#include "service/pool/pool_extents.h"
#include "service/pool/record_ring.h"
#include "json/json.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

enum way {
    WAY_OTHER_HISTORY = 1, /* the daemon keeps more readings now: the file is converted */
    WAY_OTHER_STATE = 2,   /* the active version has another state size: likewise */
    WAY_OTHER_INPUTS = 4,  /* and here it cannot be */
    WAY_TTL = 8,           /* sessions expire after a minute */
    WAY_EVICT = 16,
    WAY_SMALL = 32,   /* there is room for four sessions only */
    WAY_CLASSES = 64, /* there are records with tails now: the file is converted */
    WAY_BASE = 128    /* sessions have a base, and are amended */
};

enum operation {
    OPERATION_PATCH,         /* place (2), n, bytes */
    OPERATION_PATCH_RECORD,  /* slot, part, place, n, bytes */
    OPERATION_COPY_RECORD,   /* from, to */
    OPERATION_TRUNCATE,      /* size (2) */
    OPERATION_EXTEND,        /* pages */
    OPERATION_SEAL_FILE,     /* - */
    OPERATION_SEAL_RECORD,   /* slot, 1: only the header, 2: only the copies */
    OPERATION_SEAL_READINGS, /* slot */
    N_OPERATIONS
};

enum {
    SESSIONS = 5,
    HISTORY = 4,
    RECORDS_FROM = POOL_HEAD_BYTES + RECORD_PAGE, /* behind the head and the journal */
    IMAGE_BYTES = RECORDS_FROM + RECORD_PAGE,     /* and a page of records */
    FILE_MAX = 16 * RECORD_PAGE,
    LAYOUT_AT = 16, /* of the file's header */
    CHECK_AT = LAYOUT_AT + sizeof(struct record_layout),
    ARENA_BYTES = 16 << 20,
    ROWS_MAX = 64
};

/* The daemon's inside, once for all inputs. */
static struct world {
    struct service *service;
    struct service_context *context;
    struct gru_model *usual, *wider, *with_other_inputs;
    struct record_layout layout, layouts[2]; /* of the image, and of both */
    struct arena arena;
    struct fault fault;
    char path[128];
} world;

/* A healthy file, of sessions without and with a base. */
static char images[2][IMAGE_BYTES];
static char *image;

/* The file that an input makes. */
static struct file {
    char bytes[FILE_MAX];
    size_t n;
    bool is_forged;
} file;

struct input {
    const uint8_t *p, *end;
};

static unsigned take_byte(struct input *input)
{
    return input->p < input->end ? *input->p++ : 0;
}

/* ---- the pool and its model ---- */

/* Opens the pool as the model of a catalogue of its own; false if it was refused. */
static bool open_pool(unsigned ways)
{
    struct gru_model *gru = ways & WAY_OTHER_INPUTS  ? world.with_other_inputs
                            : ways & WAY_OTHER_STATE ? world.wider
                                                     : world.usual;
    size_t n_history = ways & WAY_OTHER_HISTORY ? 2 * HISTORY : HISTORY;
    struct pool_options options = { .name = "m",
                                    .path = world.path,
                                    .layout = record_layout_of(gru_model_info(gru), n_history),
                                    .session_max = ways & WAY_SMALL ? 4 : ROWS_MAX,
                                    .tombstone_max = 8,
                                    .ttl_s = ways & WAY_TTL ? 60 : 0,
                                    .evict = (ways & WAY_EVICT) != 0,
                                    .now_ms = clock_steady_ms() };
    struct pool *pool;
    if (ways & WAY_BASE) {
        options.layout = record_layout_with_base(&options.layout);
    }
    if (ways & WAY_CLASSES) {
        options.n_classes = 1;
        options.classes[0] = (struct pool_class){ .tail_bytes = 64, .tail_format = 1 };
    }
    world.fault = (struct fault){ .status = STATUS_OK };
    enum status status = pool_open(&options, &pool, &world.fault);
    if (status != STATUS_OK) {
        FUZZ_CHECK(world.fault.status == status && world.fault.message[0] != '\0');
        return false;
    }
    struct model *model = model_create("m");
    struct catalogue *catalogue = catalogue_copy(NULL);
    struct version version = { .number = 1, .digest = { 1, gru_model_info(gru)->state_floats } };
    version.gru = gru_model_ref(gru);
    FUZZ_CHECK(model && catalogue && model_insert_version(model, version));
    model->active = model->versions;
    model->pool = pool;
    model->error_totals = error_totals_create(gru_model_info(gru)->n_outputs);
    model->drift = drift_create();
    FUZZ_CHECK(model->error_totals && model->drift);
    FUZZ_CHECK(catalogue_insert(catalogue, model));
    catalogue_publish(world.service, catalogue);
    service_context_turn(world.context);
    return true;
}

static void close_pool(void)
{
    struct catalogue *empty = catalogue_copy(NULL);
    FUZZ_CHECK(empty);
    catalogue_publish(world.service, empty);
    service_context_turn(world.context);
}

static const struct model *find_model(void)
{
    const struct model *model = NULL;
    FUZZ_CHECK(model_find(world.context, "m", &model, &world.fault) == STATUS_OK);
    return model;
}

/* A step, or (amends not 0) another reading in the place of that one. */
static enum status take(const char *session, uint64_t amends, struct step *ret_step)
{
    static const double x[] = { 0.5, NAN };
    *ret_step = (struct step){ .arena = &world.arena,
                               .model_name = "m",
                               .x = x,
                               .may_amend = amends > 0,
                               .amends_step = amends };
    snprintf(ret_step->session, sizeof ret_step->session, "%s", session);
    struct step *steps[] = { ret_step };
    service_steps(world.context, steps, 1);
    FUZZ_CHECK(ret_step->is_done);
    return ret_step->fault.status;
}

static enum status take_step(const char *session, struct step *ret_step)
{
    return take(session, 0, ret_step);
}

/* ---- the healthy file ---- */

static void write_file(const void *bytes, size_t n)
{
    FILE *stream = fopen(world.path, "wbe");
    FUZZ_CHECK(stream && fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
}

static void choose_image(unsigned ways)
{
    const unsigned which = (ways & WAY_BASE) != 0;
    image = images[which];
    world.layout = world.layouts[which];
}

static void make_image(unsigned ways)
{
    struct step step;
    FUZZ_CHECK(open_pool(ways));
    for (int k = 0; k < SESSIONS; k++) {
        char id[] = { (char)('a' + k), '\0' };
        for (int t = 0; t < 2 * k + 1; t++) {
            FUZZ_CHECK(take_step(id, &step) == STATUS_OK);
            FUZZ_CHECK(pool_sync(find_model()->pool)); /* so that both copies are there */
        }
    }
    const struct pool *pool = find_model()->pool;
    world.layouts[(ways & WAY_BASE) != 0] = *pool->extents[1].layout; /* short ids */
    choose_image(ways);
    FUZZ_CHECK(pool->extents[1].from == RECORDS_FROM &&
               record_offset(&world.layout, SESSIONS) <= RECORD_PAGE);
    FUZZ_CHECK(pread(pool->region.fd, image, IMAGE_BYTES, 0) == (ssize_t)IMAGE_BYTES);
    uint64_t check;
    memcpy(&check, image + CHECK_AT, sizeof check);
    FUZZ_CHECK(check == digest_64(image, CHECK_AT, 0));
    close_pool();
    FUZZ_CHECK(unlink(world.path) == 0);
}

static void set_up(void)
{
    static const struct config config = { .interval_levels = "0.8,0.9,0.95",
                                          .interval_horizon_max = 24,
                                          .models = "",
                                          .data = "",
                                          .cluster = "",
                                          .session_max = ROWS_MAX,
                                          .session_history = HISTORY,
                                          .amend = 1,
                                          .sync_interval_ms = 1000 };
    log_setup(LOG_ERROR + 1, LOG_TEXT);
    snprintf(world.path, sizeof world.path, "%s/m.pool", fuzz_folder());
    arena_init(&world.arena, ARENA_BYTES);
    world.usual = fuzz_model(FUZZ_WEATHER);
    world.wider = fuzz_model(FUZZ_WEATHER_WIDER);
    world.with_other_inputs = fuzz_model(FUZZ_CLOSED);
    FUZZ_CHECK(service_create(&config, &world.service, &world.fault) == STATUS_OK);
    FUZZ_CHECK(service_context_create(world.service, &world.context) == STATUS_OK);
    make_image(0);
    make_image(WAY_BASE);
}

/* ---- what becomes of it ---- */

static char *record_of(char *bytes, unsigned slot)
{
    return bytes + RECORDS_FROM +
           record_offset(&world.layout, slot % (RECORD_PAGE / world.layout.record_bytes));
}

static void patch(struct input *input, char *at, const char *end)
{
    for (unsigned n = take_byte(input) % 32; n > 0 && at < end; n--) {
        *at++ = (char)take_byte(input);
    }
}

static void patch_record(struct input *input)
{
    char *record = record_of(file.bytes, take_byte(input));
    unsigned part = take_byte(input) % 4;
    size_t header = record_header_bytes(&world.layout);
    size_t place =
        take_byte(input) + (part > 0 ? header + (part - 1) * (size_t)world.layout.copy_bytes : 0);
    patch(input, record + place, record + world.layout.record_bytes);
}

static void copy_record(struct input *input)
{
    const char *from = record_of(file.bytes, take_byte(input));
    memmove(record_of(file.bytes, take_byte(input)), from, world.layout.record_bytes);
}

static void resize(size_t n)
{
    n = n < FILE_MAX ? n : FILE_MAX;
    if (n > file.n) {
        memset(file.bytes + file.n, 0, n - file.n);
    } else {
        memset(file.bytes + n, 0, file.n - n);
    }
    file.n = n;
}

static void seal_file(void)
{
    uint64_t check = digest_64(file.bytes, CHECK_AT, 0);
    memcpy(file.bytes + CHECK_AT, &check, sizeof check);
    file.is_forged = true;
}

static void seal_record(char *record, unsigned which)
{
    if (which != 2) {
        record_header_seal(record);
    }
    for (int copy = 0; copy < 2 && which != 1; copy++) {
        record_seal(&world.layout, record, record_copy_at(&world.layout, record, copy));
    }
    file.is_forged = true;
}

/* Makes the readings those that the newest copy stands for, if it can stand for so many. */
static void seal_readings(char *record)
{
    double readings[HISTORY * 2];
    struct record_copy *copy = record_newest(&world.layout, record);
    file.is_forged = true;
    if (copy->n_readings > HISTORY || copy->n_readings > copy->step || copy->step == UINT64_MAX) {
        return;
    }
    record_read_readings(&world.layout, record, copy, readings);
    record_put_readings(&world.layout, record, copy, readings, NULL, copy->n_readings);
    record_seal(&world.layout, record, copy);
}

static void operate(struct input *input)
{
    switch ((enum operation)(take_byte(input) % N_OPERATIONS)) {
    case OPERATION_PATCH: {
        size_t place = take_byte(input) << 8;
        place = (place | take_byte(input)) % FILE_MAX;
        patch(input, file.bytes + place, file.bytes + file.n);
        break;
    }
    case OPERATION_PATCH_RECORD:
        patch_record(input);
        break;
    case OPERATION_COPY_RECORD:
        copy_record(input);
        break;
    case OPERATION_TRUNCATE: {
        size_t n = take_byte(input) << 8;
        n |= take_byte(input);
        resize(n < file.n ? n : file.n);
        break;
    }
    case OPERATION_EXTEND:
        resize(file.n + (size_t)(take_byte(input) % 8) * RECORD_PAGE);
        break;
    case OPERATION_SEAL_FILE:
        seal_file();
        break;
    case OPERATION_SEAL_RECORD: {
        char *record = record_of(file.bytes, take_byte(input));
        seal_record(record, take_byte(input) % 3);
        break;
    }
    case OPERATION_SEAL_READINGS:
        seal_readings(record_of(file.bytes, take_byte(input)));
        break;
    case N_OPERATIONS:
        break;
    }
}

static void make_file(struct input *input)
{
    file.n = 0;
    resize(IMAGE_BYTES);
    memcpy(file.bytes, image, IMAGE_BYTES);
    file.is_forged = false;
    while (input->p < input->end) {
        operate(input);
    }
    write_file(file.bytes, file.n);
}

/* ---- laws ---- */

static enum status read_session(const char *id, struct session *ret_session)
{
    enum status status =
        session_read(world.context, find_model(), id, &world.arena, ret_session, &world.fault);
    FUZZ_CHECK(status == STATUS_OK || status == STATUS_SESSION_NOT_FOUND ||
               status == STATUS_SESSION_DAMAGED || status == STATUS_SESSION_EXPIRED ||
               status == STATUS_SESSION_EVICTED);
    return status;
}

/* It is one of the two moments that the healthy file holds of it. */
static void check_served(const struct session *session, bool is_converted)
{
    char *record = record_of(image, 0);
    for (unsigned slot = 0; slot < SESSIONS; slot++) {
        record = record_of(image, slot);
        if (strncmp(record_header_of(record)->id, session->row.session, SESSION_ID_MAX) == 0) {
            break;
        }
    }
    const struct record_copy *copy = record_copy_at(&world.layout, record, 0);
    copy = copy->step == session->row.step ? copy : record_other(&world.layout, record, copy);
    FUZZ_CHECK(strncmp(record_header_of(record)->id, session->row.session, SESSION_ID_MAX) == 0);
    FUZZ_CHECK(copy->step == session->row.step && session->n_readings <= copy->n_readings);
    double readings[HISTORY * 2];
    record_read_readings(&world.layout, record, copy, readings);
    FUZZ_CHECK(memcmp(session->readings, readings, session->n_readings * 2 * sizeof *readings) ==
               0);
    if (!is_converted) {
        FUZZ_CHECK(memcmp(session->state, copy->errors + world.layout.n_outputs,
                          world.layout.state_floats * sizeof(float)) == 0);
    }
}

static void check_text(const struct session *session)
{
    struct text text;
    struct json j;
    text_init(&text, &world.arena, 0);
    codec_put_session(&text, session);
    json_init(&j, text.p, text.n);
    FUZZ_CHECK(!text.failed && json_skip(&j) && json_end(&j));
}

/* Each of the last readings, and one that is not kept. */
static void check_amend(const char *id, const struct session *session)
{
    struct session amended;
    struct step step;
    for (uint64_t k = 0; k <= HISTORY && k < session->row.step; k++) {
        enum status status = take(id, session->row.step - k, &step);
        FUZZ_CHECK(status == STATUS_OK || status == STATUS_TOO_LATE ||
                   status == STATUS_SESSIONS_FULL ||
                   (file.is_forged && status == STATUS_NON_FINITE_RESULT));
        FUZZ_CHECK(read_session(id, &amended) == STATUS_OK);
        FUZZ_CHECK(file.is_forged || (amended.row.step == session->row.step &&
                                      amended.n_readings == session->n_readings));
    }
}

static void check_session(const char *id, unsigned ways)
{
    struct session session, stepped;
    struct step step;
    if (read_session(id, &session) != STATUS_OK) {
        return;
    }
    FUZZ_CHECK(strcmp(session.row.session, id) == 0);
    check_text(&session);
    if (!file.is_forged) {
        check_served(&session, (ways & (WAY_OTHER_HISTORY | WAY_OTHER_STATE)) != 0);
    }
    enum status status = take_step(id, &step);
    FUZZ_CHECK(status == STATUS_OK || (file.is_forged && status == STATUS_NON_FINITE_RESULT));
    FUZZ_CHECK(read_session(id, &stepped) == STATUS_OK);
    FUZZ_CHECK(stepped.row.step == session.row.step + (status == STATUS_OK));
    if (ways & WAY_BASE) {
        check_amend(id, &stepped);
    }
}

/* What is there is there again after a restart, bit for bit. */
static void check_restart(const struct session_row *rows, size_t n, unsigned ways)
{
    struct session before[ROWS_MAX], after;
    bool was_read[ROWS_MAX];
    const size_t n_state = gru_model_info(find_model()->active->gru)->state_floats;
    for (size_t k = 0; k < n; k++) {
        was_read[k] = read_session(rows[k].session, &before[k]) == STATUS_OK;
    }
    close_pool();
    FUZZ_CHECK(open_pool(ways));
    for (size_t k = 0; k < n; k++) {
        if (!was_read[k] || read_session(rows[k].session, &after) != STATUS_OK) {
            FUZZ_CHECK(!was_read[k] ||
                       (file.is_forged && world.fault.status == STATUS_SESSION_EXPIRED));
            continue;
        }
        FUZZ_CHECK(before[k].row.step == after.row.step &&
                   before[k].n_readings == after.n_readings);
        FUZZ_CHECK(memcmp(before[k].state, after.state, n_state * sizeof *after.state) == 0);
        FUZZ_CHECK(memcmp(before[k].readings, after.readings,
                          after.n_readings * world.layout.n_inputs * sizeof *after.readings) == 0);
    }
}

/* Lists, reads and steps what is there, lets the rest of a pool's life happen, and restarts. */
static void use_pool(unsigned ways)
{
    struct session_row rows[ROWS_MAX];
    struct step step;
    size_t n;
    bool has_more;
    pool_expire(find_model()->pool, clock_steady_ms());
    const struct session_query query = { .model = find_model(), .prefix = "", .limit = ROWS_MAX };
    FUZZ_CHECK(session_list(world.context, &query, rows, &n, &has_more, &world.fault) == STATUS_OK);
    FUZZ_CHECK(!has_more && (file.is_forged || n <= SESSIONS));
    for (size_t k = 0; k < n; k++) {
        check_session(rows[k].session, ways);
    }
    enum status status = take_step("new", &step);
    FUZZ_CHECK(status == STATUS_OK || status == STATUS_SESSIONS_FULL || file.is_forged);
    check_restart(rows, n, ways);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (!world.service) {
        set_up();
    }
    struct input input = { bytes, bytes + n };
    unsigned ways = take_byte(&input);
    choose_image(ways);
    make_file(&input);
    if (open_pool(ways)) {
        use_pool(ways);
        close_pool();
    }
    arena_reset(&world.arena);
    FUZZ_CHECK(unlink(world.path) == 0);
    return 0;
}
