/*
 * Files of readings. An input is how they are asked for (a bit each, enum way), then the file. What
 * is read is whole, in order, and reads the same when it is written as a plain file.
 */
#include "commands/csv_series.h"
#include "fuzz.h"

#include <math.h>
#include <string.h>

enum way { WAY_TWO_COLUMNS = 1, WAY_NAMED_TIME = 2, WAY_INTERVAL = 4 };

static const char *const columns[] = { "a", "b" };

/* Reads those bytes; false: refused, with a sentence. */
static bool read_bytes(struct csv_series *series, const void *bytes, size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/data.csv", fuzz_folder());
    FILE *file = fopen(path, "wb");
    FUZZ_CHECK(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
    const bool is_read = csv_series_read(series, path);
    const size_t n_error = strnlen(series->error, sizeof series->error);
    FUZZ_CHECK(n_error < sizeof series->error && is_read == (n_error == 0));
    for (size_t k = 0; k < n_error; k++) {
        FUZZ_CHECK((unsigned char)series->error[k] >= ' ');
    }
    return is_read;
}

static void check_rows(const struct csv_series *series)
{
    FUZZ_CHECK(series->n_read > 0 && series->n_rows == series->n_read + series->n_inserted);
    FUZZ_CHECK(series->n_inserted <= series->n_gaps * CSV_GAP_MAX);
    size_t line = 1, n_read = 0;
    for (size_t row = 0; row < series->n_rows; row++) {
        FUZZ_CHECK(series->lines[row] == 0 || series->lines[row] > line);
        for (size_t k = 0; k < series->n_columns; k++) {
            const float value = series->values[row * series->n_columns + k];
            FUZZ_CHECK(isnan(value) || (isfinite(value) && series->lines[row] > 0));
        }
        line = series->lines[row] > 0 ? series->lines[row] : line;
        n_read += series->lines[row] > 0;
    }
    FUZZ_CHECK(n_read == series->n_read);
    for (size_t row = 1; series->has_times && row < series->n_read; row++) {
        FUZZ_CHECK(series->times[row] > series->times[row - 1]);
    }
}

/* Without times, whose gaps stand in it as rows now. */
static void check_again(const struct csv_series *series)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    FUZZ_CHECK(out);
    fputs("x;b;a\r\n", out);
    for (size_t row = 0; row < series->n_rows; row++) {
        const double *values = series->values + row * series->n_columns;
        fprintf(out, "\"x\";%.17g;\"%.17g\"\r\n", values[series->n_columns - 1], values[0]);
    }
    FUZZ_CHECK(fclose(out) == 0);
    struct csv_series again = { .columns = columns, .n_columns = series->n_columns };
    FUZZ_CHECK(read_bytes(&again, text, n) && again.n_rows == series->n_rows);
    for (size_t k = 0; k < again.n_rows * again.n_columns; k++) {
        FUZZ_CHECK(isnan(again.values[k]) ? isnan(series->values[k])
                                          : again.values[k] == series->values[k]);
    }
    csv_series_done(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0) {
        return 0;
    }
    struct csv_series series = { .columns = columns,
                                 .n_columns = bytes[0] & WAY_TWO_COLUMNS ? 2 : 1,
                                 .time = bytes[0] & WAY_NAMED_TIME ? "t" : NULL,
                                 .interval_seconds = bytes[0] & WAY_INTERVAL ? 60 : 0 };
    if (read_bytes(&series, bytes + 1, n - 1)) {
        check_rows(&series);
        check_again(&series);
    }
    csv_series_done(&series);
    return 0;
}
