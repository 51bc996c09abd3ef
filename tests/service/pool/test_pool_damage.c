/* What the next process makes of a file whose bytes have changed. */
#include "service/pool/pool_extents.h"
#include "service/pool/record_ring.h"
#include "service/service_support.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct place {
    size_t at, n; /* in the file */
};

static void pool_path(const struct world *world, char path[256])
{
    snprintf(path, 256, "%s/sessions/m.pool", world->data);
}

static struct place place_of(struct world *world, const void *p, size_t n)
{
    return (struct place){ .at = region_place(&world_pool(world)->region, p), .n = n };
}

/* The two copies of a session's record, the newer first. */
static void places_of_copies(struct world *world, const char *session, struct place *newer,
                             struct place *older)
{
    const struct record_layout *layout = world_layout(world);
    char *record = world_record(world, session);
    const struct record_copy *copy = record_newest(layout, record);
    *newer = place_of(world, copy, layout->copy_bytes);
    *older = place_of(world, record_other(layout, record, copy), layout->copy_bytes);
}

/* To be called while no service runs. */
static void change_file(const struct world *world, size_t at, const void *bytes, size_t n)
{
    char path[256];
    pool_path(world, path);
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, n, (off_t)at), (ssize_t)n);
    close(fd);
}

static void flip_byte(const struct world *world, size_t at, unsigned char mask)
{
    char path[256];
    pool_path(world, path);
    struct bytes file = file_load(path);
    ck_assert_uint_lt(at, file.n);
    unsigned char byte = (unsigned char)(((unsigned char *)file.p)[at] ^ mask);
    free(file.p);
    change_file(world, at, &byte, 1);
}

/* Sessions "s" with 12 steps of stream 1, of which the last is not synced, and "other" with 5 of
 * stream 2. */
static void two_sessions(struct world *world)
{
    world_init(world);
    world_use_data(world);
    world_start(world);
    expect_steps(world, "s", 1, 1, 11);
    expect_steps(world, "other", 2, 1, 5);
    ck_assert(service_sync(world->service));
    expect_steps(world, "s", 1, 12, 12);
}

/* Two steps, the second in another place than the first. */
static void two_steps(struct world *world, uint64_t number)
{
    expect_twin(world, "s", 1, number);
    ck_assert(service_sync(world->service));
    expect_twin(world, "s", 1, number + 1);
}

static uint64_t n_stepped_back(struct world *world)
{
    struct service_figures figures;
    service_read_figures(world->service, &figures);
    return figures.n_sessions_stepped_back;
}

TEST(a_flipped_bit_in_the_newer_copy_costs_what_was_not_synced_and_no_more)
{
    struct world world;
    struct place newer, older;
    two_sessions(&world);
    uint64_t number = 12;
    size_t n_bytes = world_layout(&world)->copy_bytes;
    for (size_t k = 0; k < n_bytes; k++) {
        places_of_copies(&world, "s", &newer, &older);
        world_stop(&world);
        flip_byte(&world, newer.at + k, (unsigned char)(1 << k % 8));
        world_start(&world);
        struct session session = session_get(&world, "s");
        ck_assert_uint_eq(session.row.step, number - 1);
        double *x = readings(1, number - 8, number - 1);
        ck_assert_uint_eq(session.n_readings, 8);
        expect_same_values(session.readings, x, (size_t)8 * INPUTS);
        free(x);
        ck_assert_uint_eq(n_stepped_back(&world), 1);
        two_steps(&world, number++);
    }
    expect_twin(&world, "other", 2, 6);
    world_done(&world);
}

TEST(a_newer_copy_that_was_written_in_part_costs_what_was_not_synced_and_no_more)
{
    struct world world;
    struct place newer, older;
    two_sessions(&world);
    static const char zeros[4096];
    uint64_t number = 12;
    size_t n_bytes = record_front_bytes(world_layout(&world));
    for (size_t cut = 0; cut + 4 <= n_bytes;
         cut += 4) { /* its last bytes, or its first ones, are not there */
        places_of_copies(&world, "s", &newer, &older);
        world_stop(&world);
        change_file(&world, newer.at + (cut % 8 ? cut : 0), zeros,
                    cut % 8 ? n_bytes - cut : cut + 4);
        world_start(&world);
        two_steps(&world, number++);
    }
    world_done(&world);
}

TEST(a_flipped_bit_in_the_older_copy_costs_nothing)
{
    struct world world;
    struct place newer, older;
    two_sessions(&world);
    uint64_t number = 12;
    for (size_t k = 0; k < world_layout(&world)->copy_bytes; k++) {
        places_of_copies(&world, "s", &newer, &older);
        world_stop(&world);
        flip_byte(&world, older.at + k, (unsigned char)(1 << k % 8));
        world_start(&world);
        expect_twin(&world, "s", 1, ++number);
    }
    world_done(&world);
}

TEST(a_session_of_two_damaged_copies_is_never_served)
{
    struct world world;
    struct place newer, older;
    struct service_figures figures;
    two_sessions(&world);
    places_of_copies(&world, "s", &newer, &older);
    world_stop(&world);
    flip_byte(&world, newer.at + 20, 4);
    flip_byte(&world, older.at + 60, 128);
    world_start(&world);
    expect_fault(&world, "s", STATUS_SESSION_DAMAGED);
    expect_fault(&world, "s", STATUS_SESSION_DAMAGED);
    expect_twin(&world, "other", 2, 6);
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_sessions_damaged, 1);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    ck_assert_int_eq(world_delete(&world, "s"), STATUS_OK);
    expect_twin(&world, "s", 3, 1);
    world_done(&world);
}

TEST(zeros_in_both_copies_are_damage_as_well)
{
    struct world world;
    struct place newer, older;
    static const char zeros[4096];
    two_sessions(&world);
    places_of_copies(&world, "s", &newer, &older);
    world_stop(&world);
    change_file(&world, newer.at, zeros, newer.n);
    change_file(&world, older.at, zeros, older.n);
    world_start(&world);
    expect_fault(&world, "s", STATUS_SESSION_DAMAGED);
    expect_twin(&world, "other", 2, 6);
    world_done(&world);
}

TEST(a_damaged_session_is_not_served_after_a_change_of_layout_either)
{
    struct world world;
    struct place newer, older;
    two_sessions(&world);
    places_of_copies(&world, "s", &newer, &older);
    world_stop(&world);
    flip_byte(&world, newer.at + 20, 4);
    flip_byte(&world, older.at + 60, 128);
    world.config.session_history = 5;
    world_start(&world);
    expect_fault(&world, "s", STATUS_SESSION_DAMAGED);
    ck_assert_uint_eq(session_get(&world, "other").row.step, 5);
    world_done(&world);
}

TEST(a_damaged_header_costs_its_session_and_no_other)
{
    struct world world;
    struct service_figures figures;
    struct session session;
    two_sessions(&world);
    struct place header =
        place_of(&world, world_record(&world, "s"), record_header_bytes(world_layout(&world)));
    world_stop(&world);
    flip_byte(&world, header.at + 5, 1);
    world_start(&world);
    ck_assert_int_eq(
        session_read(world.context, world_model(&world), "s", &world.arena, &session, &world.fault),
        STATUS_SESSION_NOT_FOUND);
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_sessions_damaged, 1);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    expect_twin(&world, "other", 2, 6);
    expect_twin(&world, "s", 1, 1);
    world_done(&world);
}

TEST(a_header_of_zeros_is_counted_and_one_that_is_not_in_use_is_not)
{
    struct world world;
    struct service_figures figures;
    static const char zeros[4096];
    two_sessions(&world);
    expect_steps(&world, "gone", 3, 1, 2);
    ck_assert_int_eq(world_delete(&world, "gone"), STATUS_OK);
    const size_t n_header = record_header_bytes(world_layout(&world));
    struct place header = place_of(&world, world_record(&world, "s"), n_header);
    world_restart(&world);
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_sessions_damaged, 0);
    world_stop(&world);
    change_file(&world, header.at, zeros, n_header);
    world_start(&world);
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_sessions_damaged, 1);
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), 1);
    world_restart(&world);
    service_read_figures(world.service, &figures);
    ck_assert_uint_eq(figures.n_sessions_damaged, 0); /* once is enough */
    world_done(&world);
}

/* The older copy has all of its own if the last one is hurt; else the state stays. */
TEST(a_flipped_reading_costs_readings_or_what_was_not_synced)
{
    struct world world;
    struct service_figures figures;
    two_sessions(&world);
    uint64_t number = 12;
    const struct record_layout layout = *world_layout(&world);
    for (uint64_t back = 0; back < 9; back++) {
        struct place place =
            place_of(&world, record_reading(&layout, world_record(&world, "s"), number - back), 4);
        world_stop(&world);
        flip_byte(&world, place.at + 2, 16);
        world_start(&world);
        struct session session = session_get(&world, "s");
        ck_assert_uint_eq(session.row.step, number - (back == 0));
        ck_assert(back == 0 || session.n_readings <= (back < 8 ? back : 8));
        ck_assert(back > 0 || session.n_readings == 8);
        ck_assert(back < 3 || session.n_readings > 0);
        uint64_t first = session.row.step - session.n_readings + 1;
        double *x = readings(1, first, session.row.step);
        expect_same_values(session.readings, x, session.n_readings * INPUTS);
        free(x);
        service_read_figures(world.service, &figures);
        ck_assert_uint_eq(figures.n_sessions_stepped_back, back == 0);
        ck_assert_uint_eq(figures.n_readings_lost, back > 0 && session.n_readings < 8);
        world_restart(&world); /* once is enough */
        number = session_get(&world, "s").row.step;
        service_read_figures(world.service, &figures);
        ck_assert_uint_eq(figures.n_sessions_stepped_back + figures.n_readings_lost, 0);
        for (int k = 0; k < 8; k++) {
            expect_twin(&world, "s", 1, ++number);
        }
        two_steps(&world, number + 1);
        number += 2;
        ck_assert_uint_eq(session_get(&world, "s").n_readings, 8);
    }
    world_done(&world);
}

TEST(a_damaged_file_header_is_refused_with_the_reason)
{
    struct world world;
    two_sessions(&world);
    struct fault fault;
    const struct model *model;
    char path[256];
    pool_path(&world, path);
    struct pool_options options = { .name = "m",
                                    .path = path,
                                    .layout = world_pool(&world)->layout,
                                    .session_max = world.config.session_max };
    world_stop(&world);
    for (size_t at = 0; at < 56; at += 5) {
        struct pool *pool = NULL;
        flip_byte(&world, at, 1);
        ck_assert_int_eq(pool_open(&options, &pool, &fault), STATUS_STORAGE_FAILED);
        ck_assert_msg(strstr(fault.message, path) && strstr(fault.message, "header is damaged"),
                      "%s", fault.message);
        world_start(&world); /* the model is left out, the service runs */
        ck_assert_int_eq(model_find(world.context, "m", &model, &fault), STATUS_MODEL_UNAVAILABLE);
        world_stop(&world);
        flip_byte(&world, at, 1);
    }
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    world_done(&world);
}

/* Whoever can forge the checksum still cannot make sizes that do not fit each other. */
TEST(a_header_of_impossible_sizes_is_refused)
{
    struct world world;
    two_sessions(&world);
    world_stop(&world);
    char path[256];
    pool_path(&world, path);
    struct bytes file = file_load(path);
    enum { LAYOUT_AT = 16 };
    for (size_t field = 0; field < sizeof(struct record_layout) / sizeof(uint32_t); field++) {
        static const uint32_t values[] = { 0, 1, 3, 65535, UINT32_MAX, 1U << 31 };
        for (size_t v = 0; v < 6; v++) {
            char header[LAYOUT_AT + sizeof(struct record_layout) + sizeof(uint64_t)];
            memcpy(header, file.p, sizeof header);
            memcpy(header + LAYOUT_AT + field * sizeof(uint32_t), &values[v], sizeof values[v]);
            if (memcmp(header, file.p, sizeof header) == 0) {
                continue;
            }
            uint64_t check = digest_64(header, sizeof header - sizeof check, 0);
            memcpy(header + sizeof header - sizeof check, &check, sizeof check);
            change_file(&world, 0, header, sizeof header);
            const struct model *model;
            world_start(&world);
            ck_assert_int_eq(model_find(world.context, "m", &model, &world.fault),
                             STATUS_MODEL_UNAVAILABLE);
            world_stop(&world);
        }
    }
    change_file(&world, 0, file.p, 512);
    free(file.p);
    world_start(&world);
    expect_twin(&world, "s", 1, 13);
    world_done(&world);
}

TEST(a_file_that_is_cut_off_serves_the_sessions_before_the_cut)
{
    enum { SESSIONS = 2000 };
    struct world world;
    world_init(&world);
    world_use_data(&world);
    world_start(&world);
    char id[32], path[256];
    pool_path(&world, path);
    for (uint64_t s = 0; s < SESSIONS; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_steps(&world, id, s, 1, 1);
    }
    world_stop(&world);
    struct stat file;
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_int_eq(truncate(path, file.st_size / 3 + 1), 0);
    world_start(&world);
    size_t n_left = model_n_sessions(world_model(&world));
    ck_assert(n_left > 300 && n_left < SESSIONS);
    for (uint64_t s = 0; s < SESSIONS; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_twin(&world, id, s, s < n_left ? 2 : 1);
    }
    ck_assert_uint_eq(model_n_sessions(world_model(&world)), SESSIONS);
    world_restart(&world);
    for (uint64_t s = 0; s < SESSIONS; s++) {
        snprintf(id, sizeof id, "s%d", (int)s);
        expect_twin(&world, id, s, s < n_left ? 3 : 2);
    }
    world_done(&world);
}

TEST(what_was_cut_off_does_not_come_back_when_the_file_grows_again)
{
    enum { SESSIONS = 40 };
    for (size_t cut = 0; cut < 2 * RECORD_PAGE; cut += 331) {
        struct world world;
        char id[32], path[256];
        world_init(&world);
        world_use_data(&world);
        world_start(&world);
        size_t from = cut % 2 ? RECORD_PAGE : POOL_HEAD_BYTES + RECORD_PAGE;
        pool_path(&world, path);
        for (uint64_t s = 0; s < SESSIONS; s++) {
            snprintf(id, sizeof id, "s%d", (int)s);
            expect_steps(&world, id, s, 1, 3);
        }
        world_stop(&world);
        ck_assert_int_eq(truncate(path, (off_t)(from + cut)), 0);
        world_start(&world);
        size_t n_left = model_n_sessions(world_model(&world));
        ck_assert_uint_lt(n_left, SESSIONS);
        expect_steps(&world, "new", 99, 1, 1);
        world_restart(&world);
        ck_assert_uint_eq(model_n_sessions(world_model(&world)), n_left + 1);
        for (uint64_t s = 0; s < SESSIONS; s++) {
            snprintf(id, sizeof id, "s%d", (int)s);
            expect_twin(&world, id, s, s < n_left ? 4 : 1);
        }
        world_done(&world);
    }
}

/* As a kill leaves it before the next sync. */
TEST(of_two_records_of_one_session_the_one_that_has_succeeded_is_kept)
{
    for (int has_ended = 0; has_ended < 2; has_ended++) {
        struct world world;
        struct session session;
        bool created;
        two_sessions(&world);
        session = session_get(&world, "other");
        struct session_restore restore = restore_of(&session);
        char *before = world_record(&world, "s");
        ck_assert_int_eq(
            session_put(world.context, world_model(&world), "s", &restore, &created, &world.fault),
            STATUS_OK);
        char *after = world_record(&world, "s");
        ck_assert(!created && before != after);
        ck_assert_int_eq(world_use_of(&world, before), RECORD_IN_USE);
        ck_assert_int_eq(world_use_of(&world, after), RECORD_IN_USE);
        if (has_ended) {
            ck_assert_int_eq(world_delete(&world, "s"), STATUS_OK);
            ck_assert_int_eq(world_use_of(&world, before), RECORD_IN_USE);
            ck_assert_int_eq(world_use_of(&world, after), RECORD_ENDED);
        }
        for (int round = 0; round < 2; round++) {
            world_restart(&world);
            ck_assert_uint_eq(model_n_sessions(world_model(&world)), 2 - (size_t)has_ended);
            expect_twin(&world, "other", 2, 6 + (uint64_t)round);
            enum status status = session_read(world.context, world_model(&world), "s", &world.arena,
                                              &session, &world.fault);
            ck_assert_int_eq(status, has_ended ? STATUS_SESSION_NOT_FOUND : STATUS_OK);
            ck_assert(has_ended || session.row.step == 5);
        }
        expect_twin(&world, "s", has_ended ? 4 : 2, has_ended ? 1 : 6);
        world_done(&world);
    }
}

TEST(a_file_that_is_not_ours_is_refused)
{
    struct world world;
    char path[256], junk[9000];
    const struct model *model;
    two_sessions(&world);
    world_stop(&world);
    pool_path(&world, path);
    static const size_t sizes[] = { 0, 1, 100, RECORD_PAGE, sizeof junk };
    for (size_t k = 0; k < 10; k++) { /* and files of zeros */
        size_t n = sizes[k % 5];
        memset(junk, k < 5 ? 'j' : 0, sizeof junk);
        file_store(path, junk, n);
        world_start(&world);
        ck_assert_int_eq(model_find(world.context, "m", &model, &world.fault),
                         STATUS_MODEL_UNAVAILABLE);
        world_stop(&world);
        struct bytes file = file_load(path);
        ck_assert_uint_eq(file.n, n); /* and left as it was */
        free(file.p);
    }
    world_done(&world);
}
