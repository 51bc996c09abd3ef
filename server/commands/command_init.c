/* grud init: makes an untrained model file. */
#include "base/digest.h"
#include "commands/command.h"
#include "gru.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FINE = 0, FAILED = 1, WRONG_USAGE = 2 };

static const char usage[] =
    "usage: grud init --inputs NAME[,NAME...] --outputs NAME[,NAME...] --layers N[,N...] -o FILE\n"
    "                 [--scale NAME=MEAN:STD[,...]] [--residual] [--seed N] [--force]\n"
    "                 [--cell gru|gru_output_gate|gru_three_gate] [--reset after|before]\n"
    "                 [--interval-seconds SECONDS]\n";

__attribute__((format(printf, 2, 3))) static int complain(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("grud init: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return code;
}

/* ---- the arguments ---- */

struct arguments {
    const char *inputs, *outputs, *layers, *scale, *path, *cell, *reset, *seed, *interval_seconds;
    bool residual, force;
};

/* Takes the flag at argv[*i], with its value if it has one, and moves on behind it. */
static int parse_argument(int argc, char *const argv[], int *i, struct arguments *arguments)
{
    const struct {
        const char *flag;
        const char **value;
    } flags[] = {
        { "--inputs", &arguments->inputs },
        { "--outputs", &arguments->outputs },
        { "--layers", &arguments->layers },
        { "--scale", &arguments->scale },
        { "-o", &arguments->path },
        { "--cell", &arguments->cell },
        { "--reset", &arguments->reset },
        { "--seed", &arguments->seed },
        { "--interval-seconds", &arguments->interval_seconds },
    };
    const char *argument = argv[(*i)++];
    if (strcmp(argument, "--residual") == 0 || strcmp(argument, "--force") == 0) {
        *(argument[2] == 'r' ? &arguments->residual : &arguments->force) = true;
        return FINE;
    }
    size_t n_name = strcspn(argument, "=");
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
        if (strlen(flags[k].flag) != n_name || strncmp(argument, flags[k].flag, n_name) != 0) {
            continue;
        }
        if (argument[n_name] == '=') {
            *flags[k].value = argument + n_name + 1;
        } else if (*i < argc) {
            *flags[k].value = argv[(*i)++];
        } else {
            return complain(WRONG_USAGE, "the value of %s is missing", argument);
        }
        return FINE;
    }
    complain(WRONG_USAGE, "there is no argument '%s'", argument);
    fputs(usage, stderr);
    return WRONG_USAGE;
}

static int parse_arguments(int argc, char *const argv[], struct arguments *ret_arguments)
{
    struct arguments arguments = { .cell = "gru", .seed = "1" };
    for (int i = 1; i < argc;) {
        if (parse_argument(argc, argv, &i, &arguments) != FINE) {
            return WRONG_USAGE;
        }
    }
    if (!arguments.inputs || !arguments.outputs || !arguments.layers || !arguments.path) {
        complain(WRONG_USAGE, "--inputs, --outputs, --layers and -o are needed");
        fputs(usage, stderr);
        return WRONG_USAGE;
    }
    *ret_arguments = arguments;
    return FINE;
}

/* Decimal digits, nothing else. */
static bool parse_number(const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value)) {
            return false;
        }
    }
    *ret_value = value;
    return *text != '\0';
}

/* ---- the plan ---- */

enum list { INPUTS, OUTPUTS, LAYERS, SCALE, N_LISTS };

/* A plan and what it points to. */
struct draft {
    struct gru_plan plan;
    char *text[N_LISTS];
    char **words[N_LISTS];
    size_t hidden_sizes[GRU_LAYERS_MAX];
    struct gru_scaling *scalings;
};

static void draft_done(struct draft *draft)
{
    for (int k = 0; k < N_LISTS; k++) {
        free(draft->text[k]);
        free(draft->words[k]);
    }
    free(draft->scalings);
}

/* Splits "a,b" into draft->words[k]. */
static int split(struct draft *draft, enum list k, const char *flag, const char *list, size_t n_max,
                 size_t *ret_n)
{
    size_t n = 1;
    for (const char *p = list; *p != '\0'; p++) {
        n += *p == ',';
    }
    if (n > n_max) {
        return complain(WRONG_USAGE, "%s has %zu entries, %zu are allowed", flag, n, n_max);
    }
    draft->text[k] = strdup(list);
    draft->words[k] = calloc(n, sizeof *draft->words[k]);
    if (!draft->text[k] || !draft->words[k]) {
        return complain(FAILED, "out of memory");
    }
    char *rest = draft->text[k];
    for (size_t i = 0; i < n; i++) {
        draft->words[k][i] = strsep(&rest, ",");
        if (*draft->words[k][i] == '\0') {
            return complain(WRONG_USAGE, "%s has an empty entry: '%s'", flag, list);
        }
    }
    *ret_n = n;
    return FINE;
}

static int set_layers(struct draft *draft, const char *list)
{
    struct gru_plan *plan = &draft->plan;
    int code = split(draft, LAYERS, "--layers", list, GRU_LAYERS_MAX, &plan->n_layers);
    if (code != FINE) {
        return code;
    }
    for (size_t i = 0; i < plan->n_layers; i++) {
        uint64_t width;
        if (!parse_number(draft->words[LAYERS][i], &width) || width < 1 || width > GRU_WIDTH_MAX) {
            return complain(WRONG_USAGE, "--layers takes whole numbers from 1 to %d, not '%s'",
                            GRU_WIDTH_MAX, draft->words[LAYERS][i]);
        }
        draft->hidden_sizes[i] = width;
    }
    plan->hidden_sizes = draft->hidden_sizes;
    return FINE;
}

/* NAME=MEAN:STD; the library knows what they may be. */
static bool parse_scaling(char *word, struct gru_scaling *ret_scaling)
{
    char *mean = strrchr(word, '=');
    char *std = mean ? strchr(mean, ':') : NULL;
    if (!std) {
        return false;
    }
    *mean++ = '\0';
    *std++ = '\0';
    char *mean_end, *std_end;
    *ret_scaling = (struct gru_scaling){ .name = word,
                                         .mean = strtod(mean, &mean_end),
                                         .std = strtod(std, &std_end) };
    return mean_end != mean && *mean_end == '\0' && std_end != std && *std_end == '\0';
}

static int set_scalings(struct draft *draft, const char *list)
{
    struct gru_plan *plan = &draft->plan;
    int code = split(draft, SCALE, "--scale", list, 2 * (size_t)GRU_WIDTH_MAX, &plan->n_scalings);
    if (code != FINE) {
        return code;
    }
    draft->scalings = calloc(plan->n_scalings, sizeof *draft->scalings);
    if (!draft->scalings) {
        return complain(FAILED, "out of memory");
    }
    for (size_t k = 0; k < plan->n_scalings; k++) {
        if (!parse_scaling(draft->words[SCALE][k], &draft->scalings[k])) {
            return complain(WRONG_USAGE, "--scale takes NAME=MEAN:STD, not '%s'", list);
        }
    }
    plan->scalings = draft->scalings;
    return FINE;
}

static int set_cell(struct gru_plan *plan, const char *cell, const char *reset)
{
    int kind = 0;
    while (kind < GRU_N_LAYER_KINDS &&
           (!gru_layer_kind_is_recurrent((enum gru_layer_kind)kind) ||
            strcmp(cell, gru_layer_kind_name((enum gru_layer_kind)kind)) != 0)) {
        kind++;
    }
    if (kind == GRU_N_LAYER_KINDS) {
        return complain(WRONG_USAGE,
                        "--cell takes gru, gru_output_gate or gru_three_gate, not '%s'", cell);
    }
    plan->cell = (enum gru_layer_kind)kind;
    plan->reset = reset && strcmp(reset, "before") == 0 ? GRU_RESET_BEFORE : GRU_RESET_AFTER;
    if (reset && strcmp(reset, gru_reset_name(plan->reset)) != 0) {
        return complain(WRONG_USAGE, "--reset takes after or before, not '%s'", reset);
    }
    if (reset && !gru_layer_kind_has_reset(plan->cell)) {
        return complain(WRONG_USAGE, "--reset does not apply to %s, which has no reset gate", cell);
    }
    return FINE;
}

static int set_interval(struct gru_plan *plan, const char *text)
{
    char *end;
    plan->interval_seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(plan->interval_seconds) ||
        !(plan->interval_seconds > 0)) {
        return complain(WRONG_USAGE,
                        "--interval-seconds takes the seconds between readings, a number above 0, "
                        "not '%s'",
                        text);
    }
    return FINE;
}

static int make_plan(const struct arguments *arguments, struct draft *draft)
{
    struct gru_plan *plan = &draft->plan;
    if (!parse_number(arguments->seed, &plan->seed)) {
        return complain(WRONG_USAGE, "--seed takes a whole number below 2^64, not '%s'",
                        arguments->seed);
    }
    plan->residual = arguments->residual;
    int code = set_cell(plan, arguments->cell, arguments->reset);
    if (code == FINE) {
        code = split(draft, INPUTS, "--inputs", arguments->inputs, GRU_WIDTH_MAX, &plan->n_inputs);
    }
    if (code == FINE) {
        code =
            split(draft, OUTPUTS, "--outputs", arguments->outputs, GRU_WIDTH_MAX, &plan->n_outputs);
    }
    if (code == FINE) {
        code = set_layers(draft, arguments->layers);
    }
    if (code == FINE && arguments->scale) {
        code = set_scalings(draft, arguments->scale);
    }
    if (code == FINE && arguments->interval_seconds) {
        code = set_interval(plan, arguments->interval_seconds);
    }
    plan->inputs = (const char *const *)draft->words[INPUTS];
    plan->outputs = (const char *const *)draft->words[OUTPUTS];
    return code;
}

/* ---- the file ---- */

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t n_written = write(fd, bytes, n);
        if (n_written < 0 && errno != EINTR) {
            return false;
        }
        bytes += n_written > 0 ? n_written : 0;
        n -= n_written > 0 ? (size_t)n_written : 0;
    }
    return true;
}

/* The rename itself must reach the disk too. */
static bool sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool fine = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    free(folder);
    return fine;
}

static bool move(const char *from, const char *to, bool force)
{
    if (force) {
        return rename(from, to) == 0;
    }
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return true;
    }
    /* a file system that cannot refuse by itself */
    if (errno == EINVAL && access(to, F_OK) != 0) {
        return rename(from, to) == 0;
    }
    return false;
}

/* Either the whole file is there afterwards, or what was there before. */
static int write_file(const char *path, const void *bytes, size_t n, bool force)
{
    char *temporary;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        return complain(FAILED, "out of memory");
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        int code = complain(FAILED, "%s: cannot write beside it: %m", path);
        free(temporary);
        return code;
    }
    mode_t mask = umask(0);
    umask(mask);
    bool fine = fchmod(fd, 0666 & ~mask) == 0 && write_all(fd, bytes, n) && fsync(fd) == 0;
    fine = close(fd) == 0 && fine;
    int code = FINE;
    if (!fine || !move(temporary, path, force)) {
        code = complain(FAILED, "%s: %m", path);
        unlink(temporary);
    } else if (!sync_folder_of(path)) {
        code = complain(FAILED, "%s: written, but its folder could not be synced: %m", path);
    }
    free(temporary);
    return code;
}

static bool is_standard_output(const char *path)
{
    return strcmp(path, "-") == 0;
}

static int write_out(const void *bytes, size_t n)
{
    return write_all(STDOUT_FILENO, bytes, n) ? FINE : complain(FAILED, "standard output: %m");
}

static int save(const struct gru_model *model, const struct arguments *arguments)
{
    void *bytes;
    size_t n;
    enum gru_status status = gru_model_save(model, &bytes, &n);
    if (status != GRU_OK) {
        return complain(FAILED, "%s", gru_status_text(status));
    }
    bool is_out = is_standard_output(arguments->path);
    int code =
        is_out ? write_out(bytes, n) : write_file(arguments->path, bytes, n, arguments->force);
    if (code == FINE) {
        char digest[DIGEST_TEXT];
        digest_print(digest_128(bytes, n), digest);
        FILE *stream = is_out ? stderr : stdout;
        fprintf(stream, "%s: %zu parameters, %s\n", arguments->path,
                gru_model_info(model)->n_parameters, digest);
        code = fflush(stream) == 0 ? FINE : FAILED;
    }
    free(bytes);
    return code;
}

int command_init(int argc, char *const argv[])
{
    struct arguments arguments;
    if (command_asks_help(argc, argv)) {
        fputs(usage, stdout);
        return FINE;
    }
    if (parse_arguments(argc, argv, &arguments) != FINE) {
        return WRONG_USAGE;
    }
    if (!arguments.force && !is_standard_output(arguments.path) &&
        access(arguments.path, F_OK) == 0) {
        return complain(FAILED, "%s exists already; --force replaces it", arguments.path);
    }
    struct draft draft = { 0 };
    struct gru_model *model = NULL;
    struct gru_error error = { 0 };
    int code = make_plan(&arguments, &draft);
    if (code == FINE) {
        enum gru_status status = gru_model_create(&draft.plan, &model, &error);
        if (status != GRU_OK) {
            const char *message = *error.message ? error.message : gru_status_text(status);
            code = complain(status == GRU_NO_MEMORY ? FAILED : WRONG_USAGE, "%s", message);
        } else if (arguments.residual && gru_model_info(model)->n_feeds == 0) {
            code = complain(WRONG_USAGE,
                            "--residual needs an output with an input's name: '%s' has none",
                            arguments.outputs);
        }
    }
    if (code == FINE) {
        code = save(model, &arguments);
    }
    gru_model_unref(model);
    draft_done(&draft);
    return code;
}
