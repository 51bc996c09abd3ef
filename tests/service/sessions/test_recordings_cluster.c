/* Recorded readings in a real engine, read while others record. */
#include "cluster/cluster_target.h"
#include "config/config.h"
#include "service/real_engine.h"
#include "service/sessions/reading_wire.h"
#include "service/sessions/recorded_list.h"
#include "service/sessions/recordings_cluster.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60000, BYTES_MAX = 128, AT_ONCE = 1000 };

/* An engine, and the ways to it of who reads and of who records. */
struct shelf {
    struct cluster_target *target;
    struct engine *reader, *writer;
    struct recorded_trips trips; /* of the reader */
    struct arena arena;
    struct fault fault;
};

static bool shelf_open(struct shelf *shelf)
{
    char url[64];
    unsigned port;
    if (!real_engine_start(&port)) {
        return false;
    }
    memset(shelf, 0, sizeof *shelf);
    snprintf(url, sizeof url, "redis://127.0.0.1:%u/0", port);
    const struct config config = { .cluster = url,
                                   .cluster_ca = "",
                                   .cluster_password_file = "",
                                   .cluster_prefix = "grud:",
                                   .cluster_timeout_ms = MINUTE_MS };
    ck_assert_int_eq(cluster_target_read(&config, &shelf->target, &shelf->fault), STATUS_OK);
    ck_assert_int_eq(engine_create(shelf->target, &shelf->reader, &shelf->fault), STATUS_OK);
    ck_assert_int_eq(engine_create(shelf->target, &shelf->writer, &shelf->fault), STATUS_OK);
    shelf->trips = (struct recorded_trips){ .engine = shelf->reader };
    arena_init(&shelf->arena, 64 << 20);
    return true;
}

static void shelf_close(struct shelf *shelf)
{
    arena_done(&shelf->arena);
    engine_free(shelf->reader);
    engine_free(shelf->writer);
    cluster_target_free(shelf->target);
    real_engine_end();
}

static void tell(struct shelf *shelf, const struct cluster_text *words, size_t n)
{
    const struct cluster_reply *reply;
    ck_assert_msg(cluster_link_call(engine_link(shelf->writer), words, n, &reply, &shelf->fault) ==
                          STATUS_OK &&
                      reply->type != CLUSTER_ERROR,
                  "%s: %s", words[0].bytes, shelf->fault.message);
}

static struct cluster_text word(const char *text)
{
    return (struct cluster_text){ text, strlen(text) };
}

static void push(struct shelf *shelf, const char *session, const struct recorded *reading)
{
    char key[64], bytes[BYTES_MAX];
    snprintf(key, sizeof key, "grud:s:m:%s/r", session);
    ck_assert_uint_le(reading_wire_bytes(reading), BYTES_MAX);
    reading_wire_write(reading, bytes);
    const struct cluster_text words[] = { CLUSTER_WORD("RPUSH"),
                                          word(key),
                                          { bytes, reading_wire_bytes(reading) } };
    tell(shelf, words, 3);
}

/* Steps first..last of one input, whose value is the step. */
static void push_steps(struct shelf *shelf, const char *session, uint64_t first, uint64_t last)
{
    for (uint64_t step = first; step <= last; step++) {
        const double x = (double)(uint32_t)step;
        const struct recorded reading = { .step = step, .at = (double)NAN, .x = &x, .n_inputs = 1 };
        push(shelf, session, &reading);
    }
}

/* The same, fast: of session "s". */
static void push_many(struct shelf *shelf, uint64_t first, uint64_t last)
{
    static struct cluster_text words[2 + AT_ONCE];
    static char bytes[AT_ONCE][BYTES_MAX];
    words[0] = CLUSTER_WORD("RPUSH");
    words[1] = CLUSTER_WORD("grud:s:m:s/r");
    while (first <= last) {
        size_t n = 0;
        for (; n < AT_ONCE && first <= last; n++, first++) {
            const double x = (double)first;
            const struct recorded reading = {
                .step = first, .at = (double)NAN, .x = &x, .n_inputs = 1
            };
            reading_wire_write(&reading, bytes[n]);
            words[2 + n] = (struct cluster_text){ bytes[n], reading_wire_bytes(&reading) };
        }
        tell(shelf, words, 2 + n);
    }
}

/* ---- a list, while others record ---- */

enum { ROWS = 9000 };

struct reading_on {
    struct shelf *shelf;
    uint64_t next;      /* the step that must come */
    uint64_t newest;    /* that was recorded */
    size_t n, n_pushed; /* at each 100th reading */
    bool deletes;
};

static enum status take(void *arg, const struct reading_head *head, const char *bytes,
                        bool *ret_goes_on, struct fault *fault)
{
    struct reading_on *on = arg;
    double x;
    (void)fault;
    reading_wire_read_x(bytes, head, &x);
    ck_assert_uint_eq(head->step, on->next);
    ck_assert_double_eq(x, (double)head->step);
    on->next--;
    if (on->n++ % 100 == 0 && on->n_pushed > 0) {
        push_many(on->shelf, on->newest + 1, on->newest + on->n_pushed);
        on->newest += on->n_pushed;
        const struct cluster_text trim[] = { CLUSTER_WORD("LTRIM"), CLUSTER_WORD("grud:s:m:s/r"),
                                             CLUSTER_WORD("-9000"), CLUSTER_WORD("-1") };
        tell(on->shelf, trim, 4);
    }
    if (on->deletes && on->n == 300) {
        const struct cluster_text words[] = { CLUSTER_WORD("DEL"), CLUSTER_WORD("grud:s:m:s/r") };
        tell(on->shelf, words, 2);
    }
    *ret_goes_on = true;
    return STATUS_OK;
}

static struct recorded_list list_of(struct shelf *shelf, size_t rows_max, size_t n_window)
{
    return (struct recorded_list){ .trips = shelf->trips,
                                   .model = "m",
                                   .key = pool_key_of("s"),
                                   .n_inputs = 1,
                                   .rows_max = rows_max,
                                   .n_window = n_window };
}

static void begin_list(struct shelf *shelf)
{
    const struct cluster_text words[] = { CLUSTER_WORD("DEL"), CLUSTER_WORD("grud:s:m:s/r") };
    tell(shelf, words, 2);
    push_many(shelf, 1, ROWS);
}

TEST(a_list_is_read_from_its_end_as_far_as_is_wanted)
{
    static const size_t windows[] = { 1, 2, 3, 1000, 100000 };
    struct shelf shelf;
    if (!shelf_open(&shelf)) {
        return;
    }
    begin_list(&shelf);
    for (size_t k = 0; k < sizeof windows / sizeof *windows; k++) {
        for (size_t rows_max = 0; rows_max < 3; rows_max++) {
            static const size_t most[] = { ROWS + 1, 5000, 1 };
            struct reading_on on = { .shelf = &shelf, .next = ROWS };
            const struct recorded_list list = list_of(&shelf, most[rows_max], windows[k]);
            ck_assert_int_eq(recorded_list_read(&list, take, &on, &shelf.fault), STATUS_OK);
            ck_assert_uint_eq(on.n, most[rows_max] < ROWS ? most[rows_max] : ROWS);
        }
    }
    shelf_close(&shelf);
}

/* No reading twice, none left out: `take` looks. */
TEST(what_others_record_meanwhile_moves_nothing)
{
    static const size_t pushed[] = { 1, 3, 40, 99, 1500 };
    struct shelf shelf;
    if (!shelf_open(&shelf)) {
        return;
    }
    for (size_t k = 0; k < sizeof pushed / sizeof *pushed; k++) {
        begin_list(&shelf);
        struct reading_on on = {
            .shelf = &shelf, .next = ROWS, .newest = ROWS, .n_pushed = pushed[k]
        };
        const struct recorded_list list = list_of(&shelf, ROWS, 64);
        ck_assert_int_eq(recorded_list_read(&list, take, &on, &shelf.fault), STATUS_OK);
        /* what is left out was dropped meanwhile */
        const uint64_t oldest = on.next + 1, n_recorded = on.newest - ROWS;
        ck_assert_msg(oldest - 1 <= n_recorded, "%zu: from %d on, of %d", pushed[k], (int)oldest,
                      (int)n_recorded);
        ck_assert_uint_gt(on.n, 64);
    }
    shelf_close(&shelf);
}

TEST(a_list_that_is_deleted_meanwhile_ends)
{
    struct shelf shelf;
    if (!shelf_open(&shelf)) {
        return;
    }
    begin_list(&shelf);
    struct reading_on on = { .shelf = &shelf, .next = ROWS, .newest = ROWS, .deletes = true };
    const struct recorded_list list = list_of(&shelf, ROWS, 64);
    ck_assert_int_eq(recorded_list_read(&list, take, &on, &shelf.fault), STATUS_OK);
    ck_assert_uint_ge(on.n, 300);
    ck_assert_uint_lt(on.n, ROWS);
    shelf_close(&shelf);
}

TEST(what_is_no_reading_is_told)
{
    static const struct {
        const char *bytes, *words;
    } entries[] = { { "\001short", "damaged" }, { "\002later", "update this node" } };
    struct shelf shelf;
    if (!shelf_open(&shelf)) {
        return;
    }
    const struct recorded_list list = list_of(&shelf, ROWS, 64);
    for (size_t k = 0; k < 2; k++) {
        struct reading_on on = { .shelf = &shelf, .next = 5 };
        const struct cluster_text words[] = { CLUSTER_WORD("RPUSH"), CLUSTER_WORD("grud:s:m:s/r"),
                                              word(entries[k].bytes) };
        begin_list(&shelf);
        tell(&shelf, words, 3);
        ck_assert_int_eq(recorded_list_read(&list, take, &on, &shelf.fault), STATUS_STORAGE_FAILED);
        ck_assert_ptr_nonnull(strstr(shelf.fault.message, entries[k].words));
        ck_assert_uint_eq(on.n, 0);
    }
    const struct cluster_text words[] = { CLUSTER_WORD("SET"), CLUSTER_WORD("grud:s:m:s/r"),
                                          CLUSTER_WORD("x") };
    struct reading_on on = { .shelf = &shelf };
    tell(&shelf, words, 3);
    ck_assert_int_eq(recorded_list_read(&list, take, &on, &shelf.fault), STATUS_STORAGE_FAILED);
    ck_assert_ptr_nonnull(strstr(shelf.fault.message, "of another type"));
    shelf_close(&shelf);
}

/* ---- sequences ---- */

/* "a 1-3, a 7-8, b 1-1". */
static void expect_sequences(struct shelf *shelf, const char *session, bool is_prefix,
                             const char *wanted)
{
    struct recording *recordings;
    char text[256] = "";
    size_t n, at = 0;
    ck_assert_int_eq(recordings_cluster_read(&shelf->trips, 100, "m", session, is_prefix, 1,
                                             1 << 20, &shelf->arena, &recordings, &n,
                                             &shelf->fault),
                     STATUS_OK);
    for (size_t k = 0; k < n; k++) {
        const struct recording *it = &recordings[k];
        for (size_t row = 1; row < it->n_rows; row++) {
            ck_assert_double_eq(it->x[row], it->x[0] + (double)row);
        }
        ck_assert(k == 0 || (strcmp(it->session, recordings[k - 1].session) == 0) ==
                                (it->session == recordings[k - 1].session));
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %d-%d", k > 0 ? ", " : "",
                               it->session, (int)it->x[0], (int)it->x[it->n_rows - 1]);
    }
    ck_assert_str_eq(text, wanted);
}

static void list_id(struct shelf *shelf, const char *session)
{
    const struct cluster_text words[] = { CLUSTER_WORD("ZADD"), CLUSTER_WORD("grud:i:m"),
                                          CLUSTER_WORD("0"), word(session) };
    tell(shelf, words, 4);
}

TEST(a_sequence_ends_where_steps_do_not_follow_one_another)
{
    const uint64_t life = UINT64_C(1) << 32;
    const double two[] = { 1, 2 };
    const struct recorded wider = { .step = 12, .x = two, .n_inputs = 2 };
    struct shelf shelf;
    if (!shelf_open(&shelf)) {
        return;
    }
    expect_sequences(&shelf, "a", false, "");
    push_steps(&shelf, "a", 1, 4);
    expect_sequences(&shelf, "a", false, "a 1-4");
    push_steps(&shelf, "a", 6, 8); /* one is missing */
    push_steps(&shelf, "a", 8, 9); /* it was set back */
    push_steps(&shelf, "a", 3, 3);
    push_steps(&shelf, "a", life + 4, life + 6); /* it began anew */
    expect_sequences(&shelf, "a", false, "a 1-4, a 6-8, a 8-9, a 3-3, a 4-6");
    push(&shelf, "a", &wider); /* of a model of another width, which is left out */
    push_steps(&shelf, "a", life + 7, life + 7);
    expect_sequences(&shelf, "a", false, "a 1-4, a 6-8, a 8-9, a 3-3, a 4-7");
    shelf_close(&shelf);
}

TEST(a_prefix_reads_sessions_by_their_ids)
{
    struct shelf shelf;
    if (!shelf_open(&shelf)) {
        return;
    }
    static const char *const ids[] = { "b-2", "a", "b-10", "c", "b" };
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
        list_id(&shelf, ids[k]);
        push_steps(&shelf, ids[k], k + 1, 2 * k + 2);
    }
    list_id(&shelf, "b-none"); /* which has recorded nothing */
    expect_sequences(&shelf, "b", true, "b 5-10, b-10 3-6, b-2 1-2");
    expect_sequences(&shelf, "", true, "a 2-4, b 5-10, b-10 3-6, b-2 1-2, c 4-8");
    expect_sequences(&shelf, "d", true, "");
    list_id(&shelf, "b no id");
    struct recording *recordings;
    size_t n;
    ck_assert_int_eq(recordings_cluster_read(&shelf.trips, 100, "m", "b", true, 1, 1000,
                                             &shelf.arena, &recordings, &n, &shelf.fault),
                     STATUS_STORAGE_FAILED);
    shelf_close(&shelf);
}

static void count_trip(void *arg)
{
    ++*(size_t *)arg;
}

TEST(more_sessions_than_a_page_of_ids_are_read)
{
    enum { SESSIONS = 2100 };
    struct shelf shelf;
    struct recording *recordings;
    size_t n, n_trips = 0;
    if (!shelf_open(&shelf)) {
        return;
    }
    shelf.trips.between = count_trip;
    shelf.trips.arg = &n_trips;
    for (unsigned k = 0; k < SESSIONS; k++) {
        char id[16];
        snprintf(id, sizeof id, "s-%04u", k);
        list_id(&shelf, id);
        push_steps(&shelf, id, k + 1, k + 1);
    }
    ck_assert_int_eq(recordings_cluster_read(&shelf.trips, 100, "m", "s-", true, 1, 1 << 20,
                                             &shelf.arena, &recordings, &n, &shelf.fault),
                     STATUS_OK);
    ck_assert_uint_eq(n, SESSIONS);
    ck_assert_uint_eq(n_trips, SESSIONS);
    for (unsigned k = 0; k < SESSIONS; k++) {
        ck_assert_double_eq(recordings[k].x[0], k + 1);
    }
    shelf_close(&shelf);
}

TEST(no_more_bytes_are_read_than_there_may_be)
{
    struct shelf shelf;
    struct recording *recordings;
    size_t n;
    if (!shelf_open(&shelf)) {
        return;
    }
    for (unsigned k = 0; k < 2; k++) {
        list_id(&shelf, k ? "b" : "a");
        push_steps(&shelf, k ? "b" : "a", 1, 10);
    }
    for (size_t room = 19; room <= 20; room++) {
        ck_assert_int_eq(recordings_cluster_read(&shelf.trips, 100, "m", "", true, 1,
                                                 room * sizeof(double), &shelf.arena, &recordings,
                                                 &n, &shelf.fault),
                         room < 20 ? STATUS_REQUEST_TOO_LARGE : STATUS_OK);
    }
    ck_assert_uint_eq(n, 2);
    /* and of each session the newest rows, whatever other nodes keep */
    ck_assert_int_eq(recordings_cluster_read(&shelf.trips, 3, "m", "a", false, 1, 1000,
                                             &shelf.arena, &recordings, &n, &shelf.fault),
                     STATUS_OK);
    ck_assert_uint_eq(recordings[0].n_rows, 3);
    ck_assert_double_eq(recordings[0].x[0], 8);
    shelf_close(&shelf);
}
