/* What nodes of former builds wrote into their engine: a node of this one goes on with it. */
#include "cluster_support.h"
#include "formats.h"
#include "system_control.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 16384, MODEL_SIZE = 65536 };

static void put_model(const struct daemon *node, const char *folder)
{
    char path[512], *bytes = malloc(MODEL_SIZE);
    ck_assert_ptr_nonnull(bytes);
    snprintf(path, sizeof path, "%s/pump.safetensors", folder);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    const size_t n = fread(bytes, 1, MODEL_SIZE, file);
    struct answer answer =
        request_typed(node, "PUT", "/v1/models/pump", "application/octet-stream", bytes, n);
    ck_assert_msg(answer.code == 201, "%s", answer.body);
    answer_free(&answer);
    fclose(file);
    free(bytes);
}

/* False: there is none. */
static bool read_line(FILE *file, char line[LINE_SIZE])
{
    if (!fgets(line, LINE_SIZE, file)) {
        return false;
    }
    const size_t n = strlen(line);
    ck_assert_int_eq(line[n - 1], '\n');
    line[n - 1] = '\0';
    return true;
}

/* What was kept comes back to the digit. What is worked out anew may differ by the instructions
 * that a build or a processor has: by so much, and nowhere else. */
static bool is_alike(const char *text, const char *was)
{
    static const char first[] = "-0123456789";
    while (*text && *was) {
        if (strchr(first, *text) && strchr(first, *was)) {
            char *text_end, *was_end;
            const double now = strtod(text, &text_end), then = strtod(was, &was_end);
            if (fabs(now - then) > 1e-5 * (1 + fabs(then))) {
                return false;
            }
            text = text_end;
            was = was_end;
        } else if (*text++ != *was++) {
            return false;
        }
    }
    return *text == *was;
}

static void expect_answers(const struct daemon *node, unsigned format)
{
    static char asked[LINE_SIZE], body[LINE_SIZE], reply[LINE_SIZE];
    char path[256], method[8];
    size_t n = 0;
    snprintf(path, sizeof path, FORMATS "/%u/engine", format);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    for (; read_line(file, asked); n++) {
        ck_assert(read_line(file, body) && read_line(file, reply));
        ck_assert_int_eq(sscanf(asked, "%7s %255s", method, path), 2);
        struct answer answer = request(node, method, path, body[0] ? body : NULL);
        ck_assert_msg(answer.code == 200, "%s: %s", asked, answer.body);
        ck_assert_msg(strcmp(method, "GET") == 0 ? strcmp(answer.body, reply) == 0
                                                 : is_alike(answer.body, reply),
                      "%s:\n%s\nwas\n%s", asked, answer.body, reply);
        answer_free(&answer);
    }
    ck_assert_uint_eq(n, 27);
    fclose(file);
}

/* The engine has the functions of that build, too. later_s: by how much the node's clock is ahead
 * of the writer's, besides the age of the fixture. */
static void go_on(unsigned format, int64_t later_s)
{
    static const char *const options[] = { "--session-history", "8", NULL };
    static const char *const volatile_engine[] = { NULL };
    struct cluster cluster = { .engine = engine_start(volatile_engine) };
    struct system_control *control = system_control_begin();
    struct daemon node = daemon_prepare();
    const char *all[CLUSTER_OPTIONS_MAX];
    snprintf(cluster.url, sizeof cluster.url, "redis://127.0.0.1:%u/0", cluster.engine.port);
    engine_kill(&cluster.engine);
    format_unpack_archive(format, "engine", cluster.engine.folder);
    engine_start_again(&cluster.engine);
    node_options(&cluster, options, all);
    atomic_store(&control->wall_set_s, later_s);
    daemon_start_again(&node, all);
    system_control_end(control);
    put_model(&node, cluster.engine.folder);
    expect_answers(&node, format);
    daemon_stop(&node);
    engine_end(&cluster.engine);
}

TEST(sessions_of_a_former_build_go_on)
{
    static const unsigned formats[] = { 8 };
    if (!engine_is_there()) {
        return;
    }
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        go_on(formats[k], 0);
        go_on(formats[k], 12345678);
    }
}
