/* What lies in the folder of models and is none is logged, and nothing else is. */
#include "base/log.h"
#include "store/files.h"
#include "store/files_foreign.h"
#include "store_support.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_MAX = 16384 };

static enum status ignore(void *context, const struct file_version *version)
{
    (void)context;
    (void)version;
    return STATUS_OK;
}

static size_t n_lines(const char *log)
{
    size_t n = 0;
    for (; *log; log++) {
        n += *log == '\n';
    }
    return n;
}

/* The log of a scan of the folder d. */
static void scan(const struct folder *data, bool read_only, char log[LOG_MAX])
{
    char path[PATH_MAX], log_path[PATH_MAX];
    struct fault fault;
    folder_path(data, "d", path);
    folder_path(data, "log", log_path);
    int saved = dup(STDERR_FILENO), fd = open(log_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    log_setup(LOG_INFO, LOG_TEXT);
    size_t n_ignored = 0;
    enum status status = files_scan(path, read_only, ignore, NULL, &n_ignored, &fault);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = pread(fd, log, LOG_MAX - 1, 0);
    close(fd);
    ck_assert_int_eq(status, STATUS_OK);
    ck_assert_int_ge(n, 0);
    log[n] = '\0';
    ck_assert_uint_eq(n_ignored, n_lines(log));
}

static void bytes_write(const struct folder *folder, const char *name, const char *bytes, size_t n)
{
    char path[PATH_MAX];
    folder_path(folder, name, path);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
}

static const struct {
    const char *name, *bytes;
    size_t n;
    const char *said;
} foreign[] = {
#define BYTES(text) (text), sizeof(text) - 1
    { "d/weather.pt", BYTES("PK\3\4\0\0\0\0\0\0archive/data.pkl"),
      "is a PyTorch archive (.pt, .pth)" },
    { "d/a b.keras", BYTES("PK\3\4\0\0\0\0\0\0model.weights.h5"), "is a Keras archive" },
    { "d/weights", BYTES("\x89HDF\r\n\x1a\n\0\0"), "is an HDF5 file" },
    { "d/m/1.onnx", BYTES("\x08\x0a\x12\7pytorch"), "is an ONNX model" },
    { "d/m/saved_model.pb", BYTES("\x08\1\x12\xd4\x10\n\x1a"), "is a TensorFlow SavedModel" },
    { "d/typo.safetensor", BYTES("\x10\0\0\0\0\0\0\0{\"a\":"), "looks like a safetensors file" },
};
enum { N_FOREIGN = sizeof foreign / sizeof *foreign };

TEST(a_file_of_another_program_among_models_is_logged)
{
    struct folder data = data_make();
    char log[LOG_MAX];
    folder_add(&data, "d");
    folder_add(&data, "d/m");
    for (size_t k = 0; k < N_FOREIGN; k++) {
        bytes_write(&data, foreign[k].name, foreign[k].bytes, foreign[k].n);
    }
    scan(&data, true, log);
    ck_assert_msg(n_lines(log) == N_FOREIGN, "%s", log);
    for (size_t k = 0; k < N_FOREIGN; k++) {
        ck_assert_msg(strstr(log, foreign[k].name) && strstr(log, foreign[k].said), "%s: %s",
                      foreign[k].name, log);
    }
    scan(&data, false, log); /* grud's own folder: only models are there */
    ck_assert_str_eq(log, "");
    folder_remove(&data);
}

/* Both ends of a long file are read. */
TEST(a_long_archive_is_known_by_its_end)
{
    static char bytes[400000];
    static const char end[] = "PK\1\2 m/data.pkl PK\5\6";
    struct folder data = data_make();
    char log[LOG_MAX];
    folder_add(&data, "d");
    memcpy(bytes, "PK\3\4", 4);
    memcpy(bytes + sizeof bytes - sizeof end, end, sizeof end);
    bytes_write(&data, "d/long.pt", bytes, sizeof bytes);
    scan(&data, true, log);
    ck_assert_msg(strstr(log, "long.pt") && strstr(log, "PyTorch archive"), "%s", log);
    folder_remove(&data);
}

TEST(what_nobody_takes_for_a_model_is_not_logged)
{
    struct folder data = data_make();
    char log[LOG_MAX], path[PATH_MAX];
    folder_add(&data, "d");
    folder_add(&data, "d/m");
    text_write(&data, "d/README.md", "# Models\n");
    text_write(&data, "d/weather.json", "{\"inputs\":[]}");
    text_write(&data, "d/empty", "");
    text_write(&data, "d/m/notes.txt", "PK");
    bytes_write(&data, "d/.weather.pt", foreign[0].bytes, foreign[0].n);
    folder_path(&data, "d/pipe", path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    folder_path(&data, "d/nowhere.pt", path);
    ck_assert_int_eq(symlink("nothing", path), 0);
    scan(&data, true, log);
    ck_assert_str_eq(log, "");
    folder_remove(&data);
}
