/* grud inspect: prints what a model file holds, after every check that the daemon makes. */
#include "base/digest.h"
#include "commands/command.h"
#include "commands/command_table.h"
#include "commands/input_file.h"
#include "gru.h"
#include "json/json.h"
#include "json/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char *path, const char *message)
{
    fprintf(stderr, "grud inspect: %s: %s\n", path, message);
    return 1;
}

/* ---- printing: text from the file must not steer the terminal ---- */

static void print_text(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        size_t n_control = utf8_control_length(p);
        putchar(n_control > 0 ? '?' : *p);
        p += n_control > 0 ? n_control - 1 : 0;
    }
}

static void print_number(const char *label, double number)
{
    char text[JSON_DOUBLE_MAX + 1];
    *json_print_double(text, number) = '\0';
    printf("%s%s", label, text);
}

/* ", transform level 0.05 with scale" */
static void print_transform(const struct gru_transform *transform)
{
    if (transform->kind == GRU_TRANSFORM_NONE) {
        return;
    }
    printf(", transform %s", gru_transform_name(transform->kind));
    if (transform->kind == GRU_SEASONAL_DIFFERENCE) {
        printf(" %zu", transform->season);
    }
    if (transform->kind == GRU_LEVEL) {
        print_number(" ", transform->rate);
    }
    fputs(transform->scale ? " with scale" : "", stdout);
}

static void print_variables(const char *label, const struct gru_variable *variables, size_t n,
                            const struct gru_variable *fed)
{
    printf("%-12s%zu\n", label, n);
    for (size_t i = 0; i < n; i++) {
        fputs("  ", stdout);
        print_text(variables[i].name);
        print_number(": mean ", variables[i].mean);
        print_number(", std ", variables[i].std);
        if (*variables[i].unit) {
            fputs(", unit ", stdout);
            print_text(variables[i].unit);
        }
        print_transform(&variables[i].transform);
        if (fed && variables[i].feeds >= 0) {
            fputs(", feeds ", stdout);
            print_text(fed[variables[i].feeds].name);
        }
        putchar('\n');
    }
}

/* "gru: 2 to 8, reset after" */
static void print_layer(const struct gru_chain_layer *layer)
{
    if (layer->kind == GRU_LAYER_ACTIVATION) {
        printf("  %s: %zu\n", gru_activation_name(layer->activation), layer->output_size);
        return;
    }
    printf("  %s: %zu to %zu", gru_layer_kind_name(layer->kind), layer->input_size,
           layer->output_size);
    if (gru_layer_kind_has_reset(layer->kind)) {
        printf(", reset %s", gru_reset_name(layer->reset));
    }
    if (layer->eps > 0) {
        printf(", eps %g", (double)layer->eps);
    }
    fputs(layer->is_reverse ? ", from the end" : "", stdout);
    puts(layer->has_first_state ? ", its first state learned" : "");
}

static void print_layers(const struct gru_model *model)
{
    const size_t n = gru_model_n_layers(model);
    printf("layers      %zu\n", n);
    for (size_t l = 0; l < n; l++) {
        const struct gru_chain_layer layer = gru_model_layer(model, l);
        print_layer(&layer);
    }
}

/* "activation  softmax", or of several heads "activation  linear of 2, softplus of 1" */
static void print_activation(const struct gru_info *info)
{
    fputs("activation  ", stdout);
    for (size_t k = 0; k < info->n_heads; k++) {
        printf("%s%s of %zu", k > 0 ? ", " : "", gru_activation_name(info->heads[k].activation),
               info->heads[k].n_outputs);
    }
    puts(info->n_heads > 0 ? "" : gru_activation_name(info->activation));
}

static void print_model(const struct gru_model *model, struct digest digest)
{
    const struct gru_info *info = gru_model_info(model);
    char text[DIGEST_TEXT];
    digest_print(digest, text);
    printf("digest      %s\n", text);
    print_layers(model);
    print_variables("inputs", info->inputs, info->n_inputs, NULL);
    print_variables("outputs", info->outputs, info->n_outputs, info->inputs);
    print_activation(info);
    printf("steps       %zu\n", info->steps);
    printf("residual    %s\n", info->residual ? "yes" : "no");
    printf("missing     %s\n", gru_missing_name(info->missing));
    if (info->interval_seconds > 0) {
        print_number("interval    ", info->interval_seconds);
        fputs(" s\n", stdout);
    } else {
        fputs("interval    unknown\n", stdout);
    }
    if (info->season > 0) {
        printf("season      %zu\n", info->season);
    } else {
        fputs("season      unknown\n", stdout);
    }
    printf("parameters  %zu\n", info->n_parameters);
    printf("state       %zu floats, %zu bytes\n", info->state_floats,
           info->state_floats * sizeof(float));
    puts(gru_model_is_verified(model) ? "verified    by its selftest"
                                      : "verified    no: the file has no selftest");
}

/* "residuals   24 rows ahead; mean |error| 1 ahead: temp 0.31" */
static void print_residuals(const struct gru_model *model)
{
    enum { NAMED = 3 };
    const struct gru_residuals *residuals = gru_model_residuals(model);
    const struct gru_info *info = gru_model_info(model);
    if (!residuals) {
        return;
    }
    printf("residuals   of the validation, %zu rows ahead; mean |error| at the first:",
           residuals->n_horizons);
    for (size_t o = 0; o < residuals->n_outputs && o < NAMED; o++) {
        fputs(o > 0 ? ", " : " ", stdout);
        print_text(info->outputs[o].name);
        printf(" %.4g", residuals->of[o * residuals->n_horizons].mean);
    }
    puts(residuals->n_outputs > NAMED ? ", ..." : "");
}

const struct command_line command_inspect_line = {
    .command = "inspect",
    .summary = "says what a model file holds, once it was checked as the daemon would",
    .operands = { { "FILE", NULL, 0 } },
};

int command_inspect(int argc, char *const argv[])
{
    const char *path = NULL;
    if (command_line_asks_help(&command_inspect_line, argc, argv)) {
        return COMMAND_FINE;
    }
    int code = command_line_read(&command_inspect_line, &path, argc, argv);
    if (code != COMMAND_FINE) {
        return code;
    }
    size_t n;
    char *bytes = input_file_read(path, &n);
    if (!bytes) {
        fprintf(stderr, "grud inspect: %s: %m\n", path);
        return 1;
    }
    struct gru_model *model;
    struct gru_error error = { 0 };
    enum gru_status status = gru_model_load(bytes, n, &model, &error);
    struct digest digest = digest_128(bytes, n);
    free(bytes);
    if (status != GRU_OK) {
        return complain(path, *error.message ? error.message : gru_status_text(status));
    }
    print_model(model, digest);
    print_residuals(model);
    if (*gru_model_unread(model)) {
        fputs("not read    ", stdout);
        print_text(gru_model_unread(model));
        puts(" (in __metadata__; grud reads the JSON text of its key \"grud\", and its residuals)");
    }
    gru_model_unref(model);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
