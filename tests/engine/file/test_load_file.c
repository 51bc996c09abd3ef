/* Models from paths: what is no model file is refused, and nothing stays open. */
#include "gru.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void bad_path(const char *path, enum gru_status status, const char *part)
{
    struct gru_model *model = NULL;
    struct gru_error error = { 0 };
    ck_assert_int_eq(gru_model_load_file(path, &model, &error), status);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
    ck_assert_int_eq(gru_model_load_file(path, &model, NULL), status);
    ck_assert_ptr_null(model);
}

TEST(what_is_no_regular_file_is_refused_without_waiting)
{
    char path[] = "/tmp/gru-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    char pipe_path[64];
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", path);
    ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
    bad_path(pipe_path, GRU_IO, "is not a regular file");
    bad_path(path, GRU_IO, "is not a regular file");
    bad_path("/dev/zero", GRU_IO, "is not a regular file");
    unlink(pipe_path);
    bad_path(pipe_path, GRU_IO, "No such file");
    rmdir(path);
}

TEST(empty_file_is_refused)
{
    char path[] = "/tmp/gru-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    bad_path(path, GRU_BAD_FILE, "0 bytes, too few");
    close(fd);
    unlink(path);
}

TEST(loading_leaves_no_descriptor_open)
{
    int before = open("/dev/null", O_RDONLY);
    close(before);
    struct gru_model *model;
    ck_assert_int_eq(
        gru_model_load_file("tests/fixtures/golden/torch-small.safetensors", &model, NULL), GRU_OK);
    gru_model_unref(model);
    bad_path("tests/fixtures/golden/torch-small.json", GRU_BAD_FILE, "limit");
    int after = open("/dev/null", O_RDONLY);
    close(after);
    ck_assert_int_eq(before, after);
}
