/*
 * bench_json - json.h against cJSON: a body of rows of floats read into an array, and the array
 * written back. Both do the same in the same round, so that whatever else the machine does meets
 * both; times are processor time of this thread. The table has medians, and in brackets the 10th
 * and 90th percentile.
 */
#include "json/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_ROUNDS = 41, NAME_BYTES = 16 };

struct body {
    const char *name;
    size_t n_rows, n_columns; /* one row stands as an array of numbers, more as an array of rows */
    int n_repeats;            /* in a round */
    char *text;               /* {"x":...} */
    size_t n_text;
    double *values, *read;
    char *printed;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_json: %s\n", what);
    _Exit(EXIT_FAILURE);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* Readings of a sensor: of one order of magnitude, of both signs, with all the digits that a float
 * has. */
static void make_body(struct body *b)
{
    size_t n = b->n_rows * b->n_columns;
    b->text = malloc(NAME_BYTES + n * 20 + b->n_rows * 3);
    b->values = malloc(n * sizeof *b->values);
    b->read = malloc(n * sizeof *b->read);
    b->printed = malloc(NAME_BYTES + n * (JSON_FLOAT_MAX + 1) + b->n_rows * 3);
    if (b->text == NULL || b->values == NULL || b->read == NULL || b->printed == NULL) {
        die("out of memory");
    }
    uint32_t random = 1;
    char *p = b->text + sprintf(b->text, "{\"x\":%s", b->n_rows > 1 ? "[" : "");
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525 + 1013904223;
        b->values[i] = (double)(20 * ((float)(random >> 8) / (1 << 24)) - 5);
        p += sprintf(p, "%s%.9g", i % b->n_columns > 0 ? "," : i > 0 ? "],[" : "[", b->values[i]);
    }
    p += sprintf(p, "]%s}", b->n_rows > 1 ? "]" : "");
    b->n_text = (size_t)(p - b->text);
}

static void free_body(struct body *b)
{
    free(b->text);
    free(b->values);
    free(b->read);
    free(b->printed);
}

static void check_read(const struct body *b)
{
    if (memcmp(b->read, b->values, b->n_rows * b->n_columns * sizeof *b->read) != 0) {
        die("what was read is not what was written");
    }
}

/* ---- json.h ---- */

static void read_own(struct body *b)
{
    struct json j;
    struct json_text name;
    size_t n;
    json_init(&j, b->text, b->n_text);
    bool ok = json_object(&j) && json_member(&j, &name) && json_text_is(name, "x");
    if (ok && b->n_rows == 1) {
        ok = json_real_array(&j, false, b->read, b->n_columns, &n) && n == b->n_columns;
    } else if (ok && json_array(&j)) {
        double *row = b->read;
        while (ok && json_element(&j)) {
            ok = json_real_array(&j, false, row, b->n_columns, &n) && n == b->n_columns;
            row += n;
        }
    }
    if (!ok || json_member(&j, &name) || !json_end(&j)) {
        die(json_error_text(j.error));
    }
}

static void print_own(struct body *b)
{
    char *p = b->printed;
    const double *value = b->values;
    memcpy(p, "{\"x\":", 5);
    p += 5;
    if (b->n_rows > 1) {
        *p++ = '[';
    }
    for (size_t i = 0; i < b->n_rows; i++) {
        for (size_t k = 0; k < b->n_columns; k++) {
            *p++ = k > 0 ? ',' : '[';
            p = json_print_real(p, false, *value++);
        }
        *p++ = ']';
        *p++ = ',';
    }
    p[-1] = b->n_rows > 1 ? ']' : '}';
    if (b->n_rows > 1) {
        *p++ = '}';
    }
    *p = '\0';
}

/* ---- cJSON ---- */

static double *take_row(const cJSON *row, double *out)
{
    const cJSON *value;
    cJSON_ArrayForEach(value, row)
    {
        *out++ = (double)(float)value->valuedouble;
    }
    return out;
}

static void read_cjson(struct body *b)
{
    cJSON *document = cJSON_ParseWithLength(b->text, b->n_text);
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(document, "x"), *row;
    if (x == NULL) {
        die("cJSON does not read the body");
    }
    double *out = b->read;
    if (b->n_rows == 1) {
        take_row(x, out);
    } else {
        cJSON_ArrayForEach(row, x)
        {
            out = take_row(row, out);
        }
    }
    cJSON_Delete(document);
}

static void print_cjson(struct body *b)
{
    cJSON *document = cJSON_CreateObject();
    if (b->n_rows == 1) {
        cJSON_AddItemToObject(document, "x", cJSON_CreateDoubleArray(b->values, (int)b->n_columns));
    } else {
        cJSON *x = cJSON_AddArrayToObject(document, "x");
        for (size_t i = 0; i < b->n_rows; i++) {
            cJSON_AddItemToArray(
                x, cJSON_CreateDoubleArray(b->values + i * b->n_columns, (int)b->n_columns));
        }
    }
    char *text = cJSON_PrintUnformatted(document);
    if (text == NULL) {
        die("cJSON does not print the body");
    }
    cJSON_free(text);
    cJSON_Delete(document);
}

/* ---- the rounds ---- */

static double time_us(void (*run)(struct body *), struct body *b)
{
    double start = now_us();
    for (int i = 0; i < b->n_repeats; i++) {
        run(b);
    }
    return (now_us() - start) / b->n_repeats;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double print_row(const char *what, double times[N_ROUNDS], size_t n_numbers)
{
    qsort(times, N_ROUNDS, sizeof *times, compare);
    double median = times[N_ROUNDS / 2];
    printf("  %-14s %10.2f us [%.2f .. %.2f]  %7.1f ns a number\n", what, median,
           times[N_ROUNDS / 10], times[N_ROUNDS - 1 - N_ROUNDS / 10],
           median * 1e3 / (double)n_numbers);
    return median;
}

static void bench(struct body *b)
{
    static double times[6][N_ROUNDS];
    make_body(b);
    for (int i = 0; i < N_ROUNDS; i++) {
        times[0][i] = time_us(read_own, b);
        check_read(b);
        times[1][i] = time_us(print_own, b);
        times[2][i] = times[0][i] + times[1][i];
        times[3][i] = time_us(read_cjson, b);
        check_read(b);
        times[4][i] = time_us(print_cjson, b);
        times[5][i] = times[3][i] + times[4][i];
    }
    size_t n = b->n_rows * b->n_columns;
    printf("%s: %zu rows of %zu, %zu bytes in, %zu out\n", b->name, b->n_rows, b->n_columns,
           b->n_text, strlen(b->printed));
    double in = print_row("json.h in", times[0], n), out = print_row("json.h out", times[1], n);
    double both = print_row("json.h both", times[2], n);
    in = print_row("cJSON in", times[3], n) / in;
    out = print_row("cJSON out", times[4], n) / out;
    both = print_row("cJSON both", times[5], n) / both;
    printf("  cJSON takes %.1f times as long in, %.1f out, %.1f both\n", in, out, both);
    free_body(b);
}

int main(void)
{
    struct body sequence = { .name = "sequence", .n_rows = 25000, .n_columns = 4, .n_repeats = 1 };
    struct body step = { .name = "step", .n_rows = 1, .n_columns = 7, .n_repeats = 2000 };
    bench(&sequence);
    bench(&step);
    return EXIT_SUCCESS;
}
