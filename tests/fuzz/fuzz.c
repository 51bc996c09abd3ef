#include "fuzz.h"
#include "json/json.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

bool fuzz_is_text(const char *bytes, size_t n)
{
    char *quoted = malloc(6 * n + 2);
    FUZZ_CHECK(quoted);
    struct json j;
    struct json_text text;
    json_init(&j, quoted, (size_t)(json_print_string(quoted, bytes, n) - quoted));
    bool is_text = !memchr(bytes, '\0', n) && json_string(&j, &text) && json_end(&j);
    free(quoted);
    return is_text;
}

void *fuzz_copy(const void *bytes, size_t n)
{
    void *copy = malloc(n);
    FUZZ_CHECK(copy || n == 0);
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    return copy;
}

static char folder[64];

static int remove_entry(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)file;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0] == '\0') {
        bool has_memory = access("/dev/shm", W_OK) == 0;
        snprintf(folder, sizeof folder, "%s/grud-fuzz-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
        FUZZ_CHECK(mkdtemp(folder));
        FUZZ_CHECK(atexit(remove_folder) == 0);
    }
    return folder;
}

struct gru_model *fuzz_model(enum fuzz_model which)
{
    static const char *const inputs[] = { "temp", "humidity" };
    static const size_t hidden_sizes[] = { 3, 2 }, wider_sizes[] = { 4, 4 };
    const char *output = which == FUZZ_CLASSES ? "class" : "temp";
    const struct gru_plan plan = { .n_inputs = which == FUZZ_CLOSED ? 1 : 2,
                                   .inputs = inputs,
                                   .n_outputs = 1,
                                   .outputs = &output,
                                   .n_layers = 2,
                                   .hidden_sizes =
                                       which == FUZZ_WEATHER_WIDER ? wider_sizes : hidden_sizes,
                                   .seed = 1 };
    struct gru_model *model = NULL;
    FUZZ_CHECK(gru_model_create(&plan, &model, NULL) == GRU_OK);
    return model;
}
