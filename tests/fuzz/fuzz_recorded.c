/*
 * What the engine of a cluster keeps of a recorded reading. One that is whole is written as it was
 * read, to the last bit; nothing else of it is looked at.
 */
#include "fuzz.h"
#include "service/sessions/reading_wire.h"

#include <string.h>

static void write_again(const char *bytes, size_t n, const struct reading_head *head)
{
    double *x = calloc(head->n_inputs, sizeof *x);
    double *y = calloc((size_t)head->n_outputs + 1, sizeof *y);
    FUZZ_CHECK(x && y);
    reading_wire_read_x(bytes, head, x);
    reading_wire_read_y(bytes, head, y);
    const struct recorded reading = { .step = head->step,
                                      .at = head->at,
                                      .x = x,
                                      .n_inputs = head->n_inputs,
                                      .y = y,
                                      .n_outputs = head->n_outputs };
    char *written = malloc(n);
    FUZZ_CHECK(written);
    FUZZ_CHECK(reading_wire_bytes(&reading) == n);
    reading_wire_write(&reading, written);
    FUZZ_CHECK(memcmp(written, bytes, n) == 0);
    free(written);
    free(x);
    free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct reading_head head;
    char *copy = fuzz_copy(bytes, n);
    if (reading_wire_read(copy, n, &head) == READING_WIRE_WHOLE) {
        FUZZ_CHECK(head.n_inputs > 0);
        write_again(copy, n, &head);
    }
    free(copy);
    return 0;
}
