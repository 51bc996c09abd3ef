#include "service/pool/record.h"

#include "service/pool/record_ring.h"
#include "service/scores/interval_tracker.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct record_layout layout_of(size_t n_inputs, size_t n_outputs, size_t n_state,
                                      size_t n_history)
{
    const struct gru_info info = { .n_inputs = n_inputs,
                                   .n_outputs = n_outputs,
                                   .state_floats = n_state };
    return record_layout_of(&info, n_history);
}

/* A disk writes whole sectors: what must not be torn apart lies in one. */
TEST(records_lie_side_by_side_and_none_has_its_tag_torn_off)
{
    enum { SECTOR = 512, WORDS = 8 };
    for (size_t state = 1; state < 3000; state += 61) {
        for (size_t history = 1; history < 100; history += 17) {
            struct record_layout layout = layout_of(2, 1, state, history);
            size_t end = 0;
            for (size_t slot = 0; slot < 100; slot++) {
                size_t at = record_offset(&layout, slot);
                ck_assert_uint_eq(at, end);
                ck_assert_uint_eq(at / SECTOR, (at + WORDS - 1) / SECTOR);
                end = at + layout.record_bytes;
            }
            ck_assert_uint_eq(layout.copy_bytes % sizeof(uint64_t), 0);
        }
    }
}

/* The disk has the new check and the old birth: that is told from damage, where it can be so. */
TEST(a_birth_that_was_torn_off_is_told_from_its_tag)
{
    enum { SECTOR = 512 };
    struct record_layout layout = layout_of(3, 2, 37, 10);
    char *bytes = aligned_alloc(SECTOR, (layout.record_bytes + 2 * SECTOR) / SECTOR * SECTOR);
    ck_assert_ptr_nonnull(bytes);
    for (size_t at = 0; at < SECTOR; at += sizeof(uint64_t)) {
        char *record = bytes + at;
        record_begin(&layout, record, "s", 1);
        record_set_birth(record, 0x123456789);
        record_header_seal(record);
        ck_assert_int_eq(record_use_of(&layout, record), RECORD_IN_USE);
        ck_assert(!record_birth_is_torn(record));
        record_header_of(record)->birth = 0x123456700;
        ck_assert_int_eq(record_use_of(&layout, record), RECORD_DAMAGED);
        ck_assert_int_eq(record_birth_is_torn(record), at == SECTOR - sizeof(uint64_t));
    }
    free(bytes);
}

TEST(the_parts_of_a_record_do_not_overlap)
{
    struct record_layout layout = layout_of(3, 2, 37, 10);
    char *record = calloc(1, layout.record_bytes);
    ck_assert_ptr_nonnull(record);
    char *first = (char *)record_copy_at(&layout, record, 0);
    char *second = (char *)record_copy_at(&layout, record, 1);
    ck_assert(first >= record + record_header_bytes(&layout));
    ck_assert(second >= first + layout.copy_bytes);
    char *state_end = (char *)(record_state(&layout, record_copy_at(&layout, record, 1)) + 37);
    ck_assert(state_end <= second + layout.copy_bytes);
    ck_assert_uint_ge(layout.ring_rows, 10 + 2);
    for (uint64_t step = 1; step <= layout.ring_rows; step++) {
        char *reading = (char *)record_reading(&layout, record, step);
        ck_assert(reading >= second + layout.copy_bytes);
        ck_assert(reading + 3 * sizeof(float) <= record + layout.record_bytes);
    }
    ck_assert_ptr_eq(record_reading(&layout, record, layout.ring_rows + 1),
                     record_reading(&layout, record, 1));
    free(record);
}

TEST(only_layouts_that_are_computed_are_valid)
{
    struct record_layout layout = layout_of(3, 2, 37, 10);
    ck_assert(record_layout_is_valid(&layout));
    for (size_t k = 0; k < sizeof layout; k++) {
        struct record_layout changed = layout;
        ((unsigned char *)&changed)[k] ^= 0x41;
        ck_assert_msg(!record_layout_is_valid(&changed), "byte %zu", k);
    }
    struct record_layout zero = { 0 };
    ck_assert(!record_layout_is_valid(&zero));
}

/* ---- readings ---- */

enum { I = 3, K = 7 };

static void value_of(uint64_t stream, uint64_t step, double x[I])
{
    for (uint64_t k = 0; k < I; k++) {
        x[k] = (float)(stream * 1000 + step * 10 + k);
    }
}

/* A record with one whole copy (the first), at step 0. */
static char *fresh(const struct record_layout *layout)
{
    char *record = calloc(1, layout->record_bytes);
    ck_assert_ptr_nonnull(record);
    record_begin(layout, record, "some-session", strlen("some-session"));
    record_header_of(record)->birth = 7;
    record_header_seal(record);
    struct record_copy *copy = record_copy_at(layout, record, 0);
    copy->writes = 1;
    record_seal(layout, record, copy);
    return record;
}

static void expect_readings(const struct record_layout *layout, char *record,
                            const struct record_copy *copy, uint64_t stream, uint64_t n)
{
    double got[K * I] = { 0 }, x[I] = { 0 };
    ck_assert_uint_eq(copy->n_readings, n);
    record_read_readings(layout, record, copy, got);
    for (uint64_t k = 0; k < n; k++) {
        value_of(stream, copy->step - n + 1 + k, x);
        ck_assert_mem_eq(got + k * I, x, sizeof x);
    }
}

/* One step, written over that copy. */
static void advance_to(const struct record_layout *layout, char *record, struct record_copy *place,
                       uint64_t stream)
{
    struct record_copy *now = record_newest(layout, record);
    struct record_copy *next = malloc(layout->copy_bytes);
    ck_assert_ptr_nonnull(next);
    double x[I];
    memcpy(next, now, layout->copy_bytes);
    value_of(stream, now->step + 1, x);
    record_advance(layout, record, next, x);
    next->writes = now->writes + 1;
    record_seal(layout, record, next);
    memcpy(place, next, layout->copy_bytes);
    free(next);
}

/* One step: the older copy becomes the newer one. */
static void advance(const struct record_layout *layout, char *record, uint64_t stream)
{
    struct record_copy *now = record_newest(layout, record);
    advance_to(layout, record, record_other(layout, record, now), stream);
}

/* What a restart makes of it: the copy to go on from. NULL: none. */
static struct record_copy *found(const struct record_layout *layout, char *record)
{
    struct record_findings findings;
    record_examine(layout, record, &findings);
    return findings.copy;
}

TEST(both_copies_always_have_their_readings)
{
    struct record_layout layout = layout_of(I, 1, 5, K);
    char *record = fresh(&layout);
    for (uint64_t step = 1; step < 100; step++) {
        const struct record_copy *before = record_newest(&layout, record);
        advance(&layout, record, 4);
        const struct record_copy *after = record_newest(&layout, record);
        ck_assert_ptr_ne(after, before);
        ck_assert_uint_eq(after->step, step);
        expect_readings(&layout, record, after, 4, step < K ? step : K);
        expect_readings(&layout, record, before, 4, step - 1 < K ? step - 1 : K);
        ck_assert_uint_eq(record_count_readings(&layout, record, after), after->n_readings);
        ck_assert_uint_eq(record_count_readings(&layout, record, before), before->n_readings);
    }
    free(record);
}

/* The other copy is written over, and over again: this one keeps all its readings for two steps,
 * and then those that are still there; never one that is not its own. */
TEST(a_copy_outlives_later_steps_with_the_readings_that_are_still_its_own)
{
    for (size_t n_history = 1; n_history <= K; n_history++) {
        struct record_layout layout = layout_of(I, 1, 5, n_history);
        for (uint64_t first = 1; first < 30; first++) {
            char *record = fresh(&layout);
            for (uint64_t step = 1; step <= first; step++) {
                advance(&layout, record, 4);
            }
            struct record_copy *kept = record_newest(&layout, record);
            struct record_copy *place = record_other(&layout, record, kept);
            uint32_t n_before = kept->n_readings;
            for (uint64_t later = 1; later < 20; later++) {
                advance_to(&layout, record, place, 4);
                uint32_t n = record_count_readings(&layout, record, kept);
                ck_assert(later > 2 || n == kept->n_readings);
                ck_assert_uint_le(n, n_before);
                ck_assert(n + later + RECORD_BLOCK > layout.ring_rows || n == kept->n_readings);
                double x[I], due[I];
                record_read_reading(&layout, record, kept->step - n + 1, x);
                value_of(4, kept->step - n + 1, due);
                ck_assert(n == 0 || memcmp(x, due, sizeof due) == 0);
                ck_assert_uint_eq(record_count_readings(&layout, record, place), place->n_readings);
                n_before = n;
            }
            free(record);
        }
    }
}

TEST(readings_may_be_put_in_place_at_any_step)
{
    struct record_layout layout = layout_of(I, 1, 5, K);
    for (uint64_t step = 0; step < 30; step++) {
        for (uint64_t n = 0; n <= K && n <= step; n++) {
            char *record = fresh(&layout);
            double x[K * I];
            for (uint64_t k = 0; k < n; k++) {
                value_of(9, step - n + 1 + k, x + k * I);
            }
            struct record_copy *copy = record_newest(&layout, record);
            copy->step = step;
            record_put_readings(&layout, record, copy, x, NULL, n);
            record_seal(&layout, record, copy);
            ck_assert_ptr_eq(found(&layout, record), copy);
            expect_readings(&layout, record, copy, 9, n);
            for (uint64_t more = 1; more < 2 * K; more++) {
                advance(&layout, record, 9);
                uint64_t kept = n + more < K ? n + more : K;
                expect_readings(&layout, record, record_newest(&layout, record), 9, kept);
            }
            ck_assert_ptr_eq(found(&layout, record), record_newest(&layout, record));
            ck_assert_uint_eq(record_newest(&layout, record)->n_readings, K);
            free(record);
        }
    }
}

/* ---- values that need more digits than a float has ---- */

static struct record_layout wide_layout_of(size_t n_history)
{
    const struct gru_info info = {
        .n_inputs = I, .n_outputs = 1, .state_floats = 5, .is_wide = true
    };
    return record_layout_of(&info, n_history);
}

static void wide_value_of(uint64_t step, double x[I])
{
    x[0] = 1e8 + (double)step;
    x[1] = step % 3 == 0 ? (double)NAN : -1e12 - (double)step;
    x[2] = 0.5;
}

TEST(a_wide_record_keeps_two_floats_a_value)
{
    const struct record_layout narrow = layout_of(I, 1, 5, K), wide = wide_layout_of(K);
    ck_assert_uint_eq(record_ring_bytes(&wide) - record_ring_bytes(&narrow),
                      wide.ring_rows * I * sizeof(float));
    ck_assert_uint_eq(narrow.copy_bytes, wide.copy_bytes);
    ck_assert(record_layout_is_valid(&wide));
    for (int has_base = 0; has_base < 2; has_base++) {
        const struct record_layout layout = has_base ? record_layout_with_base(&wide) : wide;
        char *record = fresh(&layout), *other = fresh(&layout);
        struct record_copy *copy = record_copy_at(&layout, record, 0);
        double x[I], got[K * I];
        ck_assert(record_layout_is_valid(&layout));
        for (uint64_t step = 1; step <= 20; step++) {
            if (has_base) {
                record_base_of(&layout, copy)->n_since = 0;
            }
            copy->last_at = 1000 + (double)step;
            wide_value_of(step, x);
            record_advance(&layout, record, copy, x);
        }
        ck_assert_uint_eq(record_count_readings(&layout, record, copy), K);
        memcpy(record_copy_at(&layout, other, 0), copy, layout.copy_bytes);
        record_copy_readings(&layout, record, &layout, other, record_copy_at(&layout, other, 0));
        record_read_readings(&layout, other, copy, got);
        for (uint64_t k = 0; k < K; k++) {
            const uint64_t step = 20 - K + 1 + k;
            wide_value_of(step, x);
            for (size_t i = 0; i < I; i++) {
                const double value = got[k * I + i];
                ck_assert(value == x[i] || (isnan(value) && isnan(x[i])));
            }
            ck_assert(!has_base ||
                      record_read_stamp(&layout, other, step).last_at == 1000 + (double)step);
        }
        free(record);
        free(other);
    }
}

/* ---- what a restart finds ---- */

/* The goal is 1500 bytes for a session, and 1600 with one level one step ahead, of which the slot
 * and the index take 34. */
TEST(a_session_with_an_id_of_16_takes_what_it_may)
{
    const struct record_layout plain = layout_of(4, 1, 64 + 4 + 1, 32);
    const size_t n_tail = interval_layout_of(1, 1, 1).n_bytes;
    const struct record_layout tailed = record_layout_with_tail(&plain, n_tail);
    ck_assert_uint_eq(record_layout_with_room(&plain, record_room_of(16)).record_bytes, 1464);
    ck_assert_uint_eq(record_layout_with_room(&tailed, record_room_of(16)).record_bytes, 1560);
}

TEST(a_record_has_the_least_room_that_its_id_fits_into)
{
    ck_assert_uint_eq(record_room_of(SESSION_ID_MAX), RECORD_ROOMS - 1);
    for (size_t n_id = 1; n_id <= SESSION_ID_MAX; n_id++) {
        const unsigned room = record_room_of(n_id);
        ck_assert(record_rooms[room] >= n_id && (room == 0 || record_rooms[room - 1] < n_id));
        ck_assert_uint_eq(record_rooms[room] % 8, 0);
    }
}

TEST(every_flipped_bit_of_a_record_is_noticed)
{
    const struct record_layout roomy = layout_of(I, 2, 5, K);
    struct record_layout layout = record_layout_with_room(&roomy, 0);
    char *record = fresh(&layout);
    for (uint64_t step = 1; step <= 20; step++) {
        advance(&layout, record, 4);
    }
    size_t header = record_header_bytes(&layout);
    char *copy_of = malloc(layout.record_bytes);
    ck_assert_ptr_nonnull(copy_of);
    bool newest_is_second = record_newest(&layout, record) == record_copy_at(&layout, record, 1);
    for (size_t bit = 0; bit < 8 * (size_t)layout.record_bytes; bit++) {
        struct record_findings findings;
        memcpy(copy_of, record, layout.record_bytes);
        copy_of[bit / 8] ^= (char)(1 << bit % 8);
        if (bit / 8 < header) {
            ck_assert_int_eq(record_use_of(&layout, copy_of), RECORD_DAMAGED);
            continue;
        }
        ck_assert_int_eq(record_use_of(&layout, copy_of), RECORD_IN_USE);
        record_examine(&layout, copy_of, &findings);
        ck_assert_ptr_nonnull(findings.copy);
        size_t which = (bit / 8 - header) / layout.copy_bytes;
        bool is_newer = which < 2 && (which == 1) == newest_is_second;
        ck_assert(!is_newer || findings.copy->step == 19);
        ck_assert(which > 1 || is_newer || findings.copy->step == 20);
        ck_assert(which > 1 || findings.n_readings == K);
        double got[K * I], x[I];
        record_read_readings(&layout, copy_of, findings.copy, got);
        for (uint64_t k = K - findings.n_readings; k < K; k++) {
            value_of(4, findings.copy->step - K + 1 + k, x);
            ck_assert_mem_eq(got + k * I, x, sizeof x);
        }
    }
    free(copy_of);
    free(record);
}

/* The newest copy is on the disk, and the pages with its last readings are not. */
TEST(a_copy_with_all_its_readings_comes_before_one_without)
{
    struct record_layout layout = layout_of(I, 2, 5, K);
    struct record_findings findings;
    char *record = fresh(&layout);
    for (uint64_t step = 1; step <= 20; step++) {
        advance(&layout, record, 4);
    }
    record_reading(&layout, record, 20)[1] += 1;
    record_examine(&layout, record, &findings);
    ck_assert_uint_eq(findings.copy->step, 19);
    ck_assert_uint_eq(findings.n_readings, K);
    ck_assert(findings.is_behind && findings.writes == 21);
    record_reading(&layout, record, 16)[1] += 1;
    record_examine(&layout, record, &findings); /* now the older one has the most, but not all */
    ck_assert_uint_eq(findings.copy->step, 19);
    ck_assert_uint_lt(findings.n_readings, 4);
    free(record);
}

/* A sector ends behind its check: the disk has what is behind it, and the check of before. */
TEST(a_copy_whose_check_was_torn_off_is_behind)
{
    struct record_layout layout = layout_of(I, 2, 5, K);
    struct record_findings findings;
    char *record = fresh(&layout);
    advance(&layout, record, 4);
    advance(&layout, record, 4);
    struct record_copy *newest = record_newest(&layout, record);
    newest->check = 0; /* the place had no copy before */
    record_examine(&layout, record, &findings);
    ck_assert_ptr_eq(findings.copy, record_other(&layout, record, newest));
    ck_assert(findings.is_behind);
    free(record);
}

TEST(two_damaged_copies_are_no_session)
{
    struct record_layout layout = layout_of(I, 2, 5, K);
    char *record = fresh(&layout);
    advance(&layout, record, 1);
    advance(&layout, record, 1);
    record_copy_at(&layout, record, 0)->step ^= 1;
    record_copy_at(&layout, record, 1)->version ^= 1;
    ck_assert_ptr_null(found(&layout, record));
    free(record);
}

TEST(a_copy_does_not_count_under_another_header)
{
    struct record_layout layout = layout_of(I, 2, 5, K);
    for (int is_other_life = 0; is_other_life < 2; is_other_life++) {
        char *record = fresh(&layout);
        advance(&layout, record, 1);
        ck_assert_ptr_nonnull(found(&layout, record));
        if (is_other_life) {
            record_header_of(record)->birth++;
        } else {
            record_header_of(record)->id[0]++;
        }
        record_header_seal(record);
        ck_assert_int_eq(record_use_of(&layout, record), RECORD_IN_USE);
        ck_assert_ptr_null(found(&layout, record));
        free(record);
    }
}

TEST(a_reading_does_not_count_in_another_life)
{
    struct record_layout layout = layout_of(I, 2, 5, K);
    char *record = fresh(&layout);
    for (uint64_t step = 1; step <= 9; step++) {
        advance(&layout, record, 1);
    }
    const struct record_copy *copy = record_newest(&layout, record);
    ck_assert_uint_eq(record_count_readings(&layout, record, copy), K);
    record_header_of(record)->birth++;
    ck_assert_uint_eq(record_count_readings(&layout, record, copy), 0);
    free(record);
}

/* Sealed as it should be, but not possible: it must not lead outside the ring. */
TEST(a_copy_of_impossible_numbers_is_not_whole)
{
    struct record_layout layout = layout_of(I, 2, 5, K);
    for (int k = 0; k < 2; k++) {
        char *record = fresh(&layout);
        struct record_copy *copy = record_newest(&layout, record);
        copy->n_readings = k ? 3 : K + 1;
        copy->step = k ? 2 : 100;
        record_seal(&layout, record, copy);
        ck_assert_ptr_null(found(&layout, record));
        free(record);
    }
}

TEST(a_header_is_valid_from_its_seal_to_its_end)
{
    struct record_layout layout = layout_of(I, 2, 5, K);
    char *record = calloc(1, layout.record_bytes);
    ck_assert_ptr_nonnull(record);
    ck_assert_int_eq(record_use_of(&layout, record), RECORD_UNUSED);
    record_begin(&layout, record, "a", 1);
    ck_assert(record_is_unborn(record));
    ck_assert_int_eq(record_use_of(&layout, record), RECORD_UNUSED);
    record_header_seal(record);
    ck_assert(!record_is_unborn(record));
    ck_assert_int_eq(record_use_of(&layout, record), RECORD_IN_USE);
    record_header_end(record);
    ck_assert_int_eq(record_use_of(&layout, record), RECORD_ENDED);
    record_header_clear(record);
    ck_assert_int_eq(record_use_of(&layout, record), RECORD_UNUSED);
    free(record);
}
