#include "service/pool/record_ring.h"

#include "base/digest.h"

#include <math.h>
#include <string.h>

/* How many later readings a copy must survive: of a whole block it may need the last row alone. */
enum { LATER_READINGS = 2, SLACK_ROWS = LATER_READINGS + RECORD_BLOCK - 1 };

uint32_t record_ring_rows(size_t n_history)
{
    return (uint32_t)((n_history + SLACK_ROWS + RECORD_BLOCK - 1) / RECORD_BLOCK * RECORD_BLOCK);
}

static size_t checks_bytes(const struct record_layout *layout)
{
    return layout->ring_rows / RECORD_BLOCK * sizeof(uint32_t);
}

/* Of a reading, without its stamp. */
static size_t reading_floats(const struct record_layout *layout)
{
    return layout->is_wide ? 2 * (size_t)layout->n_inputs : layout->n_inputs;
}

static size_t row_floats(const struct record_layout *layout)
{
    return reading_floats(layout) + layout->stamp_floats;
}

size_t record_ring_bytes(const struct record_layout *layout)
{
    return checks_bytes(layout) + layout->ring_rows * row_floats(layout) * sizeof(float);
}

static char *ring_of(const struct record_layout *layout, char *record)
{
    return record + record_header_bytes(layout) + 2 * (size_t)layout->copy_bytes;
}

/* ---- places ---- */

static uint32_t *check_of(const struct record_layout *layout, char *record, size_t row)
{
    return (uint32_t *)(void *)ring_of(layout, record) + row / RECORD_BLOCK;
}

static float *row_at(const struct record_layout *layout, char *record, size_t row)
{
    float *rows = (float *)(void *)(ring_of(layout, record) + checks_bytes(layout));
    return rows + row * row_floats(layout);
}

static size_t row_of(const struct record_layout *layout, uint64_t step)
{
    return (size_t)((step - 1) % layout->ring_rows);
}

float *record_reading(const struct record_layout *layout, char *record, uint64_t step)
{
    return row_at(layout, record, row_of(layout, step));
}

void record_read_reading(const struct record_layout *layout, char *record, uint64_t step,
                         double *out)
{
    const float *reading = record_reading(layout, record, step);
    for (uint32_t k = 0; k < layout->n_inputs; k++) {
        out[k] = record_value(layout, reading, k);
    }
}

void record_read_readings(const struct record_layout *layout, char *record,
                          const struct record_copy *copy, double *out)
{
    for (uint64_t step = copy->step - copy->n_readings + 1; step <= copy->step; step++) {
        record_read_reading(layout, record, step, out);
        out += layout->n_inputs;
    }
}

/* ---- stamps ---- */

struct record_stamp record_read_stamp(const struct record_layout *layout, char *record,
                                      uint64_t step)
{
    const float *place = record_reading(layout, record, step) + reading_floats(layout);
    struct record_stamp stamp;
    memcpy(&stamp.last_at, place, sizeof stamp.last_at);
    memcpy(&stamp.gap, place + sizeof stamp.last_at / sizeof *place, sizeof stamp.gap);
    return stamp;
}

static void put_stamp(const struct record_layout *layout, float *row,
                      const struct record_stamp *stamp)
{
    float *place = row + reading_floats(layout);
    memcpy(place, &stamp->last_at, sizeof stamp->last_at);
    memcpy(place + sizeof stamp->last_at / sizeof *place, &stamp->gap, sizeof stamp->gap);
}

static struct record_stamp stamp_of(const struct record_copy *copy)
{
    return (struct record_stamp){ .last_at = copy->last_at, .gap = (uint32_t)copy->gap };
}

/* ---- checks ---- */

/* Over the rows of the step's block, up to it. The row of a step is given: to find it takes a
 * division. */
static uint32_t check_up_to(const struct record_layout *layout, char *record, size_t row,
                            uint64_t step)
{
    size_t n = row % RECORD_BLOCK + 1;
    uint64_t digest =
        digest_64(row_at(layout, record, row + 1 - n), n * row_floats(layout) * sizeof(float), 0);
    digest += record_header_of(record)->birth * UINT64_C(0x9E3779B97F4A7C15);
    digest ^= step * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(digest ^ digest >> 32);
}

static uint32_t note_row(const struct record_layout *layout, char *record, size_t row,
                         uint64_t step)
{
    uint32_t check = check_up_to(layout, record, row, step);
    if (row % RECORD_BLOCK == RECORD_BLOCK - 1) {
        *check_of(layout, record, row) = check;
    }
    return check;
}

uint32_t record_count_readings(const struct record_layout *layout, char *record,
                               const struct record_copy *copy)
{
    uint32_t n = 0;
    uint32_t check = copy->last_block_check;
    uint64_t step = copy->step;
    while (n < copy->n_readings) {
        size_t row = row_of(layout, step);
        check = n > 0 ? *check_of(layout, record, row) : check;
        if (check_up_to(layout, record, row, step) != check) {
            return n;
        }
        uint32_t n_rows = (uint32_t)(row % RECORD_BLOCK) + 1;
        n += n_rows;
        step -= n_rows;
    }
    return copy->n_readings;
}

/* ---- writing ---- */

static void put_values(const struct record_layout *layout, float *place, const double *x)
{
    for (uint32_t k = 0; k < layout->n_inputs; k++) {
        const struct two_floats kept = two_floats_of(x[k]);
        place[k] = kept.high;
        if (layout->is_wide) {
            place[layout->n_inputs + k] = kept.rest;
        }
    }
}

/* Its values are in place. stamp: of a layout that has them. */
static uint32_t end_row(const struct record_layout *layout, char *record, size_t row, uint64_t step,
                        const struct record_stamp *stamp)
{
    if (record_has_base(layout)) {
        put_stamp(layout, row_at(layout, record, row), stamp);
    }
    return note_row(layout, record, row, step);
}

static uint32_t put_row(const struct record_layout *layout, char *record, uint64_t step,
                        const double *x, const struct record_stamp *stamp)
{
    size_t row = row_of(layout, step);
    put_values(layout, row_at(layout, record, row), x);
    return end_row(layout, record, row, step, stamp);
}

void record_advance(const struct record_layout *layout, char *record, struct record_copy *copy,
                    const double *x)
{
    const struct record_stamp stamp = stamp_of(copy);
    copy->step++;
    copy->last_block_check = put_row(layout, record, copy->step, x, &stamp);
    copy->n_readings += copy->n_readings < layout->n_history;
    if (record_has_base(layout)) {
        record_base_of(layout, copy)->n_since++;
    }
}

void record_put_readings(const struct record_layout *layout, char *record, struct record_copy *copy,
                         const double *x, const struct record_stamp *stamps, size_t n)
{
    const struct record_stamp last = stamp_of(copy), none = { .last_at = (double)NAN };
    copy->n_readings = (uint16_t)n;
    copy->last_block_check = 0;
    for (size_t k = 0; k < n; k++) {
        const struct record_stamp *stamp = stamps ? &stamps[k] : k + 1 == n ? &last : &none;
        copy->last_block_check =
            put_row(layout, record, copy->step - n + 1 + k, x + k * layout->n_inputs, stamp);
    }
}

void record_copy_readings(const struct record_layout *from_layout, char *from,
                          const struct record_layout *layout, char *record,
                          struct record_copy *copy)
{
    struct record_stamp stamp = { .gap = 0 };
    for (uint64_t step = copy->step - copy->n_readings + 1; step <= copy->step; step++) {
        if (record_has_base(from_layout)) {
            stamp = record_read_stamp(from_layout, from, step);
        }
        const size_t row = row_of(layout, step);
        memcpy(row_at(layout, record, row), record_reading(from_layout, from, step),
               reading_floats(layout) * sizeof(float));
        copy->last_block_check = end_row(layout, record, row, step, &stamp);
    }
}
