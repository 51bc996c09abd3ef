/* grud evaluate and grud predict say of a file what POST evaluate and POST predict say of the same
 * rows, digit for digit. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_ROWS = 90, TEXT_SIZE = 1 << 16 };

/* Runs $GRUD with these arguments, which must succeed; what it printed. */
static const char *run_grud(const char *arguments)
{
    static char output[TEXT_SIZE];
    char command[512];
    snprintf(command, sizeof command, "${GRUD:-build/grud} %s", arguments);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): a test's own command
    ck_assert_ptr_nonnull(pipe);
    size_t n = fread(output, 1, sizeof output - 1, pipe);
    output[n] = '\0';
    ck_assert_msg(pclose(pipe) == 0, "%s: %s", command, output);
    return output;
}

/* Row k of a series with holes, as fields of a CSV file or as elements of JSON. */
static size_t put_row(char *text, int k, const char *missing)
{
    const double a = 20 + 5 * sin(k / 3.0), b = k % 7, c = a / 2 + b;
    size_t n =
        k % 11 == 5 ? (size_t)sprintf(text, "%s,", missing) : (size_t)sprintf(text, "%.3f,", a);
    n += (size_t)sprintf(text + n, "%g,", b);
    n += k % 13 == 6 ? (size_t)sprintf(text + n, "%s", missing)
                     : (size_t)sprintf(text + n, "%.3f", c);
    return n;
}

/* a,b,c line by line. */
static void write_csv(const char *path)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("a,b,c\n", file);
    for (int k = 0; k < N_ROWS; k++) {
        char row[80];
        put_row(row, k, "");
        fprintf(file, "%s\n", row);
    }
    fclose(file);
}

/* {"x":[[a,b],...],"y":[[null,c],...],FIELDS}; predictions take no y */
static char *body_of(const char *fields, bool has_y)
{
    char *body = malloc(TEXT_SIZE);
    size_t n = (size_t)sprintf(body, "{\"x\":");
    for (int k = 0; k < (has_y ? 2 : 1) * N_ROWS; k++) {
        char row[80];
        put_row(row, k % N_ROWS, "null");
        char *c = strrchr(row, ',');
        *c++ = '\0';
        n += (size_t)sprintf(body + n, k == N_ROWS ? "],\"y\":" : "");
        n += k < N_ROWS ? (size_t)sprintf(body + n, "%c[%s]", k == 0 ? '[' : ',', row)
                        : (size_t)sprintf(body + n, "%c[null,%s]", k == N_ROWS ? '[' : ',', c);
    }
    sprintf(body + n, "]%s}", fields);
    return body;
}

/* The reply from the member `first` on is what the command prints. */
static void expect_same(const struct daemon *daemon, const char *folder, const char *verb,
                        const char *first, const char *flags, const char *fields)
{
    char arguments[400], path[80], *body = body_of(fields, strcmp(verb, "evaluate") == 0);
    snprintf(arguments, sizeof arguments, "%s %s/m.safetensors %s/data.csv --json %s", verb, folder,
             folder, flags);
    const char *told = run_grud(arguments);
    snprintf(path, sizeof path, "/v1/models/m/%s", verb);
    struct answer answer = request(daemon, "POST", path, body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    const char *rest = strstr(answer.body, first);
    ck_assert_ptr_nonnull(rest);
    const size_t n = strlen(rest);
    ck_assert_msg(strncmp(told + 1, rest, n) == 0 && strcmp(told + 1 + n, "\n") == 0,
                  "%s\nis not\n%s", told, answer.body);
    answer_free(&answer);
    free(body);
}

/* A folder with a model of a and b, and a file of readings for it. */
static struct daemon serve_files(char *folder)
{
    char arguments[400];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(arguments, sizeof arguments,
             "init --inputs a,b --outputs a,c --layers 6 --scale a=20:4,b=3:2,c=13:3 -o "
             "%s/m.safetensors",
             folder);
    run_grud(arguments);
    char path[80];
    snprintf(path, sizeof path, "%s/data.csv", folder);
    write_csv(path);
    snprintf(path, sizeof path, "%s/future.csv", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("b\n6\n\n1\n2.5\n", file);
    fclose(file);
    return daemon_start((const char *const[]){ "--models", folder, NULL });
}

static void end_files(struct daemon *daemon, const char *folder)
{
    static const char *const names[] = { "data.csv", "future.csv", "m.safetensors" };
    daemon_stop(daemon);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char path[80];
        snprintf(path, sizeof path, "%s/%s", folder, names[k]);
        unlink(path);
    }
    rmdir(folder);
}

TEST(a_file_is_judged_as_its_rows_are_over_http)
{
    char folder[] = "/tmp/grud-evaluate-XXXXXX";
    struct daemon daemon = serve_files(folder);
    expect_same(&daemon, folder, "evaluate", "\"windows\"", "", "");
    expect_same(&daemon, folder, "evaluate", "\"windows\"", "--horizon 5 --season 7 --level 0.8",
                ",\"horizon\":5,\"season\":7,\"level\":0.8");
    end_files(&daemon, folder);
}

TEST(a_file_is_forecast_as_its_rows_are_over_http)
{
    char folder[] = "/tmp/grud-predict-XXXXXX", flags[120];
    struct daemon daemon = serve_files(folder);
    snprintf(flags, sizeof flags, "--horizon 4 --future %s/future.csv --level 0.8,0.9", folder);
    expect_same(&daemon, folder, "predict", "\"y\":", "", "");
    expect_same(&daemon, folder, "predict", "\"y\":", "--level 0.9", ",\"level\":0.9");
    expect_same(&daemon, folder, "predict", "\"y\":", flags,
                ",\"horizon\":4,\"future\":[[6],[null],[1],[2.5]],\"level\":[0.8,0.9]");
    end_files(&daemon, folder);
}
