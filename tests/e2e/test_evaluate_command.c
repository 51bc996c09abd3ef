/* grud evaluate says of a file what POST evaluate says of the same rows, digit for digit. */
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

/* {"x":[[a,b],...],"y":[[null,c],...],FIELDS} */
static char *body_of(const char *fields)
{
    char *body = malloc(TEXT_SIZE);
    size_t n = (size_t)sprintf(body, "{\"x\":");
    for (int k = 0; k < 2 * N_ROWS; k++) {
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

static void expect_same(const struct daemon *daemon, const char *folder, const char *flags,
                        const char *fields)
{
    char arguments[400], *body = body_of(fields);
    snprintf(arguments, sizeof arguments, "evaluate %s/m.safetensors %s/data.csv --json %s", folder,
             folder, flags);
    const char *told = run_grud(arguments);
    struct answer answer = request(daemon, "POST", "/v1/models/m/evaluate", body);
    ck_assert_msg(answer.code == 200, "%s", answer.body);
    const char *windows = strstr(answer.body, "\"windows\"");
    ck_assert_ptr_nonnull(windows);
    const size_t n = strlen(windows);
    ck_assert_msg(strncmp(told + 1, windows, n) == 0 && strcmp(told + 1 + n, "\n") == 0,
                  "%s\nis not\n%s", told, answer.body);
    answer_free(&answer);
    free(body);
}

TEST(a_file_is_judged_as_its_rows_are_over_http)
{
    char folder[] = "/tmp/grud-evaluate-XXXXXX", arguments[400];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(arguments, sizeof arguments,
             "init --inputs a,b --outputs a,c --layers 6 --scale a=20:4,b=3:2,c=13:3 -o "
             "%s/m.safetensors",
             folder);
    run_grud(arguments);
    char path[80];
    snprintf(path, sizeof path, "%s/data.csv", folder);
    write_csv(path);
    struct daemon daemon = daemon_start((const char *const[]){ "--models", folder, NULL });
    expect_same(&daemon, folder, "", "");
    expect_same(&daemon, folder, "--horizon 5 --season 7 --level 0.8",
                ",\"horizon\":5,\"season\":7,\"level\":0.8");
    daemon_stop(&daemon);
    unlink(path);
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    unlink(path);
    rmdir(folder);
}
