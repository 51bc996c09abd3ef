#include "engine/random_networks.h"
#include "engine/random.h"
#include "test.h"

#include <stdarg.h>
#include <stdio.h>

enum { TEXT_SIZE = 6000 };

/* A file that is being drawn: its list of layers, and the width of the last one. */
struct drawing {
    struct fixture f;
    uint64_t random;
    char text[TEXT_SIZE];
    size_t n_text, n_layers, width;
};

static size_t draw(struct drawing *d, size_t n)
{
    return (size_t)(gru_random_next(&d->random) % n);
}

__attribute__((format(printf, 2, 3))) static void put(struct drawing *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(d->text + d->n_text, TEXT_SIZE - d->n_text, format, arguments);
    va_end(arguments);
    ck_assert(n >= 0 && (size_t)n < TEXT_SIZE - d->n_text);
    d->n_text += (size_t)n;
}

/* A tensor of the layer that is being drawn. */
static void tensor(struct drawing *d, const char *name, size_t rows, size_t columns)
{
    char whole[64];
    snprintf(whole, sizeof whole, "l%zu.%s", d->n_layers, name);
    fixture_tensor(&d->f, whole, rows, columns);
}

static void begin(struct drawing *d, const char *type)
{
    put(d, "%s{\"type\":\"%s\",\"prefix\":\"l%zu\"", d->n_layers > 0 ? "," : "", type, d->n_layers);
}

static void end(struct drawing *d)
{
    put(d, "}");
    d->n_layers++;
}

static const char *draw_activation(struct drawing *d)
{
    static const char *const words[] = { "relu", "leaky_relu", "elu",     "selu",     "gelu",
                                         "silu", "tanh",       "sigmoid", "softplus", "linear" };
    return words[draw(d, sizeof words / sizeof *words)];
}

static void draw_recurrent(struct drawing *d)
{
    static const struct {
        const char *type;
        size_t n_gates;
        bool has_reset, has_cell;
    } kinds[] = { { "gru", 3, true, false },
                  { "gru_output_gate", 4, true, false },
                  { "gru_three_gate", 4, false, true },
                  { "lstm", 4, false, true } };
    const size_t k = draw(d, 4), h = 1 + draw(d, 19), rows = kinds[k].n_gates * h;
    begin(d, kinds[k].type);
    tensor(d, "weight_ih_l0", rows, d->width);
    tensor(d, "weight_hh_l0", rows, h);
    if (draw(d, 4) > 0) {
        tensor(d, "bias_ih_l0", rows, 0);
        tensor(d, "bias_hh_l0", rows, 0);
    }
    if (kinds[k].has_reset) {
        put(d, ",\"reset\":\"%s\",\"gate_order\":\"%s\",\"update\":\"%s\"",
            draw(d, 2) ? "after" : "before", draw(d, 2) ? "rzn" : "zrh",
            draw(d, 2) ? "keep" : "take");
    }
    if (draw(d, 3) == 0) {
        tensor(d, "h0", h, 0);
        put(d, ",\"initial_state\":\"l%zu.h0\"", d->n_layers);
    }
    if (kinds[k].has_cell && draw(d, 3) == 0) {
        tensor(d, "c0", h, 0);
        put(d, ",\"initial_cell\":\"l%zu.c0\"", d->n_layers);
    }
    d->width = h;
    end(d);
}

static void draw_dense(struct drawing *d)
{
    const size_t h = 1 + draw(d, 19);
    begin(d, "dense");
    tensor(d, "weight", h, d->width);
    if (draw(d, 3) > 0) {
        tensor(d, "bias", h, 0);
    }
    put(d, ",\"activation\":\"%s\"", draw_activation(d));
    d->width = h;
    end(d);
}

static void draw_norm(struct drawing *d)
{
    const bool is_batch = draw(d, 2) == 0;
    begin(d, is_batch ? "batch_norm" : "layer_norm");
    put(d, ",\"eps\":%s", draw(d, 2) ? "1e-05" : "0.001");
    if (draw(d, 3) > 0) {
        tensor(d, "weight", d->width, 0);
        tensor(d, "bias", d->width, 0);
    }
    if (is_batch) {
        char name[64];
        tensor(d, "running_mean", d->width, 0);
        tensor(d, "running_var", d->width, 0);
        snprintf(name, sizeof name, "l%zu.running_var", d->n_layers);
        for (size_t k = 0; k < d->width; k++) {
            fixture_values(&d->f, name)[k] += 0.625F;
        }
    }
    end(d);
}

static void draw_heads(struct drawing *d)
{
    const size_t n = 1 + draw(d, 3);
    put(d, ",{\"type\":\"heads\",\"heads\":[");
    d->n_layers++;
    for (size_t k = 0; k < n; k++) {
        const size_t rows = 1 + draw(d, 3);
        tensor(d, "weight", rows, d->width);
        if (draw(d, 2)) {
            tensor(d, "bias", rows, 0);
        }
        put(d, "%s{\"prefix\":\"l%zu\",\"activation\":\"%s\"}", k > 0 ? "," : "", d->n_layers++,
            draw(d, 4) ? draw_activation(d) : "softmax");
    }
    put(d, "]}");
}

static void draw_layer(struct drawing *d)
{
    switch (draw(d, 5)) {
    case 0:
        draw_dense(d);
        break;
    case 1:
        draw_norm(d);
        break;
    case 2:
        put(d, "%s{\"type\":\"activation\",\"activation\":\"%s\"}", d->n_layers > 0 ? "," : "",
            draw_activation(d));
        d->n_layers++;
        break;
    default:
        draw_recurrent(d);
    }
}

struct file random_network(uint64_t seed)
{
    struct drawing d = { .f = fixture_new(), .random = seed };
    const size_t n_inputs = 1 + draw(&d, 5), n_before = draw(&d, 3), n_behind = draw(&d, 4);
    d.width = n_inputs;
    put(&d, "{\"missing\":\"%s\",\"inputs\":[", draw(&d, 2) ? "last" : "mean");
    for (size_t k = 0; k < n_inputs; k++) {
        put(&d, "%s{\"mean\":%zu,\"std\":2.5}", k > 0 ? "," : "", draw(&d, 9));
    }
    put(&d, "],\"network\":[");
    for (size_t k = 0; k < n_before; k++) {
        draw_layer(&d);
    }
    draw_recurrent(&d);
    for (size_t k = 0; k < n_behind; k++) {
        draw_layer(&d);
    }
    if (draw(&d, 3) == 0) {
        draw_heads(&d);
    } else if (draw(&d, 2)) {
        draw_dense(&d);
    }
    put(&d, "]}");
    d.f.grud = d.text;
    return fixture_file(&d.f);
}
