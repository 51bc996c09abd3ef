/* The examples that train, as a newcomer runs them: the scripts themselves, against a daemon of
 * one's own. */
#include "daemon.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 1 << 16 };

/* Runs a script of examples/ that must succeed; what it printed. */
static const char *run(const struct daemon *daemon, const char *script)
{
    static char output[OUTPUT_MAX];
    char command[256];
    snprintf(command, sizeof command,
             "GRU_URL=http://127.0.0.1:%u GRUD=${GRUD:-build/grud} examples/%s 2>&1", daemon->port,
             script);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): a test's own command
    ck_assert_ptr_nonnull(pipe);
    size_t n = fread(output, 1, sizeof output - 1, pipe);
    output[n] = '\0';
    ck_assert_msg(pclose(pipe) == 0, "%s", output);
    return output;
}

static double number_after(const char *output, const char *words)
{
    const char *found = strstr(output, words);
    ck_assert_msg(found != NULL, "%s", output);
    return strtod(found + strlen(words), NULL);
}

TEST(count_learns_what_follows_five)
{
    struct daemon daemon = daemon_start(NULL);
    const char *output = run(&daemon, "count/train.sh");
    ck_assert_msg(fabs(number_after(output, "1, 2, 3, 4, 5 is followed by ") - 6) < 0.05, "%s",
                  output);
    daemon_stop(&daemon);
}

/* Trained by a grud that the script starts; the committed file is one of these. */
TEST(temperature_beats_persistence_at_another_place)
{
    char script[256];
    struct daemon daemon = daemon_start(NULL);
    snprintf(script, sizeof script, "temperature/train.py %s/t.safetensors", daemon.directory);
    const char *row = strstr(run(&daemon, script), "\n         12  ");
    ck_assert_ptr_nonnull(row);
    double mae, skill, inside;
    ck_assert_int_eq(sscanf(row, "%*d %lf %lf %lf", &mae, &skill, &inside), 3);
    ck_assert_msg(skill > 0.2 && inside > 85 && inside < 95, "%s", row);
    daemon_stop(&daemon);
}

TEST(sum_trains_two_layers_from_scratch)
{
    struct daemon daemon = daemon_start(NULL);
    const char *output = run(&daemon, "sum/train.sh 64 1");
    ck_assert_ptr_nonnull(strstr(output, "stored as version 2 of 'sum'"));
    double error = number_after(output, "mean absolute error ");
    double mean_error = number_after(output, "always saying 50: ");
    ck_assert_msg(error < 2 * mean_error, "%s", output); /* two steps of training: sane, not good */
    daemon_stop(&daemon);
}
