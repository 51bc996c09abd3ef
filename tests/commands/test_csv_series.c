/* Files of readings: what is read from them, and what is said of each way in which they are wrong.
 */
#include "commands/csv_series.h"
#include "commands/csv_time.h"
#include "scratch.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const TEMP[] = { "temp", "wind" };

struct sample {
    char *folder, *path;
    struct csv_series series;
    bool is_read;
};

/* Reads temp, and wind where n_columns is 2. */
static struct sample read_bytes(const char *bytes, size_t n, size_t n_columns)
{
    struct sample sample = { .folder = folder_create(),
                             .series = { .columns = TEMP, .n_columns = n_columns } };
    sample.path = path_in(sample.folder, "data.csv");
    file_write(sample.path, bytes, n);
    sample.is_read = csv_series_read(&sample.series, sample.path);
    return sample;
}

static struct sample read_text(const char *text, size_t n_columns)
{
    struct sample sample = read_bytes(text, strlen(text), n_columns);
    ck_assert_msg(sample.is_read, "%s", sample.series.error);
    return sample;
}

static void sample_done(struct sample *sample)
{
    csv_series_done(&sample->series);
    free(sample->path);
    folder_remove(sample->folder);
}

/* The values of TEMP[0] and TEMP[1], row by row; NaN: missing. */
static void expect_values(const char *text, size_t n_columns, const double *values, size_t n)
{
    struct sample sample = read_text(text, n_columns);
    ck_assert_uint_eq(sample.series.n_rows * n_columns, n);
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(isnan(values[k]) ? isnan(sample.series.values[k])
                                       : sample.series.values[k] == values[k],
                      "value %zu of %s", k, text);
    }
    sample_done(&sample);
}

#define EXPECT_VALUES(text, n_columns, ...)                                                        \
    expect_values(text, n_columns, (const double[]){ __VA_ARGS__ },                                \
                  sizeof(const double[]){ __VA_ARGS__ } / sizeof(double))

TEST(columns_are_taken_by_their_names)
{
    EXPECT_VALUES("wind,other,temp\n1,x,2\n3,y,4\n", 2, 2, 1, 4, 3);
}

TEST(what_stands_between_fields_and_lines_is_found)
{
    EXPECT_VALUES("temp,wind\r\n1,2\r\n", 2, 1, 2);
    EXPECT_VALUES("temp,wind\r1,2\r3,4", 2, 1, 2, 3, 4);
    EXPECT_VALUES("temp;wind\n1;2\n", 2, 1, 2);
    EXPECT_VALUES("temp\twind\n 1 \t 2\n", 2, 1, 2);
    EXPECT_VALUES("\xef\xbb\xbftemp,wind\n1,2\n\n\n", 2, 1, 2);
    EXPECT_VALUES(" temp , wind \n 1 , 2 \n", 2, 1, 2);
}

TEST(fields_in_quotes_are_read)
{
    EXPECT_VALUES("\"temp\",\"a \"\"b\"\", c\"\n\"1\",\"two\nlines\"\n \"2\" ,x\n", 1, 1, 2);
    EXPECT_VALUES("\"temp;x\",temp\n9,1\n", 1, 1);
}

TEST(numbers_are_read_as_they_are_written)
{
    EXPECT_VALUES("temp\n1e3\n-.5\n+2.\n007\n0.1\n", 1, 1000, -0.5, 2, 7, 0.1);
}

TEST(missing_values_have_several_words)
{
    EXPECT_VALUES("temp,wind\n,NA\nnan,N/A\nnull,None\n1,\n", 2, NAN, NAN, NAN, NAN, NAN, NAN, 1,
                  NAN);
}

/* ---- what is wrong ---- */

static void expect_error(const char *text, size_t n_columns, const char *error)
{
    struct sample sample = read_bytes(text, strlen(text), n_columns);
    ck_assert_msg(!sample.is_read, "%s was read", text);
    ck_assert_str_eq(sample.series.error, error);
    sample_done(&sample);
}

TEST(a_ragged_row_is_named)
{
    expect_error("temp,wind\n1,2\n3\n", 2, "line 3: 1 field, but line 1 names 2 columns");
    expect_error("temp,wind\n1,2,\n", 2,
                 "line 2: 3 fields, but line 1 names 2 columns; numbers have a decimal point, not "
                 "a comma");
    expect_error("temp;wind\n1;2;3\n", 2, "line 2: 3 fields, but line 1 names 2 columns");
    expect_error("temp,wind\n1,2\n\n3,4\n", 2, "line 3: empty; a row has 2 fields");
}

TEST(wrong_quotes_are_named)
{
    expect_error("temp,wind\n\"1,2\n3,4\n", 2,
                 "line 2: a double quote opens here and is never closed");
    expect_error("temp,wind\n1,\"2\"3\n", 2,
                 "line 2: something follows the double quote that closes field 2; a quote within a "
                 "field is doubled");
    expect_error("temp,note\n1,\"two\nlines\"\nx,\n", 1,
                 "line 4: 'x' of column 'temp' is no number");
}

TEST(a_decimal_comma_is_told_from_other_text)
{
    expect_error("temp;wind\n1,5;2\n", 2,
                 "line 2: '1,5' of column 'temp' is no number; numbers have a decimal point, not a "
                 "comma");
    expect_error("temp,wind\n\"-1,5e3\",2\n", 2,
                 "line 2: '-1,5e3' of column 'temp' is no number; numbers have a decimal point, "
                 "not a comma");
    expect_error("temp\nwarm, dry\n", 1,
                 "line 2: 2 fields, but line 1 names 1 column; numbers have a decimal point, not a "
                 "comma");
    expect_error("temp;wind\n1;2\nwarm;2\n", 2, "line 3: 'warm' of column 'temp' is no number");
}

TEST(no_number_that_a_float_cannot_hold_is_taken)
{
    expect_error("temp\n1e39\n", 1,
                 "line 2: 1e39 of column 'temp' is beyond the range of a 32-bit float");
    expect_error("temp\n0x10\n", 1, "line 2: '0x10' of column 'temp' is no number");
    expect_error("temp\ninf\n", 1, "line 2: 'inf' of column 'temp' is no number");
    expect_error("temp\n1-2\n", 1, "line 2: '1-2' of column 'temp' is no number");
}

TEST(a_missing_or_doubled_column_is_named)
{
    expect_error("temp,rain\n1,2\n", 2,
                 "line 1: there is no column 'wind'; the first line names temp, rain");
    expect_error("temp,rain,temp\n1,2,3\n", 1, "line 1: columns 1 and 3 are both called 'temp'");
}

TEST(what_is_no_text_in_utf_8_is_refused)
{
    expect_error("temp\n1\n2 \xb0\n", 1, "line 3: not in UTF-8; save the file as UTF-8");
    expect_error("\xff\xfet", 1, "is in UTF-16; save it as UTF-8");
    struct sample sample = read_bytes("temp\n1\0\n", 8, 1);
    ck_assert_str_eq(sample.series.error, "line 2: a byte is zero, so this is no text");
    sample_done(&sample);
}

TEST(a_file_without_rows_is_refused)
{
    expect_error("", 1, "is empty; line 1 is to name the columns");
    expect_error("\n\n", 1, "is empty; line 1 is to name the columns");
    expect_error("temp\n", 1, "has no rows below the line that names the columns");
}

TEST(what_is_quoted_from_a_file_does_not_steer_the_terminal)
{
    expect_error("temp\n\x1b[31m\xc2\x9b\n", 1, "line 2: '?[31m?' of column 'temp' is no number");
    expect_error("temp\n"
                 "0123456789012345678901234567890123456789012345678901234567890123456789x\n",
                 1,
                 "line 2: '012345678901234567890123456789012345678901234567890123456789...' of "
                 "column 'temp' is no number");
}

/* ---- times ---- */

static double seconds(const char *text)
{
    double time;
    ck_assert_msg(csv_time_read(text, &time), "%s", text);
    return time;
}

TEST(times_may_lack_what_is_plain)
{
    const double day = seconds("2026-11-21T00:00:00Z");
    ck_assert_double_eq(seconds("2026-11-21"), day);
    ck_assert_double_eq(seconds("2026-11"), day - 20 * 86400.0);
    ck_assert_double_eq(seconds("2026-11-21 10:30"), day + 37800);
    ck_assert_double_eq(seconds("2026-11-21T10:30+02:00"), day + 30600);
    ck_assert_double_eq(seconds("2026-11-21T10:30:01.5"), day + 37801.5);
}

TEST(what_is_no_time_is_not_read_as_one)
{
    static const char *const texts[] = {
        "",           "x",          "21.11.2026",    "2026",     "2026-13",
        "2026-02-30", "11/21/2026", "2026-11-21T10", "20261121", "2026-11-21 25:00"
    };
    double time;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        ck_assert_msg(!csv_time_read(texts[k], &time), "%s", texts[k]);
    }
}

TEST(a_first_column_of_dates_gives_the_interval)
{
    struct sample sample = read_text("day,temp\n2026-01-01,1\n2026-01-02,2\n2026-01-03,3\n", 1);
    ck_assert(sample.series.has_times);
    ck_assert_double_eq(sample.series.interval_seconds, 86400);
    ck_assert_str_eq(sample.series.time_name, "day");
    sample_done(&sample);
    sample = read_text("day,temp\n20260101,1\n20260102,2\n", 1);
    ck_assert(!sample.series.has_times);
    sample_done(&sample);
}

TEST(rows_stand_for_the_readings_of_a_gap)
{
    EXPECT_VALUES("day,temp\n2026-01-01,1\n2026-01-02,2\n2026-01-03,3\n2026-01-06,6\n", 1, 1, 2, 3,
                  NAN, NAN, 6);
    struct sample sample =
        read_text("day,temp\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n2026-01-01,6\n", 1);
    ck_assert_uint_eq(sample.series.n_rows, 4 + CSV_GAP_MAX);
    ck_assert_uint_eq(sample.series.n_inserted, CSV_GAP_MAX);
    ck_assert_uint_eq(sample.series.n_gaps, 1);
    ck_assert_uint_eq(sample.series.lines[2], 4);
    ck_assert_uint_eq(sample.series.lines[3], 0);
    ck_assert_uint_eq(sample.series.lines[3 + CSV_GAP_MAX], 5);
    sample_done(&sample);
}

TEST(months_have_no_gaps)
{
    EXPECT_VALUES("m,temp\n2026-01,1\n2026-02,2\n2026-03,3\n2026-04,4\n", 1, 1, 2, 3, 4);
}

TEST(times_out_of_order_are_named)
{
    expect_error("day,temp\n2026-01-02,1\n2026-01-01,2\n", 1,
                 "line 3: '2026-01-01' of column 'day' is before that of line 2; sort the rows by "
                 "time");
    expect_error("day,temp\n2026-01-02,1\n2026-01-02,2\n", 1,
                 "line 3: '2026-01-02' of column 'day' is the same as that of line 2; sort the "
                 "rows by time, each once");
    expect_error("day,temp\n2026-01-02,1\nlater,2\n", 1,
                 "line 3: 'later' of column 'day' is no time; write it as 2026-11-21T10:00:00Z, "
                 "2026-11-21 10:00 or 2026-11-21");
}

TEST(a_column_that_is_named_may_have_unix_seconds)
{
    struct sample sample = read_bytes("temp,t\n1,100\n2,160\n", 19, 1);
    sample_done(&sample);
    sample = (struct sample){ .folder = folder_create(),
                              .series = { .columns = TEMP, .n_columns = 1, .time = "t" } };
    sample.path = path_in(sample.folder, "data.csv");
    text_write(sample.folder, "data.csv", "temp,t\n1,100\n2,160\n3,280\n");
    ck_assert_msg(csv_series_read(&sample.series, sample.path), "%s", sample.series.error);
    ck_assert_uint_eq(sample.series.n_rows, 3);
    ck_assert_double_eq(sample.series.interval_seconds, 120);
    sample_done(&sample);
}
