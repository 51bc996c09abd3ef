/* The exact answers of the golden cases, through HTTP: as a whole sequence and reading by reading.
 */
#include "daemon.h"
#include "test.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUES_MAX = 4096, ROWS_MAX = 64 };

static const char *const names[] = { "gru-cell-names", "keras-stacked", "lstm",
                                     "lstm-nobias",    "lstm-stacked",  "output-gated",
                                     "reset-before",   "seed-sigmoid",  "three-gate",
                                     "torch-deep",     "torch-nobias",  "torch-odd",
                                     "torch-sigmoid",  "torch-small",   "torch-softmax",
                                     "torch-stacked",  "torch-wide" };

struct rows {
    float values[VALUES_MAX];
    size_t width, n_rows;
    const char *text[ROWS_MAX]; /* each row as it stands in the file */
    size_t n_text[ROWS_MAX];
};

static char file_text[1 << 16];

static size_t read_case(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "tests/fixtures/golden/%s.json", name);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(file_text, 1, sizeof file_text, file);
    fclose(file);
    ck_assert_uint_lt(n, sizeof file_text);
    return n;
}

/* The member `name` of an object: an array of rows. */
static void read_rows(const char *text, size_t n, const char *name, struct rows *rows)
{
    struct json j;
    struct json_text key;
    rows->n_rows = 0;
    json_init(&j, text, n);
    ck_assert(json_object(&j));
    while (json_member(&j, &key)) {
        if (!json_text_is(key, name)) {
            ck_assert(json_skip(&j));
            continue;
        }
        ck_assert(json_array(&j));
        for (size_t used = 0; json_element(&j); used += rows->width) {
            ck_assert_uint_lt(rows->n_rows, ROWS_MAX);
            const char *begin = j.p + strspn(j.p, " \n\r\t");
            ck_assert(json_float_array(&j, rows->values + used, VALUES_MAX - used, &rows->width));
            rows->text[rows->n_rows] = begin;
            rows->n_text[rows->n_rows++] = (size_t)(j.p - begin);
        }
    }
    ck_assert_msg(json_end(&j) && rows->n_rows > 0, "no rows '%s' in %.200s", name, text);
}

static void compare(const char *name, size_t row, const float *got, const float *want, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(fabsf(got[k] - want[k]) <= 1e-5F, "%s, row %zu: %.9g instead of %.9g", name,
                      row, (double)got[k], (double)want[k]);
    }
}

static struct rows x, y, got;

TEST(golden_cases_agree_over_http)
{
    static char body[1 << 16];
    struct daemon daemon = daemon_start(NULL);
    for (size_t c = 0; c < sizeof names / sizeof *names; c++) {
        char path[128];
        size_t n = read_case(names[c]);
        read_rows(file_text, n, "x", &x);
        read_rows(file_text, n, "y", &y);
        size_t n_body = (size_t)sprintf(body, "{\"x\":[");
        for (size_t t = 0; t < x.n_rows; t++) {
            n_body += (size_t)sprintf(body + n_body, "%s%.*s", t > 0 ? "," : "", (int)x.n_text[t],
                                      x.text[t]);
        }
        sprintf(body + n_body, "]}");
        snprintf(path, sizeof path, "/v1/models/%s/predict", names[c]);
        struct answer answer = request(&daemon, "POST", path, body);
        ck_assert_int_eq(answer.code, 200);
        read_rows(answer.body, answer.n_body, "y", &got);
        ck_assert_uint_eq(got.n_rows, y.n_rows);
        compare(names[c], 0, got.values, y.values, y.n_rows * y.width);
        answer_free(&answer);
        snprintf(path, sizeof path, "/v1/models/%s/sessions/s/step", names[c]);
        for (size_t t = 0; t < x.n_rows; t++) {
            size_t width;
            float step[256];
            struct json j;
            sprintf(body, "{\"x\":%.*s,\"seq\":%zu}", (int)x.n_text[t], x.text[t], t + 1);
            answer = request(&daemon, "POST", path, body);
            ck_assert_msg(answer.code == 200, "%s", answer.body);
            const char *at = strstr(answer.body, "\"y\":") + 4;
            json_init(&j, at, strlen(at));
            ck_assert(json_float_array(&j, step, 256, &width));
            compare(names[c], t, step, y.values + t * y.width, y.width);
            ck_assert_mem_eq(step, got.values + t * y.width, y.width * sizeof *step);
            answer_free(&answer);
        }
    }
    daemon_stop(&daemon);
}
