/* What users bring first: another program's file instead of a model, and metadata in the wrong
 * place. */
#include "daemon.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char archive[] = "PK\3\4\0\0\0\0\0\0archive/data.pkl and what follows";
static const char ways[] = "`grud-convert FILE -o NAME.safetensors`";

static void write_file(const char *folder, const char *name, const void *bytes, size_t n)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

/* A model of one unit whose scaling stands beside the key grud. Returns its length. */
static size_t make_model(char bytes[2000])
{
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\",\"inputs\":\"[{\\\"name\\\":\\\"temp\\\"}]\"},"
        "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
        "\"gru.weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[4,16]},"
        "\"gru.weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[16,28]}}";
    const size_t n = sizeof header - 1;
    memset(bytes, 0, 2000);
    bytes[0] = (char)(n & 255);
    bytes[1] = (char)(n >> 8);
    memcpy(bytes + 8, header, n);
    return 8 + n + 28;
}

TEST(another_programs_file_is_named_where_a_model_is_expected)
{
    char models[200], model[2000], log[8192];
    struct daemon daemon = daemon_prepare();
    snprintf(models, sizeof models, "%s/models", daemon.directory);
    ck_assert_int_eq(mkdir(models, 0700), 0);
    write_file(models, "weather.pt", archive, sizeof archive);
    write_file(models, "renamed.safetensors", archive, sizeof archive);
    write_file(models, "good.safetensors", model, make_model(model));
    daemon_start_again(&daemon, (const char *const[]){ "--models", models, NULL });
    daemon_wait_log(&daemon, " info ready", log, sizeof log);
    const char *ignored = strstr(log, "model_ignored"), *refused = strstr(log, "model_refused"),
               *not_read = strstr(log, "metadata_not_read");
    ck_assert_msg(ignored && strstr(ignored, "weather.pt") && strstr(ignored, ways), "%s", log);
    ck_assert_msg(refused && strstr(refused, "renamed.safetensors") && strstr(refused, ways), "%s",
                  log);
    ck_assert_msg(not_read && strstr(not_read, "model=good version=1 keys=inputs"), "%s", log);

    struct answer answer = request_typed(&daemon, "PUT", "/v1/models/weather",
                                         "application/octet-stream", archive, sizeof archive);
    ck_assert_int_eq(answer.code, 422);
    ck_assert_msg(strstr(answer.body, "\"invalid_model\"") && strstr(answer.body, ways), "%s",
                  answer.body);
    answer_free(&answer);
    answer = request_typed(&daemon, "PUT", "/v1/models/put", "application/octet-stream", model,
                           make_model(model));
    ck_assert_int_eq(answer.code, 201);
    answer_free(&answer);
    daemon_wait_log(&daemon, "model=put version=1 keys=inputs", log, sizeof log);
    daemon_stop(&daemon);
}

/* A file of the field, below the models' folder under another name. */
static void copy_field(const char *models, const char *from, const char *to)
{
    char path[300], bytes[8192];
    snprintf(path, sizeof path, "tests/convert/field/%s", from);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    const size_t n = fread(bytes, 1, sizeof bytes, file);
    ck_assert_int_eq(fclose(file), 0);
    write_file(models, to, bytes, n);
}

TEST(a_checkpoint_of_more_layers_is_refused_with_the_line_to_paste)
{
    static const char line[] = "{\\\"network\\\":[{\\\"type\\\":\\\"gru\\\",\\\"prefix\\\":"
                               "\\\"gru\\\"},{\\\"type\\\":\\\"dense\\\",";
    char models[200], log[8192];
    struct daemon daemon = daemon_prepare();
    snprintf(models, sizeof models, "%s/models", daemon.directory);
    ck_assert_int_eq(mkdir(models, 0700), 0);
    copy_field(models, "mlp-head.safetensors", "mlp.safetensors");
    copy_field(models, "grucell.safetensors", "cell.safetensors");
    daemon_start_again(&daemon, (const char *const[]){ "--models", models, NULL });
    daemon_wait_log(&daemon, " info ready", log, sizeof log);
    const char *refused = strstr(log, "model_refused"),
               *unverified = strstr(log, "version_not_verified model=cell version=1");
    ck_assert_msg(refused && strstr(refused, line) && strstr(refused, "fc2") &&
                      strstr(refused, "grud-convert FILE --model net.py:Class"),
                  "%s", log);
    ck_assert_msg(unverified && strstr(unverified, "it has no selftest"), "%s", log);
    struct answer answer = request(&daemon, "GET", "/v1/models/cell", NULL);
    ck_assert_msg(strstr(answer.body, "\"verified\":false"), "%s", answer.body);
    answer_free(&answer);
    daemon_stop(&daemon);
}
