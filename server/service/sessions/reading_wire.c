#include "service/sessions/reading_wire.h"

#include <endian.h>
#include <math.h>
#include <string.h>

enum { VALUE = sizeof(double) };

/* ---- writing ---- */

static char *put_32(char *out, size_t value)
{
    const uint32_t bits = htole32((uint32_t)value);
    memcpy(out, &bits, sizeof bits);
    return out + sizeof bits;
}

static char *put_64(char *out, uint64_t value)
{
    const uint64_t bits = htole64(value);
    memcpy(out, &bits, sizeof bits);
    return out + sizeof bits;
}

static char *put_values(char *out, const double *values, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        uint64_t bits;
        memcpy(&bits, &values[k], sizeof bits);
        out = put_64(out, bits);
    }
    return out;
}

static size_t n_outputs_of(const struct recorded *reading)
{
    return reading->y ? reading->n_outputs : 0;
}

size_t reading_wire_bytes(const struct recorded *reading)
{
    return READING_WIRE_HEAD + (reading->n_inputs + n_outputs_of(reading)) * VALUE;
}

void reading_wire_write(const struct recorded *reading, char *out)
{
    *out++ = READING_WIRE_VERSION;
    out = put_64(out, reading->step);
    out = put_values(out, &reading->at, 1);
    out = put_32(out, reading->n_inputs);
    out = put_32(out, n_outputs_of(reading));
    out = put_values(out, reading->x, reading->n_inputs);
    put_values(out, reading->y, n_outputs_of(reading));
}

/* ---- reading ---- */

static uint32_t get_32(const char *bytes)
{
    uint32_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return le32toh(bits);
}

static uint64_t get_64(const char *bytes)
{
    uint64_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return le64toh(bits);
}

static void get_values(const char *bytes, size_t n, double *ret_values)
{
    for (size_t k = 0; k < n; k++) {
        const uint64_t bits = get_64(bytes + k * VALUE);
        memcpy(&ret_values[k], &bits, sizeof bits);
    }
}

static bool none_is_infinite(const char *bytes, size_t n)
{
    double value;
    for (size_t k = 0; k < n; k++) {
        get_values(bytes + k * VALUE, 1, &value);
        if (isinf(value)) {
            return false;
        }
    }
    return true;
}

enum reading_wire reading_wire_read(const char *bytes, size_t n, struct reading_head *ret_head)
{
    if (n > 0 && bytes[0] != READING_WIRE_VERSION) {
        return READING_WIRE_NEWER;
    }
    if (n < READING_WIRE_HEAD) {
        return READING_WIRE_DAMAGED;
    }
    *ret_head = (struct reading_head){ .step = get_64(bytes + 1),
                                       .n_inputs = get_32(bytes + 17),
                                       .n_outputs = get_32(bytes + 21) };
    get_values(bytes + 9, 1, &ret_head->at);
    const uint64_t n_values = (uint64_t)ret_head->n_inputs + ret_head->n_outputs;
    return ret_head->n_inputs > 0 && n - READING_WIRE_HEAD == n_values * VALUE &&
                   !isinf(ret_head->at) && none_is_infinite(bytes + READING_WIRE_HEAD, n_values)
               ? READING_WIRE_WHOLE
               : READING_WIRE_DAMAGED;
}

void reading_wire_read_x(const char *bytes, const struct reading_head *head, double *ret_x)
{
    get_values(bytes + READING_WIRE_HEAD, head->n_inputs, ret_x);
}

void reading_wire_read_y(const char *bytes, const struct reading_head *head, double *ret_y)
{
    get_values(bytes + READING_WIRE_HEAD + (size_t)head->n_inputs * VALUE, head->n_outputs, ret_y);
}
