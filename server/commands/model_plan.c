#include "commands/model_plan.h"

#include "base/choice.h"
#include "commands/command_line.h"
#include "commands/input_file.h"
#include "commands/model_scaling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void model_plan_done(struct model_plan *plan)
{
    for (int k = 0; k < MODEL_PLAN_LISTS; k++) {
        free(plan->text[k]);
        free(plan->words[k]);
    }
    free(plan->network);
    free(plan->scalings);
    free(plan->transforms);
}

/* Splits "a,b" into plan->words[k]. */
static int split(struct model_plan *plan, enum model_plan_list k, const char *flag,
                 const char *list, size_t n_max, size_t *ret_n)
{
    size_t n = 1;
    for (const char *p = list; *p != '\0'; p++) {
        n += *p == ',';
    }
    if (n > n_max) {
        command_complain(plan->command, COMMAND_WRONG_USAGE, "%s has %zu entries, %zu are allowed",
                         flag, n, n_max);
        return COMMAND_WRONG_USAGE;
    }
    plan->text[k] = strdup(list);
    plan->words[k] = calloc(n, sizeof *plan->words[k]);
    if (!plan->text[k] || !plan->words[k]) {
        command_complain(plan->command, COMMAND_FAILED, "out of memory");
        return COMMAND_FAILED;
    }
    char *rest = plan->text[k];
    for (size_t i = 0; i < n; i++) {
        plan->words[k][i] = strsep(&rest, ",");
        if (*plan->words[k][i] == '\0') {
            command_complain(plan->command, COMMAND_WRONG_USAGE, "%s has an empty entry: '%s'",
                             flag, list);
            return COMMAND_WRONG_USAGE;
        }
    }
    *ret_n = n;
    return COMMAND_FINE;
}

static int set_layers(struct model_plan *plan, const char *list)
{
    struct gru_plan *gru = &plan->gru;
    int code = split(plan, MODEL_PLAN_LAYERS, "--layers", list, GRU_LAYERS_MAX, &gru->n_layers);
    if (code != COMMAND_FINE) {
        return code;
    }
    for (size_t i = 0; i < gru->n_layers; i++) {
        uint64_t width;
        if (!command_parse_number(plan->words[MODEL_PLAN_LAYERS][i], &width) || width < 1 ||
            width > GRU_WIDTH_MAX) {
            return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                    "--layers takes whole numbers from 1 to %d, not '%s'",
                                    GRU_WIDTH_MAX, plan->words[MODEL_PLAN_LAYERS][i]);
        }
        plan->hidden_sizes[i] = width;
    }
    gru->hidden_sizes = plan->hidden_sizes;
    return COMMAND_FINE;
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

static int set_scalings(struct model_plan *plan, const char *list)
{
    struct gru_plan *gru = &plan->gru;
    int code =
        split(plan, MODEL_PLAN_SCALE, "--scale", list, 2 * (size_t)GRU_WIDTH_MAX, &gru->n_scalings);
    if (code != COMMAND_FINE) {
        return code;
    }
    plan->scalings = calloc(gru->n_scalings, sizeof *plan->scalings);
    if (!plan->scalings) {
        return command_complain(plan->command, COMMAND_FAILED, "out of memory");
    }
    for (size_t k = 0; k < gru->n_scalings; k++) {
        if (!parse_scaling(plan->words[MODEL_PLAN_SCALE][k], &plan->scalings[k])) {
            return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                    "--scale takes NAME=MEAN:STD, not '%s'", list);
        }
    }
    gru->scalings = plan->scalings;
    return COMMAND_FINE;
}

/* What follows NAME=: difference, seasonal or seasonal:N, level:RATE or level:RATE:scale. */
static bool parse_transform(char *text, struct gru_transform *ret_transform)
{
    char *rest = text, *kind = strsep(&rest, ":"), *first = strsep(&rest, ":");
    const char *second = strsep(&rest, ":");
    uint64_t season = 0;
    *ret_transform = (struct gru_transform){ .kind = GRU_DIFFERENCE };
    if (strcmp(kind, "difference") == 0) {
        return !first;
    }
    if (strcmp(kind, "seasonal") == 0) {
        ret_transform->kind = GRU_SEASONAL_DIFFERENCE;
        const bool is_fine = !first || (command_parse_number(first, &season) && season > 0);
        ret_transform->season = season;
        return is_fine && !second;
    }
    ret_transform->kind = GRU_LEVEL;
    ret_transform->scale = second != NULL;
    return strcmp(kind, "level") == 0 && first && !rest &&
           (!second || strcmp(second, "scale") == 0) &&
           command_parse_real(first, &ret_transform->rate);
}

static int set_transforms(struct model_plan *plan, const char *list)
{
    struct gru_plan *gru = &plan->gru;
    int code =
        split(plan, MODEL_PLAN_TRANSFORM, "--transform", list, GRU_WIDTH_MAX, &gru->n_transforms);
    if (code != COMMAND_FINE) {
        return code;
    }
    plan->transforms = calloc(gru->n_transforms, sizeof *plan->transforms);
    if (!plan->transforms) {
        return command_complain(plan->command, COMMAND_FAILED, "out of memory");
    }
    for (size_t k = 0; k < gru->n_transforms; k++) {
        struct gru_plan_transform *transform = &plan->transforms[k];
        char *text = plan->words[MODEL_PLAN_TRANSFORM][k], *equals = strrchr(text, '=');
        if (!equals || !parse_transform(equals + 1, &transform->transform)) {
            return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                    "--transform takes NAME=difference, NAME=seasonal:N or "
                                    "NAME=level:RATE[:scale], not '%s'",
                                    list);
        }
        *equals = '\0';
        transform->name = text;
    }
    gru->transforms = plan->transforms;
    return COMMAND_FINE;
}

static int set_cell(struct model_plan *plan, const char *cell, const char *reset)
{
    struct gru_plan *gru = &plan->gru;
    int kind = 0;
    cell = cell ? cell : gru_layer_kind_name(GRU_LAYER_GRU);
    while (kind < GRU_N_LAYER_KINDS &&
           (!gru_layer_kind_is_recurrent((enum gru_layer_kind)kind) ||
            strcmp(cell, gru_layer_kind_name((enum gru_layer_kind)kind)) != 0)) {
        kind++;
    }
    if (kind == GRU_N_LAYER_KINDS) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--cell takes one of " GRU_CELL_WORDS ", not '%s'", cell);
    }
    gru->cell = (enum gru_layer_kind)kind;
    gru->reset = reset && strcmp(reset, "before") == 0 ? GRU_RESET_BEFORE : GRU_RESET_AFTER;
    if (reset && strcmp(reset, gru_reset_name(gru->reset)) != 0) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--reset takes after or before, not '%s'", reset);
    }
    if (reset && !gru_layer_kind_has_reset(gru->cell)) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--reset does not apply to %s, which has no reset gate", cell);
    }
    return COMMAND_FINE;
}

/* The layers of a file say what a cell, its reset and sizes would. */
static int set_network(struct model_plan *plan, const struct model_plan_words *words)
{
    char reason[128];
    if (words->layers || words->cell || words->reset) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--network goes without %s: its layers say that",
                                words->layers ? "--layers"
                                : words->cell ? "--cell"
                                              : "--reset");
    }
    plan->network = input_file_read(words->network, &plan->gru.n_network);
    if (!plan->network) {
        return command_complain(plan->command, COMMAND_FAILED, "cannot read '%s': %s",
                                words->network, strerror_r(errno, reason, sizeof reason));
    }
    plan->gru.network = plan->network;
    return COMMAND_FINE;
}

/* What the layers are. */
static int set_chain(struct model_plan *plan, const struct model_plan_words *words)
{
    if (words->network) {
        return set_network(plan, words);
    }
    if (!words->layers) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--layers is missing: the widths of the layers, as in --layers "
                                "64,32; or --network with a file that lists them");
    }
    const int code = set_cell(plan, words->cell, words->reset);
    return code == COMMAND_FINE ? set_layers(plan, words->layers) : code;
}

static int set_interval(struct model_plan *plan, const char *text)
{
    struct gru_plan *gru = &plan->gru;
    if (!command_parse_real(text, &gru->interval_seconds) || !(gru->interval_seconds > 0)) {
        return command_complain(
            plan->command, COMMAND_WRONG_USAGE,
            "--interval-seconds takes the seconds between readings, a number above 0, "
            "not '%s'",
            text);
    }
    return COMMAND_FINE;
}

static int set_season(struct model_plan *plan, const char *text)
{
    uint64_t season;
    if (!command_parse_number(text, &season) || season < 1 || season > GRU_SEASON_MAX) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--season takes the readings in a season, from 1 to %d, not '%s'",
                                (int)GRU_SEASON_MAX, text);
    }
    plan->gru.season = (size_t)season;
    return COMMAND_FINE;
}

static int set_steps(struct model_plan *plan, const char *text)
{
    uint64_t steps;
    if (!command_parse_number(text, &steps) || steps < 1 || steps > GRU_WIDTH_MAX) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--steps takes the rows that are forecast at once, from 1 to %d, "
                                "not '%s'",
                                (int)GRU_WIDTH_MAX, text);
    }
    plan->gru.steps = (size_t)steps;
    return COMMAND_FINE;
}

/* The place of a word in "a|b|c". */
static int set_choice(const struct model_plan *plan, const char *flag, const char *words,
                      const char *word, int *ret_choice)
{
    *ret_choice = choice_find(words, word);
    return *ret_choice >= 0 ? COMMAND_FINE
                            : command_complain(plan->command, COMMAND_WRONG_USAGE,
                                               "%s takes one of %s, not '%s'", flag, words, word);
}

/* What its outputs are, and what becomes of missing readings. */
static int set_ends(struct model_plan *plan, const struct model_plan_words *words)
{
    int choice, code = words->steps ? set_steps(plan, words->steps) : COMMAND_FINE;
    if (code == COMMAND_FINE && words->activation && words->network) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--network goes without --activation: its last layer says that");
    }
    if (code == COMMAND_FINE && words->activation) {
        code = set_choice(plan, "--activation", GRU_ACTIVATION_WORDS, words->activation, &choice);
        plan->gru.activation = code == COMMAND_FINE ? (enum gru_activation)choice : GRU_LINEAR;
    }
    if (code == COMMAND_FINE && words->missing) {
        code = set_choice(plan, "--missing", GRU_MISSING_WORDS, words->missing, &choice);
        plan->gru.has_missing = code == COMMAND_FINE;
        plan->gru.missing = code == COMMAND_FINE ? (enum gru_missing)choice : GRU_MISSING_ERROR;
    }
    return code;
}

int model_plan_make(struct model_plan *plan, const struct model_plan_words *words)
{
    struct gru_plan *gru = &plan->gru;
    if (!command_parse_number(words->seed, &gru->seed)) {
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--seed takes a whole number below 2^64, not '%s'", words->seed);
    }
    plan->outputs = words->outputs;
    gru->residual = words->residual;
    int code =
        split(plan, MODEL_PLAN_INPUTS, "--inputs", words->inputs, GRU_WIDTH_MAX, &gru->n_inputs);
    if (code == COMMAND_FINE) {
        code = split(plan, MODEL_PLAN_OUTPUTS, "--outputs", words->outputs, GRU_WIDTH_MAX,
                     &gru->n_outputs);
    }
    if (code == COMMAND_FINE) {
        code = set_chain(plan, words);
    }
    if (code == COMMAND_FINE && words->scale && !model_scaling_file(words->scale)) {
        code = set_scalings(plan, words->scale);
    }
    if (code == COMMAND_FINE && words->transform) {
        code = set_transforms(plan, words->transform);
    }
    if (code == COMMAND_FINE && words->interval_seconds) {
        code = set_interval(plan, words->interval_seconds);
    }
    if (code == COMMAND_FINE && words->season) {
        code = set_season(plan, words->season);
    }
    if (code == COMMAND_FINE) {
        code = set_ends(plan, words);
    }
    gru->inputs = (const char *const *)plan->words[MODEL_PLAN_INPUTS];
    gru->outputs = (const char *const *)plan->words[MODEL_PLAN_OUTPUTS];
    return code;
}

int model_plan_create_model(const struct model_plan *plan, struct gru_model **ret_model)
{
    struct gru_error error = { 0 };
    struct gru_model *model;
    enum gru_status status = gru_model_create(&plan->gru, &model, &error);
    if (status != GRU_OK) {
        return command_complain(plan->command,
                                status == GRU_NO_MEMORY ? COMMAND_FAILED : COMMAND_WRONG_USAGE,
                                "%s", *error.message ? error.message : gru_status_text(status));
    }
    if (plan->gru.residual && gru_model_info(model)->n_feeds == 0) {
        gru_model_unref(model);
        return command_complain(plan->command, COMMAND_WRONG_USAGE,
                                "--residual needs an output with an input's name: '%s' has none",
                                plan->outputs);
    }
    *ret_model = model;
    return COMMAND_FINE;
}
