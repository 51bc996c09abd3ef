/*
 * The configuration file, and the same lines as flags. A file that is accepted gives values within
 * the table's limits, and one that is refused says why; flags mean what the file means.
 */
#include "config/config_options.h"
#include "fuzz.h"

#include <string.h>

enum { FLAGS_MAX = 64 };

static char *const no_environment[] = { NULL };

static const void *field_of(const struct config *config, const struct config_option *option)
{
    return (const char *)config + option->offset;
}

static void check_values(const struct config *config)
{
    for (size_t k = 0; k < CONFIG_N_OPTIONS; k++) {
        const struct config_option *option = &config_options[k];
        const void *field = field_of(config, option);
        if (option->type == OPTION_SIZE) {
            size_t value = *(const size_t *)field;
            FUZZ_CHECK(value >= option->least && value <= option->most);
        } else if (option->type == OPTION_CHOICE) {
            int n = 1;
            for (const char *p = option->choices; *p != '\0'; p++) {
                n += *p == '|';
            }
            FUZZ_CHECK(*(const int *)field >= 0 && *(const int *)field < n);
        } else {
            FUZZ_CHECK(!strchr(*(const char *const *)field, '\n'));
        }
    }
}

static bool is_same(const struct config *a, const struct config *b)
{
    bool same = true;
    for (size_t k = 0; k < CONFIG_N_OPTIONS; k++) {
        const struct config_option *option = &config_options[k];
        const void *of_a = field_of(a, option), *of_b = field_of(b, option);
        same =
            same && (option->type == OPTION_STRING
                         ? strcmp(*(const char *const *)of_a, *(const char *const *)of_b) == 0
                         : memcmp(of_a, of_b,
                                  option->type == OPTION_SIZE ? sizeof(size_t) : sizeof(int)) == 0);
    }
    return same;
}

static bool read_config(int argc, char *const argv[], struct config *ret_config)
{
    char error[512] = "";
    bool fine = config_read(argc, argv, no_environment, ret_config, error, sizeof error);
    FUZZ_CHECK(fine == (error[0] == '\0'));
    if (fine) {
        check_values(ret_config);
    }
    return fine;
}

static bool read_file(const uint8_t *bytes, size_t n, struct config *ret_config)
{
    char path[96], flag[] = "--config", name[] = "grud";
    snprintf(path, sizeof path, "%s/grud.conf", fuzz_folder());
    FILE *stream = fopen(path, "wbe");
    FUZZ_CHECK(stream && fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    char *const argv[] = { name, flag, path, NULL };
    return read_config(3, argv, ret_config);
}

/* Each line that has no blank, '#' or NUL is the flag --line, but for one that names another file.
 */
static bool read_flags(const char *text, size_t n, struct config *ret_config, bool *ret_all)
{
    char name[] = "grud", *argv[FLAGS_MAX + 1] = { name };
    int argc = 1;
    *ret_all = !memchr(text, '\0', n);
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t n_line = end ? (size_t)(end - text) : n;
        bool is_plain = n_line > 0 && !memchr(text, '#', n_line) &&
                        strcspn(text, " \t\r\v\f") >= n_line &&
                        strncmp(text, "config", strlen("config")) != 0;
        if (is_plain && argc < FLAGS_MAX) {
            FUZZ_CHECK(asprintf(&argv[argc++], "--%.*s", (int)n_line, text) > 0);
        } else {
            *ret_all = *ret_all && n_line == 0;
        }
        text += end ? n_line + 1 : n_line;
        n -= end ? n_line + 1 : n_line;
    }
    argv[argc] = NULL;
    bool fine = read_config(argc, argv, ret_config);
    while (--argc > 0) {
        free(argv[argc]);
    }
    return fine;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct config from_file, from_flags;
    bool are_all;
    char *text = malloc(n + 1); /* flags are read as strings */
    FUZZ_CHECK(text);
    memcpy(text, bytes, n);
    text[n] = '\0';
    bool file_is_fine = read_file(bytes, n, &from_file);
    bool flags_are_fine = read_flags(text, n, &from_flags, &are_all);
    if (file_is_fine && are_all) {
        FUZZ_CHECK(flags_are_fine && is_same(&from_file, &from_flags));
    }
    if (file_is_fine) {
        config_done(&from_file);
    }
    if (flags_are_fine) {
        config_done(&from_flags);
    }
    free(text);
    return 0;
}
